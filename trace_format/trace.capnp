# Bodies of chunks and of the footer. The framing around them (headers, checksums, trailer) is in FORMAT.md.
#
# Evolution rules
#   - Field numbers are never reused or removed.
#   - The footer may gain fields with a new minor version; a reader ignores those that it does not know, and a field that a writer left out
#     reads as its default here, which must mean "as before the field existed".
#   - The columns of a chunk change only with the major version: digests cover them, so a reader must know them all.
#   - Enumerations (sources, reasons, verdicts) are numbers in trace_format/event.h: append only, with a new minor version. A reader refuses
#     a number that it does not know.
#
# "varint": unsigned LEB128, 1 to 10 bytes, shortest form. "zigzag": a varint of (n << 1) ^ (n >> 63) of a 64-bit two's complement n.
# All additions on values and frame numbers are modulo 2^64; times are checked to stay in [0, 2^63).

@0x9d1c5d6f1f0e7a31;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("reprise::schema");

struct Chunk {
  union {
    guest @0 :GuestColumns;
    network @1 :NetworkColumns;
  }
}

# One guest's events. "Time" columns hold the nanoseconds since the event before it in the chunk, of whatever kind; the chunk's first event
# has 0 there, its time is in the chunk's header. All state (last time, values, frames) starts at zero in each chunk.
struct GuestColumns {
  order @0 :Data;          # varints (count << 3 | EventKind), count >= 1: the interleaving of kinds in guest order
  clockRule @1 :Data;      # a byte for each run of reads: ClockSource | rule << 4. Rule 0: value = time + (value - time of the source's last
                           # read in the chunk, 0 when there is none). Rule 1: value = value of the source's last read (or 0) + clockValue
  clockTime @2 :Data;      # varint for each run: ns before each read of the run
  clockCount @3 :Data;     # varint for each run: reads in it, >= 1
  clockValue @4 :Data;     # zigzag for each run of rule 1: value difference before each read of the run
  sentTime @5 :Data;       # varint for each frame sent
  sentSize @6 :Data;       # varint for each frame sent: bytes, 1 to 65,535
  sentPayload @7 :Data;    # the frames' bytes, one after another
  receivedTime @8 :Data;   # varint for each frame received
  receivedSender @9 :Data; # varint: GuestIndex, below 4,096
  receivedFrame @10 :Data; # zigzag: sender's frame number minus that of the frame last received from this sender in the chunk (or 0)
  receivedSize @11 :Data;  # varint: bytes, 1 to 65,535; equal to the sender's sentSize
  consoleTime @12 :Data;   # for each run of bytes: varint ns before each byte, varint bytes in the run (>= 1)
  consoleBytes @13 :Data;  # the bytes
  end @14 :Data;           # empty, or varint ns and one byte EndReason; the stream's last event
}

# The network's verdicts, ordered by (at, sender, frame, receiver).
struct NetworkColumns {
  verdict @0 :Data;   # a byte: 0 delivered, 1 + DropReason dropped
  time @1 :Data;      # varint: ns since the event before it; 0 for the chunk's first, whose time is in the header
  transit @2 :Data;   # varint: at - sent_at in ns
  sender @3 :Data;    # varint: GuestIndex, below 4,096
  frame @4 :Data;     # zigzag: sender's frame number minus that of the sender's last event in the chunk (or 0)
  receiver @5 :Data;  # varint: GuestIndex, below 4,096
}

struct Footer {
  run @0 :RunInfo;
  streams @1 :List(StreamIndex);  # the network first, then the guests in order: 1 + number of guests (none in run.info)
}

# All of it can be rebuilt from the stream's chunks.
struct StreamIndex {
  stream @0 :UInt32;               # GuestIndex, or 0xffffffff for the network
  chunks @1 :List(ChunkEntry);     # in order; they fill the file without gaps
  digest @2 :Data;                 # 16 bytes: XXH3-128 of the chunks' digests, one after another
  guest @3 :GuestStatistics;       # guest streams only; the network's statistics are sums over its chunks
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
  firstSentFrame @7 :UInt64;  # frames sent in the stream before this chunk
  digestHigh @8 :UInt64;      # XXH3-128 of the canonical columns (FORMAT.md)
  digestLow @9 :UInt64;
  rawSize @10 :UInt32;        # bytes, uncompressed
  storedSize @11 :UInt32;     # bytes, compressed, without header
  ends @12 :UInt32;           # 1 for the last chunk of a stream, else 0
}

struct GuestStatistics {
  bytesSent @0 :UInt64;
  bytesReceived @1 :UInt64;
  clockReads @2 :List(UInt64);  # by ClockSource; missing ones are 0. The other counts are sums over the chunks.
  endReason @3 :UInt8;          # EndReason
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
  untilNs @7 :Int64 = 0x7fffffffffffffff;      # ns, or the default: no deadline
  incomplete @8 :Bool;                         # made by `recover` from a run that did not finish
  guests @9 :List(GuestInfo);                  # at most 4,096
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
  images @8 :List(ImageInfo);
  icountShift @9 :UInt32;  # 0 to 10
}

struct ImageInfo {
  role @0 :Text;
  path @1 :Text;
  sha256 @2 :Text;       # 64 lower-case hex digits
  sizeBytes @3 :UInt64;
}
