#include "trace_format/columns.h"

#include <xxhash.h>

#include <memory>

#include "trace_format/byte_codec.h"
#include "trace_format/status.h"

namespace reprise {
namespace {

class Hasher {
 public:
  Hasher() : state_(XXH3_createState(), &XXH3_freeState) {
    CHECK(state_ != nullptr);
    XXH3_128bits_reset(state_.get());
  }
  void add(ByteView bytes) {
    if (!bytes.empty()) {
      XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
    }
  }
  void add_u64(uint64_t value) {
    uint8_t bytes[8];
    store_le(bytes, value);
    add(bytes);
  }
  [[nodiscard]] Digest digest() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    Digest result;
    std::memcpy(result.data(), canonical.digest, result.size());
    return result;
  }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

constexpr std::array<std::string_view, kGuestColumnCount> kGuestNames = {
    "order",        "clockGroup",     "clockTime",     "clockValue",   "sentTime",        "sentSize",    "sentPayload",
    "receivedTime", "receivedSender", "receivedFrame", "embeddedSize", "embeddedPayload", "consoleTime", "consoleBytes",
    "end",          "inputTime",      "inputBytes"};
constexpr std::array<std::string_view, kNetworkColumnCount> kNetworkNames = {"verdict", "time", "transit", "sender", "frame", "receiver"};

}  // namespace

std::string_view column_name(bool network, size_t column) {
  CHECK(column < (network ? size_t{kNetworkColumnCount} : size_t{kGuestColumnCount}));
  return network ? kNetworkNames[column] : kGuestNames[column];
}

Digest digest_columns(const ColumnViews& columns, size_t column_count, VirtualTime first, VirtualTime last) {
  Hasher hasher;
  hasher.add_u64(static_cast<uint64_t>(first.ns));
  hasher.add_u64(static_cast<uint64_t>(last.ns));
  for (size_t i = 0; i < column_count; ++i) {
    hasher.add_u64(columns[i].size());
    hasher.add(columns[i]);
  }
  return hasher.digest();
}

Digest digest_of_digests(const std::vector<Digest>& digests) {
  Hasher hasher;
  for (const Digest& digest : digests) {
    hasher.add(digest);
  }
  return hasher.digest();
}

}  // namespace reprise
