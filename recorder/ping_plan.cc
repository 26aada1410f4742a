#include "recorder/ping_plan.h"

#include <fmt/format.h>

#include <system_error>

#include "launcher/qemu_program.h"
#include "recorder/shown.h"
#include "recorder/xml_file.h"

namespace reprise {
namespace {

constexpr size_t kMostGuests = 64;

bool is_demo_guest(const GuestMachine& machine) {
  std::error_code error;
  return !machine.initrd.empty() && std::filesystem::equivalent(machine.initrd, guests_folder() / "guest.cpio", error);
}

Status check(const Deployment& deployment) {
  const std::string file = deployment.path.string();
  if (deployment.guests.size() > kMostGuests) {
    return error_at(file, deployment.guests[kMostGuests].line,
                    fmt::format("{} guests: validate takes at most {}; take some out", deployment.guests.size(), kMostGuests));
  }
  for (const DeployedGuest& guest : deployment.guests) {
    if (!is_demo_guest(guest.machine)) {
      return error_at(
          file, guest.line,
          fmt::format("guest '{}' is not the demo guest, which alone knows how to validate; give it <prop id=\"kernel\" "
                      "value=\"${{REPRISE_GUESTS}}/vmlinux\"/> and <prop id=\"initrd\" value=\"${{REPRISE_GUESTS}}/guest.cpio\"/> "
                      "(tools/build_guest.sh makes both)",
                      guest.machine.name));
    }
    if (guest.machine.address.empty()) {
      return error_at(
          file, guest.line,
          fmt::format("guest '{}' has no address to ping; add <prop id=\"address\" value=\"10.0.0.1/24\"/>, say", guest.machine.name));
    }
  }
  return {};
}

std::string without_prefix(const std::string& cidr) {
  return cidr.substr(0, cidr.find('/'));
}

}  // namespace

Status plan_pings(Deployment& deployment, uint64_t samples) {
  // Nobody is to come in from outside while it is measured.
  std::erase_if(deployment.guests, [](const DeployedGuest& guest) { return guest.gateway.has_value(); });
  RETURN_IF_ERROR(check(deployment));
  std::string addresses;
  for (const DeployedGuest& guest : deployment.guests) {
    addresses += ":" + without_prefix(guest.machine.address);
  }
  for (size_t i = 0; i < deployment.guests.size(); ++i) {
    deployment.guests[i].machine.append = fmt::format("run=validate:{}:{}{}", samples, i, addresses);
  }
  return {};
}

}  // namespace reprise
