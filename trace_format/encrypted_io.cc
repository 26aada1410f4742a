#include "trace_format/encrypted_io.h"

#include <system_error>

#include "trace_format/age_file.h"

namespace reprise {

Result<std::unique_ptr<ByteSource>> open_input(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto file, open_file(path));
  return is_age_file(*file) ? decrypt(std::move(file), identities) : std::move(file);
}

Result<std::unique_ptr<ByteSource>> open_unfinished_input(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto file, open_file(path));
  return is_age_file(*file) ? decrypt_unfinished(std::move(file), identities) : std::move(file);
}

Result<std::unique_ptr<ByteSource>> open_damaged_input(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto file, open_file(path));
  return is_age_file(*file) ? decrypt_damaged(std::move(file), identities) : std::move(file);
}

Result<std::unique_ptr<ByteSink>> create_output(const std::filesystem::path& path, const std::vector<AgeRecipient>& recipients,
                                                const SinkFactory& create) {
  ASSIGN_OR_RETURN(auto file, create(path));
  if (recipients.empty()) {
    return file;
  }
  auto sink = encrypt_to(std::move(file), recipients);
  if (!sink.ok()) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  return sink;
}

bool is_encrypted(const std::filesystem::path& path) {
  const auto file = open_file(path);
  return file.ok() && is_age_file(**file);
}

}  // namespace reprise
