#include "replayer/provenance_check.h"

#include <fmt/format.h>

#include <filesystem>

#include "launcher/image_digest.h"
#include "launcher/recorded_command.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Adds to `differences`, or returns the image as it is here.
ImageInfo check_image(const ImageInfo& recorded, std::vector<std::string>& differences) {
  fs::path path = recorded.path;
  std::error_code error;
  if (!fs::exists(path, error)) {
    path = guests_folder() / path.filename();
  }
  Result<ImageInfo> here = digest_image(recorded.role, path);
  if (!here.ok()) {
    differences.push_back(fmt::format("{}: recorded {}, which is not here, nor is {}", recorded.role, recorded.path, path.string()));
    return recorded;
  }
  if (here->sha256 != recorded.sha256) {
    differences.push_back(fmt::format("{} {}: recorded SHA-256 {}, here {}", recorded.role, path.string(), recorded.sha256, here->sha256));
  }
  return *here;
}

}  // namespace

Result<std::vector<ImageInfo>> check_provenance(const GuestInfo& guest, const QemuProgram& qemu) {
  std::vector<std::string> differences = compare_command_line(guest);
  if (guest.qemu_version != qemu.version) {
    differences.push_back(fmt::format("QEMU version: recorded '{}', here '{}'", guest.qemu_version, qemu.version));
  }
  if (guest.qemu_build_id != qemu.build_id) {
    differences.push_back(fmt::format("QEMU build id: recorded '{}', here '{}'", guest.qemu_build_id, qemu.build_id));
  }
  std::vector<ImageInfo> images;
  for (const ImageInfo& image : guest.images) {
    images.push_back(check_image(image, differences));
  }
  if (differences.empty()) {
    return images;
  }
  std::string message = fmt::format("guest '{}' cannot be replayed on this machine:", guest.name);
  for (const std::string& difference : differences) {
    message += "\n  " + difference;
  }
  return Error{ErrorKind::kMachine, message};
}

}  // namespace reprise
