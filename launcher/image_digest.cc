#include "launcher/image_digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

namespace reprise {

Result<ImageInfo> digest_image(const std::string& role, const std::filesystem::path& path) {
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
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  std::vector<char> buffer(1U << 20U);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<size_t>(file.gcount());
    CHECK(EVP_DigestUpdate(context.get(), buffer.data(), n) == 1);
    image.size_bytes += n;
  }
  if (file.bad()) {
    return Error{ErrorKind::kUsage, fmt::format("{}: the {} cannot be read to its end", path.string(), role)};
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned bytes = 0;
  CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &bytes) == 1);
  for (unsigned i = 0; i < bytes; ++i) {
    image.sha256 += fmt::format("{:02x}", digest[i]);
  }
  return image;
}

Result<ImageInfo> ImageDigests::of(const std::string& role, const std::filesystem::path& path) {
  auto known = known_.find(path);
  if (known == known_.end()) {
    ASSIGN_OR_RETURN(ImageInfo image, digest_image(role, path));
    known = known_.emplace(path, std::move(image)).first;
  }
  ImageInfo image = known->second;
  image.role = role;
  return image;
}

}  // namespace reprise
