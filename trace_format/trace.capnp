# Bodies of chunks. The framing around them (headers, checksums, trailer) is in FORMAT.md.
#
# Evolution rules
#   - Field numbers are never reused or removed.
#   - Run information, root and index pages may gain fields with a new minor version; a reader ignores those that it does not know, a program
#     that rewrites a trace keeps those of the run information, and a field that a writer left out reads as its default here, which must
#     mean "as before the field existed".
#   - The columns of a chunk change only with the major version: digests cover them, so a reader must know them all. A new kind of event may
#     come with columns of its own in a new alternative of Chunk, used by chunks that hold such events and by no other; a reader refuses an
#     alternative that it does not know.
#   - Enumerations (kinds, sources, reasons, verdicts) are the numbers in FORMAT.md: append only, with a new minor version. A reader refuses a
#     number that it does not know.
#
# "column": Data whose first byte says how the rest is stored: 0 as it is; 1 one zstd frame that states its content size; 2 a varint, the number n
# of varints in the column, then such a frame of all their first bytes, then all their second bytes, and so on (for this, a varint is up to 10
# bytes, of which all but the last have the top bit set). An empty Data is an empty column.
# "varint": unsigned LEB128, 1 to 10 bytes, shortest form. "zigzag": a varint of (n << 1) ^ (n >> 63) of a 64-bit two's complement n.
# All additions on values and frame numbers are modulo 2^64; times are checked to stay in [0, 2^63).

@0xb7e5a1c04d2f9683;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("reprise::schema");

struct Chunk {
  union {
    guest @0 :GuestColumns;
    network @1 :NetworkColumns;
    guestWithInput @2 :GuestColumnsWithInput;   # of a chunk with console input, and of no other. Since 2.2
  }
}

# One guest's events. "Time" columns hold the nanoseconds since the event before it in the chunk, of whatever kind; the chunk's first
# event has 0 there, its time is in the chunk's header (so a group or run with one step that begins with it has step 0). All state (last
# time, values, frames) starts at zero in each chunk.
struct GuestColumns {
  order @0 :Data;            # varints (count << 3 | EventKind), count >= 1: the interleaving of kinds in guest order
  clockGroup @1 :Data;       # varint for each group of reads: count << 6 | each << 5 | rule << 4 | ClockSource, count >= 1
  clockTime @2 :Data;        # each = 0: a varint for the group, ns before each of its reads; each = 1: a varint for each read
  clockValue @3 :Data;       # of rule 1, zigzag value differences: one for the group or one for each read, as clockTime. Rule 0 has none
  sentTime @4 :Data;         # varint for each frame sent
  sentSize @5 :Data;         # varint for each frame sent: bytes, 1 to 65,535
  sentPayload @6 :Data;      # the frames' bytes, one after another
  receivedTime @7 :Data;     # varint for each frame received
  receivedSender @8 :Data;   # varint (GuestIndex << 1 | embedded), GuestIndex below the number of guests
  receivedFrame @9 :Data;    # zigzag: sender's frame number minus that of the frame last received from this sender in the chunk (or 0)
  embeddedSize @10 :Data;    # varint for each embedded frame received: bytes, 1 to 65,535. Others are in the sender's stream
  embeddedPayload @11 :Data; # their bytes, one after another
  consoleTime @12 :Data;     # for each run of bytes: varint ns before each byte, varint bytes in the run (>= 1)
  consoleBytes @13 :Data;    # the bytes
  end @14 :Data;             # empty, or varint ns and one byte EndReason; the stream's last event
}

# The same with what was typed at the guest's console. Both columns hold something.
struct GuestColumnsWithInput {
  columns @0 :GuestColumns;
  inputTime @1 :Data;        # as consoleTime
  inputBytes @2 :Data;       # the bytes
}

# The network's verdicts that the guests' receptions do not imply (FORMAT.md), ordered by (at, sender, frame, receiver).
struct NetworkColumns {
  verdict @0 :Data;   # a byte each: 0 delivered, 1 + DropReason dropped
  time @1 :Data;      # varint: ns since the event before it; 0 for the chunk's first, whose time is in the header
  transit @2 :Data;   # varint: at - sent_at in ns, at most at
  sender @3 :Data;    # varint: GuestIndex, below the number of guests
  frame @4 :Data;     # zigzag: sender's frame number minus that of the sender's last event in the chunk (or 0)
  receiver @5 :Data;  # varint: GuestIndex, the same
}

# The last chunk of a trace. All of it can be rebuilt from the chunks.
struct Root {
  guests @0 :List(StreamSummary);  # in order, as many as the run has
  network @1 :StreamSummary;
  kept @2 :List(UInt64);           # offsets of the parts of images, and of chunks that the writer did not know, in ascending order
}

struct StreamSummary {
  chunks @0 :UInt64;
  pages @1 :List(PageEntry);         # all but the last hold 256 chunks
  digest @2 :Data;                   # 16 bytes: XXH3-128 of the pages' digests, one after another
  columns @3 :List(ColumnSizes);     # one for each column, in their order: 15 of a guest, or 17 if it has console input; 6 of the network
  guest @4 :GuestStatistics;         # guests only
  framesDelivered @5 :UInt64;        # network only: implied ones too
  framesDropped @6 :UInt64;          # network only
}

