// An encrypted file of anybody: header and payload as they are, or chunks of any sizes sealed behind a good header. Nothing but what was
// sealed ever comes out.
#include <algorithm>
#include <memory>

#include "tests/fuzz/fixed_identity.h"
#include "tests/fuzz/script.h"
#include "tests/memory_file.h"
#include "trace_format/age_file.h"
#include "trace_format/age_payload.h"
#include "trace_format/age_wrap.h"

namespace reprise {
namespace {

constexpr size_t kMostChunks = 4;
using Bytes = std::vector<uint8_t>;
using Open = Result<std::unique_ptr<ByteSource>> (*)(std::unique_ptr<ByteSource>, const std::vector<AgeIdentity>&);

/// A file and what its chunks hold, all of them.
struct Sealed {
  Bytes file;
  Bytes plain;
};

Sealed seal_as_told(fuzz::Script& script) {
  FileKey file_key;
  std::ranges::fill(file_key.bytes(), uint8_t{7});
  std::vector<AgeStanza> stanzas;
  for (uint8_t left = script.take<uint8_t>() % 4; left > 0; --left) {
    const ByteView name = script.take_bytes(1 + script.take<uint8_t>() % 8);
    AgeStanza stanza{{"x"}, {}};
    for (const uint8_t byte : name) {
      stanza.arguments.back().push_back(static_cast<char>('!' + byte % 94));
    }
    const ByteView body = script.take_bytes(script.take<uint8_t>() % 80);
    stanza.body.assign(body.begin(), body.end());
    stanzas.push_back(std::move(stanza));
  }
  stanzas.push_back(wrap_file_key(file_key, recipient_of(fuzz::fixed_identity())));
  const std::string header = encode_age_header(stanzas, file_key);
  Sealed sealed{{header.begin(), header.end()}, {}};
  const PayloadNonce nonce = {};
  sealed.file.insert(sealed.file.end(), nonce.begin(), nonce.end());
  const PayloadCipher cipher(file_key, nonce);
  for (uint64_t number = 0; number < kMostChunks && !script.at_end(); ++number) {
    const uint8_t shape = script.take<uint8_t>();
    // Whole chunks are what all but the last must be; some input bytes would not suffice for one.
    const Bytes plain(shape % 2 == 0 ? kAgeChunkBytes : script.take<uint16_t>() % kAgeChunkBytes, static_cast<uint8_t>(number));
    Bytes chunk(plain.size() + kTagBytes);
    cipher.seal(number, (shape & 4) != 0, plain, chunk);
    sealed.file.insert(sealed.file.end(), chunk.begin(), chunk.end());
    sealed.plain.insert(sealed.plain.end(), plain.begin(), plain.end());
  }
  const ByteView rest = script.take_bytes(script.take<uint8_t>());
  sealed.file.insert(sealed.file.end(), rest.begin(), rest.end());
  if (const auto cut = script.take<uint16_t>(); cut != 0) {
    sealed.file.resize(sealed.file.size() - std::min<size_t>(cut, sealed.file.size()));
  }
  if (const auto at = script.take<uint32_t>(); at != 0 && at < sealed.file.size()) {
    sealed.file[at] ^= static_cast<uint8_t>(1 + script.take<uint8_t>() % 255);
  }
  return sealed;
}

void check_error(const Error& error) {
  CHECK((error.kind == ErrorKind::kBadTrace || error.kind == ErrorKind::kUsage) && error.message.starts_with("input: "));
}

/// Opens and reads; `plain` is what may come out, all or its beginning (nullptr: anything).
void read(Open open, const Bytes& file, const Bytes* plain, bool unfinished) {
  const auto source = open(std::make_unique<testing::MemorySource>(file), {fuzz::fixed_identity()});
  if (!source.ok()) {
    return check_error(source.error());
  }
  CHECK((*source)->size() <= file.size());
  Bytes got((*source)->size());
  if (const Status status = (*source)->read_at(0, got); !status.ok()) {
    return check_error(status.error());
  }
  CHECK(plain == nullptr || (got.size() <= plain->size() && std::equal(got.begin(), got.end(), plain->begin())));
  CHECK(plain == nullptr || unfinished || got.size() == plain->size());
  uint8_t byte = 0;
  CHECK(!(*source)->read_at(got.size(), {&byte, 1}).ok());
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  Sealed sealed;
  const bool told = script.take<uint8_t>() % 2 == 1;
  if (told) {
    sealed = seal_as_told(script);
  } else {
    const ByteView bytes = script.take_bytes(size);
    sealed.file.assign(bytes.begin(), bytes.end());
  }
  const testing::MemorySource source(sealed.file);
  const bool looks_so = is_age_file(source);
  CHECK(!looks_so || !sealed.file.empty());
  read(decrypt, sealed.file, told ? &sealed.plain : nullptr, false);
  read(decrypt_unfinished, sealed.file, told ? &sealed.plain : nullptr, true);
  return 0;
}
