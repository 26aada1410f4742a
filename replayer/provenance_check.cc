#include "replayer/provenance_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "launcher/guest_machine.h"
#include "launcher/process_command.h"
#include "launcher/recorded_command.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// As launcher/guest_machine.h says. It becomes part of a file's name, and a trace may come from a stranger.
bool is_guest_name(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  });
}

fs::path path_here(const ImageInfo& image, const CarriedImages* carried) {
  std::error_code error;
  if (image.role == kSeedRole && carried != nullptr) {
    return carried->path_of(image);
  }
  if (fs::exists(image.path, error)) {
    return image.path;
  }
  return (image.role == "program" ? programs_folder() : guests_folder()) / fs::path(image.path).filename();
}

/// Adds to `differences`, or returns the image as it is here.
ImageInfo check_image(const ImageInfo& recorded, ImageDigests& digests, const CarriedImages* carried,
                      std::vector<std::string>& differences) {
  const fs::path path = path_here(recorded, carried);
  Result<ImageInfo> here = digests.of(recorded.role, path);
  if (!here.ok()) {
    differences.push_back(recorded.role == kSeedRole
                              ? fmt::format("{}: the trace does not carry the image {}", recorded.role, recorded.path)
                              : fmt::format("{}: recorded {}, which is not here, nor is {}", recorded.role, recorded.path, path.string()));
    return recorded;
  }
  if (here->sha256 != recorded.sha256) {
    differences.push_back(fmt::format("{} {}: recorded SHA-256 {}, here {}", recorded.role, path.string(), recorded.sha256, here->sha256));
  }
  return *here;
}

void compare_qemu(const GuestInfo& guest, const QemuProgram& qemu, std::vector<std::string>& differences) {
  if (guest.qemu_version != qemu.version) {
    differences.push_back(fmt::format("QEMU version: recorded '{}', here '{}'", guest.qemu_version, qemu.version));
  }
  if (guest.qemu_build_id != qemu.build_id) {
    differences.push_back(fmt::format("QEMU build id: recorded '{}', here '{}'", guest.qemu_build_id, qemu.build_id));
  }
}

}  // namespace

Result<std::vector<ImageInfo>> check_provenance(const GuestInfo& guest, const GuestPrograms& programs, ImageDigests& digests,
                                                const ReplayHere& here) {
  std::vector<std::string> differences;
  if (!is_guest_name(guest.name)) {
    differences.emplace_back("name: only letters, digits, '.', '_' and '-' may be in it");
  }
  CHECK(guest.kind != GuestKind::kGateway);
  const bool is_process = guest.kind == GuestKind::kProcess;
  for (std::string& difference : is_process ? compare_process_command(guest) : compare_command_line(guest)) {
    differences.push_back(std::move(difference));
  }
  if (!is_process) {
    compare_qemu(guest, *programs.qemu, differences);
  }
  if (is_process && (guest.images.size() != 1 || guest.images[0].role != "program")) {
    differences.emplace_back("images: a process has its program, and no other");
  }
  std::vector<ImageInfo> images;
  for (const ImageInfo& image : guest.images) {
    images.push_back(check_image(image, digests, here.carried, differences));
    if (is_process && !here.any_program && differences.empty() && !carries_client_library(images.back().path)) {
      differences.push_back(fmt::format("program {}: does not carry the client library; if you trust the trace, run it with --any-program",
                                        images.back().path));
    }
  }
  if (differences.empty()) {
    return images;
  }
  std::string message = fmt::format("guest '{}' cannot be replayed on this machine:", printable(guest.name));
  for (const std::string& difference : differences) {
    message += "\n  " + printable(difference);
  }
  return Error{ErrorKind::kMachine, message};
}

}  // namespace reprise
