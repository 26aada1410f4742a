// deployment.xml and platform.xml of anybody: read, or refused in one printable line.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "recorder/deployment.h"
#include "recorder/guest_properties.h"
#include "recorder/platform_file.h"
#include "tests/temporary_folder.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

/// With the files that the deployments of seeds/deployment name.
const testing::TemporaryFolder& folder() {
  static const testing::TemporaryFolder kFolder;
  static const bool kFilled = [] {
    for (const char* name : {"vmlinux", "guest.cpio"}) {
      std::ofstream(kFolder / name) << name;
    }
    return true;
  }();
  CHECK(kFilled);
  return kFolder;
}

void check_error(const Error& error) {
  CHECK(error.kind == ErrorKind::kUsage);
  CHECK(error.message.size() < 2000);
  CHECK(error.message == printable(error.message));
}

void check_guests(const Deployment& deployment) {
  CHECK(!deployment.guests.empty());
  std::set<std::string> names;
  std::set<std::string> macs;
  for (const DeployedGuest& guest : deployment.guests) {
    CHECK(is_guest_name(guest.machine.name) && names.insert(guest.machine.name).second);
    CHECK(guest.machine.mac.size() == 17 && macs.insert(guest.machine.mac).second);
    CHECK(!guest.host.empty() && guest.host == printable(guest.host));
    CHECK((guest.process.has_value() ? guest.process->program : guest.machine.kernel).is_absolute());
    CHECK(guest.machine.memory_mib >= 32 && guest.machine.memory_mib <= 65536 && guest.machine.cpus == 1);
    CHECK(std::ranges::none_of(guest.machine.append, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  }
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  const std::filesystem::path file = folder() / "deployment.xml";
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const Result<Deployment> deployment = parse_deployment(file, folder().path());
  if (deployment.ok()) {
    check_guests(*deployment);
  } else {
    check_error(deployment.error());
  }
  if (const auto settings = check_platform_file(file); !settings.ok()) {
    check_error(settings.error());
  }
  return 0;
}
