#include "launcher/image_digest.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <fstream>
#include <vector>

namespace reprise {

Result<ImageInfo> digest_image(const std::string& role, const std::filesystem::path& path) {
  CHECK(sodium_init() >= 0);
  // The path may come from a trace: a pipe never begins and a device never ends.
  std::error_code error;
  std::ifstream file;
  if (std::filesystem::is_regular_file(path, error)) {
    file.open(path, std::ios::binary);
  }
  if (!file.is_open()) {
    return Error{ErrorKind::kUsage, fmt::format("{}: the {} cannot be read", path.string(), role)};
  }
  ImageInfo image{.role = role, .path = std::filesystem::absolute(path).lexically_normal().string(), .sha256 = {}, .size_bytes = 0};
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<char> buffer(1U << 20U);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<size_t>(file.gcount());
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(buffer.data()), n);
    image.size_bytes += n;
  }
  if (file.bad()) {
    return Error{ErrorKind::kUsage, fmt::format("{}: the {} cannot be read to its end", path.string(), role)};
  }
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state, digest.data());
  for (const unsigned char byte : digest) {
    image.sha256 += fmt::format("{:02x}", byte);
  }
  return image;
}

}  // namespace reprise
