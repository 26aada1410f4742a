#include "recorder/seed_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "launcher/child_process.h"
#include "recorder/shown.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// More text than anyone writes by hand; a seed is no place for data.
constexpr uintmax_t kLargestSeed = uintmax_t{64} << 20U;

/// What NoCloud reads. Any other file is a mistake ("userdata"), not something to pass over.
constexpr std::array<std::string_view, 4> kSeedFiles = {"meta-data", "user-data", "network-config", "vendor-data"};

Error at_guest(const Deployment& deployment, const DeployedGuest& guest, const std::string& what) {
  return {ErrorKind::kUsage, fmt::format("{}:{}: seed of guest '{}': {}", deployment.path.string(), guest.line, guest.machine.name, what)};
}

/// What is wrong with the files of a seed; nothing when it is one.
std::string problem_with_folder(const fs::path& folder) {
  uintmax_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (std::ranges::find(kSeedFiles, name) == kSeedFiles.end() || !entry.is_regular_file(error)) {
      return fmt::format("{} is no file of a NoCloud seed; those are {}", shown(entry.path().string()), fmt::join(kSeedFiles, ", "));
    }
    bytes += entry.file_size(error);
  }
  for (const char* needed : {"meta-data", "user-data"}) {
    if (!fs::exists(folder / needed, error)) {
      return fmt::format("{} has no file '{}' (it may be empty)", shown(folder.string()), needed);
    }
  }
  return bytes > kLargestSeed ? fmt::format("{} holds {} bytes; at most {} are allowed", shown(folder.string()), bytes, kLargestSeed) : "";
}

Status copy_files(const fs::path& from, const fs::path& to) {
  // Times are part of an ISO image; all files of a seed get the instant at which a guest's clock starts.
  const auto dated = std::chrono::file_clock::from_sys(std::chrono::sys_seconds(std::chrono::seconds(1704067200)));
  std::error_code error;
  fs::remove_all(to, error);
  fs::create_directory(to, error);
  for (const std::string_view name : kSeedFiles) {
    if (!error && fs::exists(from / name)) {
      fs::copy_file(from / name, to / name, error);
      if (!error) {
        fs::last_write_time(to / name, dated, error);
      }
    }
  }
  if (!error) {
    fs::last_write_time(to, dated, error);
  }
  return error ? Status(Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be written: {}", to.string(), error.message())}) : Status();
}

/// genisoimage writes the present time into the image, and Rock Ridge's names bring times that no one can set: so its clock stands still,
/// and the names are Joliet's.
Status write_iso(const fs::path& files, const fs::path& iso) {
  const std::vector<std::string> command = {"/usr/bin/env", "TZ=UTC",      "NO_FAKE_STAT=1", "faketime",   "-f",     "2024-01-01 00:00:00",
                                            "genisoimage",  "-quiet",      "-output",        iso.string(), "-volid", "cidata",
                                            "-joliet",      files.string()};
  ASSIGN_OR_RETURN(ChildProcess child, ChildProcess::start({.command = command, .capture_stdout = true, .die_with_us = true}));
  const auto status = child.wait_for(std::chrono::seconds(60));
  if (!status.has_value() || *status != 0) {
    return Error{ErrorKind::kMachine,
                 fmt::format("genisoimage {}; it said: {}\nthe packages genisoimage and faketime make seeds; tools/install_packages.sh "
                             "installs them",
                             status.has_value() ? describe_wait_status(*status) : "does not end", child.output())};
  }
  return {};
}

Status fill_up(const fs::path& image, uint64_t& bytes) {
  std::error_code error;
  bytes = (fs::file_size(image, error) + kImageGrain - 1) / kImageGrain * kImageGrain;
  if (!error) {
    fs::resize_file(image, bytes, error);
  }
  return error ? Status(Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be written: {}", image.string(), error.message())}) : Status();
}

/// Before anything is written.
Status check_seed(const Deployment& deployment, const DeployedGuest& guest) {
  const fs::path& seed = guest.machine.seed;
  std::error_code error;
  if (fs::is_directory(seed, error)) {
    const std::string problem = problem_with_folder(seed);
    return problem.empty() ? Status() : Status(at_guest(deployment, guest, problem));
  }
  const uintmax_t bytes = fs::file_size(seed, error);
  if (error || bytes == 0 || bytes > kLargestSeed) {
    return at_guest(deployment, guest,
                    fmt::format("{} has {} bytes; want an ISO image of at most {}", shown(seed.string()), error ? 0 : bytes, kLargestSeed));
  }
  return {};
}

Status make_image(GuestMachine& machine, const fs::path& folder) {
  const fs::path image = folder / (machine.name + ".iso");
  std::error_code error;
  if (fs::is_directory(machine.seed, error)) {
    const fs::path files = folder / (machine.name + ".files");
    RETURN_IF_ERROR(copy_files(machine.seed, files));
    const Status written = write_iso(files, image);
    fs::remove_all(files, error);
    RETURN_IF_ERROR(written);
  } else {
    fs::copy_file(machine.seed, image, fs::copy_options::overwrite_existing, error);
    if (error) {
      return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be written: {}", image.string(), error.message())};
    }
    fs::permissions(image, fs::perms::owner_write, fs::perm_options::add, error);
  }
  machine.seed = image;
  return fill_up(image, machine.seed_bytes);
}

}  // namespace

Status make_seed_images(Deployment& deployment, const fs::path& folder) {
  std::vector<DeployedGuest*> seeded;
  for (DeployedGuest& guest : deployment.guests) {
    if (!guest.machine.seed.empty()) {
      RETURN_IF_ERROR(check_seed(deployment, guest));
      seeded.push_back(&guest);
    }
  }
  std::error_code error;
  if (!seeded.empty() && !fs::create_directories(folder, error) && error) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be created: {}", folder.string(), error.message())};
  }
  for (DeployedGuest* guest : seeded) {
    RETURN_IF_ERROR(make_image(guest->machine, folder));
  }
  return {};
}

}  // namespace reprise
