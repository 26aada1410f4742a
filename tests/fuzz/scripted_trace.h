// Traces whose contents an input makes up. A checksum would stop a fuzzer at every door, so it is made here, behind the contents: over
// bytes that are wrong in any way (repair_checksums), or around columns that are (scripted_chunk, scripted_trace).
#pragma once

#include <cstdint>
#include <vector>

#include "tests/fuzz/script.h"
#include "trace_format/chunk.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"

namespace reprise::fuzz {

/// `bytes` becomes a file header, chunks without gaps, the last of which ends where a trailer begins; all with the right checksums, and a
/// trailer that points at the last two chunks. Nothing else is changed. Does nothing to less than 200 bytes.
void repair_checksums(std::vector<uint8_t>& bytes);
/// The same of one chunk that is all of `bytes`, at least 129 of them.
void repair_chunk(std::span<uint8_t> bytes);

/// A chunk with the columns that `script` gives and a header that fits them where it can: what follows `previous` (nullptr: the stream's
/// first chunk), counts and times of the events that a decoder finds. `header` becomes that header.
std::vector<uint8_t> scripted_chunk(Script& script, StreamId stream, const ChunkHeader* previous, ChunkHeader& header);
/// What scripted_chunk() reads.
void script_of_chunk(const LoadedChunk& chunk, bool first, std::vector<uint8_t>& out);

/// One to three guests and the network. Whatever its chunks say, index and statistics are what a writer would have made of them.
std::vector<uint8_t> scripted_trace(Script& script);

/// Whether a walk over all events of the trace takes as long as its bytes suggest: a run of a few bytes may stand for 2^58 reads.
bool is_short(const TraceReader& trace);

}  // namespace reprise::fuzz
