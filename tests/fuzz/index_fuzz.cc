// Run information, pages of the index and the root: messages of whatever words, behind good checksums. What is accepted is the same when it
// is written and read again.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/script.h"
#include "trace_format/event_text.h"
#include "trace_format/index.h"
#include "trace_format/message_chunk.h"
#include "trace_format/run_info_codec.h"

namespace reprise {
namespace {

constexpr uint64_t kFileBytes = uint64_t{1} << 40;

/// Errors of pages and roots never quote the file; those of run information do.
void check_error(const Error& error) {
  CHECK(error.kind == ErrorKind::kBadTrace && !error.message.empty() && error.message.size() < 2000);
}

std::vector<uint8_t> stored(ChunkKind kind, StreamId stream, const std::vector<uint64_t>& words) {
  auto chunk = pack_message(kind, stream, 0, words);
  CHECK(chunk.ok());
  return std::move(*chunk);
}

Digest digest_of(uint64_t high, uint64_t low) {
  Digest digest;
  for (size_t i = 0; i < 8; ++i) {
    digest[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
    digest[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
  }
  return digest;
}

void check_run(const std::vector<uint64_t>& words) {
  const auto run = unpack_run_info(stored(ChunkKind::kRun, StreamId::network(), words));
  if (!run.ok()) {
    return check_error(run.error());
  }
  CHECK(run_info_error(*run).empty());
  const auto packed = pack_run_info(*run);
  if (!packed.ok()) {
    // Texts that share their bytes may be longer when each has its own.
    CHECK(packed.error().kind == ErrorKind::kUsage);
    return;
  }
  const auto again = unpack_run_info(*packed);
  CHECK(again.ok() && again->platform_xml == run->platform_xml && again->simgrid_options == run->simgrid_options);
  CHECK(again->guests.size() == run->guests.size() && again->until == run->until && again->complete == run->complete);
  CHECK(std::ranges::equal(again->guests, run->guests, [](const GuestInfo& a, const GuestInfo& b) {
    return a.name == b.name && a.command_line == b.command_line && a.images.size() == b.images.size() && a.omitted == b.omitted;
  }));
  // A newer release's message is copied, and a copy of a copy may be laid out otherwise.
  const auto repeated = pack_run_info(*again);
  CHECK(repeated.ok() && (run->newer_message != nullptr || *repeated == *packed));
}

/// What a root that belongs to the page would say of it.
StreamSummary summary_of_page(const std::vector<uint64_t>& words, StreamId stream) {
  StreamSummary summary;
  summary.stream = stream;
  PageRecord page;
  const std::string ignored = read_message_root<schema::Page>(words, [&](schema::Page::Reader root) {
    const auto chunks = root.getChunks();
    if (chunks.size() == 0 || chunks.size() > kChunksPerPage) {
      return std::string("no page");
    }
    std::vector<Digest> digests;
    for (const auto chunk : chunks) {
      digests.push_back(digest_of(chunk.getDigestHigh(), chunk.getDigestLow()));
    }
    page = {0,
            1,
            chunks.size(),
            {chunks[0].getFirstNs()},
            {chunks[chunks.size() - 1].getLastNs()},
            chunks[0].getFramesSentBefore(),
            digest_of_digests(digests)};
    return std::string();
  });
  page.chunks = std::max(page.chunks, 1U);
  summary.chunks = page.chunks;
  summary.pages = {page};
  return summary;
}

void check_page(const std::vector<uint64_t>& words, StreamId stream) {
  const StreamSummary summary = summary_of_page(words, stream);
  const auto records = unpack_page(stored(ChunkKind::kPage, stream, words), summary, 0, kFileBytes);
  if (!records.ok()) {
    return check_error(records.error());
  }
  CHECK(records->size() == summary.chunks);
  StreamIndexer indexer(stream);
  for (const ChunkRecord& record : *records) {
    LoadedChunk chunk;
    chunk.header = record.header;
    chunk.digest = record.digest;
    indexer.add(chunk, record.offset);
  }
  const auto packed = indexer.take_page(0);
  CHECK(packed.ok());
  const StreamSummary rebuilt = indexer.finish();
  CHECK(rebuilt.pages.size() == 1 && rebuilt.pages[0].digest == summary.pages[0].digest);
  const auto again = unpack_page(*packed, rebuilt, 0, kFileBytes);
  CHECK(again.ok() && std::ranges::equal(*again, *records, [](const ChunkRecord& a, const ChunkRecord& b) {
          return a.header == b.header && a.offset == b.offset && a.digest == b.digest;
        }));
}

/// What run information that belongs to the root would say of the guests.
RunInfo run_of_root(const std::vector<uint64_t>& words) {
  RunInfo run;
  const std::string ignored = read_message_root<schema::Root>(words, [&](schema::Root::Reader root) {
    for (const auto guest : root.getGuests()) {
      if (run.guests.size() == kMaxGuests) {
        break;
      }
      run.guests.emplace_back().omitted = guest.getChunks() == 0;
    }
    return std::string();
  });
  return run;
}

void check_root(const std::vector<uint64_t>& words) {
  const RunInfo run = run_of_root(words);
  const auto root = unpack_root(stored(ChunkKind::kRoot, StreamId::network(), words), run, kFileBytes);
  if (!root.ok()) {
    return check_error(root.error());
  }
  const auto packed = pack_root(*root);
  CHECK(packed.ok());
  const auto again = unpack_root(*packed, run, kFileBytes);
  CHECK(again.ok() && again->kept == root->kept && again->network.digest == root->network.digest);
  CHECK(std::ranges::equal(again->guests, root->guests, [](const StreamSummary& a, const StreamSummary& b) {
    return a.chunks == b.chunks && a.digest == b.digest && a.guest == b.guest && a.deliveries_implied == b.deliveries_implied;
  }));
  const auto repeated = pack_root(*again);
  CHECK(repeated.ok() && *repeated == *packed);
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  const uint8_t kind = script.take<uint8_t>() % 4;
  const ByteView bytes = script.take_bytes(size);
  std::vector<uint64_t> words(bytes.size() / 8);
  if (!words.empty()) {
    std::memcpy(words.data(), bytes.data(), words.size() * 8);
  }
  switch (kind) {
    case 0:
      check_run(words);
      break;
    case 1:
      check_root(words);
      break;
    default:
      check_page(words, kind == 2 ? StreamId{0} : StreamId::network());
      break;
  }
  return 0;
}
