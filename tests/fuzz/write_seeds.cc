// Makes the seeds of the trace targets out of traces, sound ones: write_seeds SEEDS TRACE...   (SEEDS is tests/fuzz/seeds)
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/fixed_identity.h"
#include "tests/fuzz/scripted_trace.h"
#include "tests/memory_file.h"
#include "trace_format/age_file.h"
#include "trace_format/byte_codec.h"
#include "trace_format/message_chunk.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr size_t kLargestSeed = 20'000;
constexpr size_t kChunksOfEach = 2;

void write(const fs::path& path, const Bytes& bytes) {
  if (bytes.size() > kLargestSeed) {
    std::printf("left out, %zu bytes: %s\n", bytes.size(), path.c_str());
    return;
  }
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Bytes after(std::initializer_list<uint8_t> mode, ByteView bytes) {
  Bytes seed(mode);
  seed.insert(seed.end(), bytes.begin(), bytes.end());
  return seed;
}

/// Takes the chunks of one trace as they come.
class SeedsOfTrace {
 public:
  SeedsOfTrace(fs::path seeds, std::string name) : seeds_(std::move(seeds)), name_(std::move(name)) {}

  void make(const ByteSource& trace) {
    Bytes stored;
    const uint64_t end = trace.size() - kTrailerBytes;
    for (uint64_t at = kFileHeaderBytes; at < end; at += stored.size()) {
      const auto header = read_stored_chunk(trace, at, end, stored);
      CHECK(header.ok());
      take(*header, stored);
    }
    begin_stream(StreamId{});  // the last one is complete
    if (guests_ <= 3) {
      Bytes script = {static_cast<uint8_t>(guests_ - 1)};
      script.insert(script.end(), script_.begin(), script_.end());
      write(seeds_ / "container" / (name_ + "-scripted"), after({2}, script));
      Bytes two = {static_cast<uint8_t>(script.size()), static_cast<uint8_t>(script.size() >> 8)};
      two.insert(two.end(), script.begin(), script.end());
      two.insert(two.end(), script.begin(), script.end());
      write(seeds_ / "diff" / (name_ + "-itself"), two);
      two[two.size() - script.size() / 3] ^= 1;
      write(seeds_ / "diff" / (name_ + "-altered"), two);
    }
  }

 private:
  void take(const ChunkHeader& header, const Bytes& stored) {
    static constexpr const char* kNames[] = {"guest", "network", "run", "page", "root"};
    const std::string name = name_ + "-" + kNames[static_cast<size_t>(header.kind)];
    switch (header.kind) {
      case ChunkKind::kGuest:
      case ChunkKind::kNetwork:
        take_events(header, stored, name);
        break;
      case ChunkKind::kRun:
        write_message(0, ChunkKind::kRun, header.stream, stored, name);
        break;
      case ChunkKind::kRoot:
        write_message(1, ChunkKind::kRoot, header.stream, stored, name);
        break;
      case ChunkKind::kPage:
        write_message(header.stream.is_network() ? 3 : 2, ChunkKind::kPage, header.stream, stored, name + stream_number(header.stream));
        break;
    }
  }

  void take_events(const ChunkHeader& header, const Bytes& stored, const std::string& name) {
    LoadedChunk chunk;
    CHECK(loader_.unpack(stored, chunk).ok());
    if (header.sequence == 0) {
      begin_stream(header.stream);
    }
    fuzz::script_of_chunk(chunk, header.sequence == 0, script_);
    if (header.sequence < kChunksOfEach) {
      const std::string number = stream_number(header.stream) + "-" + std::to_string(header.sequence);
      write(seeds_ / "chunk_body" / (name + number + "-stored"), after({0}, stored));
      Bytes columns;
      fuzz::script_of_chunk(chunk, true, columns);
      write(seeds_ / "chunk_body" / (name + number + "-columns"), after({header.stream.is_network() ? uint8_t{3} : uint8_t{1}}, columns));
    }
  }

  void begin_stream(StreamId stream) {
    if (!stream.is_network()) {
      script_.push_back(1);  // deliveries are implied
      ++guests_;
    }
  }

  void write_message(uint8_t kind, ChunkKind chunk_kind, StreamId stream, const Bytes& stored, const std::string& name) {
    const auto words = unpack_message(stored, chunk_kind, stream);
    CHECK(words.ok());
    write(seeds_ / "index" / name, after({kind}, {reinterpret_cast<const uint8_t*>(words->data()), words->size() * 8}));
  }

  static std::string stream_number(StreamId stream) { return stream.is_network() ? "" : std::to_string(stream.value); }

  fs::path seeds_;
  std::string name_;
  ChunkLoader loader_;
  Bytes script_;  ///< what scripted_trace() reads after its first byte
  uint32_t guests_ = 0;
};

void write_age(const fs::path& seeds) {
  Bytes file;
  auto sink = encrypt_to(std::make_unique<testing::MemorySink>(&file), {recipient_of(fuzz::fixed_identity())});
  CHECK(sink.ok() && (*sink)->write(Bytes(300, 'x')).ok() && (*sink)->close().ok());
  write(seeds / "age" / "encrypted", after({0}, file));
  write(seeds / "age" / "one-chunk", {1, 0, 5, 100, 0});
  write(seeds / "age" / "two-chunks", {1, 1, 2, 'a', 'b', 4, 'b', 'o', 'd', 'y', 0, 5, 9, 1});
  write(seeds / "age" / "unfinished", {1, 0, 0, 0, 1, 200, 0});
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  if (argc < 3) {
    std::fputs("usage: write_seeds SEEDS TRACE...\n", stderr);
    return 2;
  }
  const fs::path seeds = argv[1];
  write_age(seeds);
  for (int i = 2; i < argc; ++i) {
    const auto trace = open_file(argv[i]);
    if (!trace.ok()) {
      std::fprintf(stderr, "%s\n", trace.error().message.c_str());
      return static_cast<int>(trace.error().kind);
    }
    Bytes bytes((*trace)->size());
    CHECK((*trace)->read_at(0, bytes).ok());
    const std::string name = fs::path(argv[i]).stem();
    write(seeds / "container" / name, after({0}, bytes));
    SeedsOfTrace(seeds, name).make(**trace);
  }
  return 0;
}