# A part of a file that the trace carries: a chunk of kind 5, since 2.2. The parts of one image are in ascending order, without gaps.
struct ImagePart {
  sha256 @0 :Text;      # of the whole image: 64 lower-case hex digits, as in ImageInfo
  offset @1 :UInt64;    # of the part, in bytes; images are at most 128 MiB
  bytes @2 :Data;
}

# Sums over the stream's chunks.
struct ColumnSizes {
  rawBytes @0 :UInt64;
  storedBytes @1 :UInt64;   # of the Data: with the byte that says how
}

# One page of a stream's index: a chunk of kind 3.
struct PageEntry {
  offset @0 :UInt64;            # of its header, in bytes from the start of the file
  storedSize @1 :UInt32;        # bytes, without header
  chunks @2 :UInt32;            # entries, 1 to 256
  firstNs @3 :Int64;            # of its first chunk
  lastNs @4 :Int64;             # of its last chunk
  framesSentBefore @5 :UInt64;  # in the stream before its first chunk
  digestHigh @6 :UInt64;        # XXH3-128 of its chunks' digests, one after another
  digestLow @7 :UInt64;
}

struct Page {
  chunks @0 :List(ChunkEntry);
}

# A copy of the chunk's header (FORMAT.md), and where it is.
struct ChunkEntry {
  offset @0 :UInt64;          # of the header, in bytes from the start of the file
  firstNs @1 :Int64;          # >= 0
  lastNs @2 :Int64;           # >= firstNs
  clockReads @3 :UInt64;      # network: frames delivered
  framesSent @4 :UInt64;      # network: frames dropped
  framesReceived @5 :UInt64;
  consoleBytes @6 :UInt64;
  clockReadsBefore @7 :UInt64;      # in the stream before this chunk
  framesSentBefore @8 :UInt64;
  framesReceivedBefore @9 :UInt64;
  consoleBytesBefore @10 :UInt64;
  bytesReceived @11 :UInt64;
  digestHigh @12 :UInt64;     # XXH3-128 of the canonical columns (FORMAT.md)
  digestLow @13 :UInt64;
  rawSize @14 :UInt32;        # bytes, uncompressed
  storedSize @15 :UInt32;     # bytes, without header
  ends @16 :UInt32;           # 1 for the last chunk of a stream, else 0
}

struct GuestStatistics {
  framesSent @0 :UInt64;
  framesReceived @1 :UInt64;
  bytesSent @2 :UInt64;
  bytesReceived @3 :UInt64;
  clockReads @4 :List(UInt64);      # by ClockSource; missing ones are 0. A reader refuses a number above 0 of a source that it does not know
  consoleBytes @5 :UInt64;          # printed and typed
  firstNs @6 :Int64;                # of its first chunk; 0 without any
  lastNs @7 :Int64;                 # of its last chunk
  ended @8 :Bool;                   # the stream has its end event
  endReason @9 :UInt8;              # EndReason; 5 (aborted) without an end event
  deliveriesImplied @10 :Bool;      # each reception in the stream stands for the network's delivery too
  consoleInputBytes @11 :UInt64;    # of consoleBytes. Since 2.2
}

# Provenance; trace_format/run_info.h says what each field means.
struct RunInfo {
  repriseVersion @0 :Text;
  simgridVersion @1 :Text;
  simgridOptions @2 :List(Text);
  platformXml @3 :Text;
  deploymentXml @4 :Text;
  seed @5 :UInt64;
  lookaheadNs @6 :Int64;                       # >= 0
  untilNs @7 :Int64 = 0x7fffffffffffffff;      # --until, or where --max-size ended the run; the default: no deadline
  incomplete @8 :Bool;                         # made by `recover` from a run that did not finish, or from a damaged trace
  guests @9 :List(GuestInfo);                  # at most 4,096
  fromNs @10 :Int64;                           # a part of a run (`trim`): its first instant; 0 for all others
  toNs @11 :Int64 = 0x7fffffffffffffff;        # the first instant after it, later than fromNs; the default: to the end, and for all others
  partial @12 :Bool;                           # made by `trim`
}

struct GuestInfo {
  name @0 :Text;           # 1 to 255 bytes, unique
  host @1 :Text;
  address @2 :Text;
  mac @3 :Text;
  nic @4 :Text;
  qemuVersion @5 :Text;
  qemuBuildId @6 :Text;
  commandLine @7 :List(Text);
  images @8 :List(ImageInfo);  # at most 64
  icountShift @9 :UInt32;      # 0 to 10
  omitted @10 :Bool;           # left out by `trim`: the guest has no stream
  kind @11 :UInt8;             # 0 a virtual machine in QEMU, 1 a native process, 2 a gateway (2.2); a reader refuses others. Since 2.1
}

struct ImageInfo {
  role @0 :Text;
  path @1 :Text;
  sha256 @2 :Text;       # 64 lower-case hex digits
  sizeBytes @3 :UInt64;
}
