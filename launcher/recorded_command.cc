#include "launcher/recorded_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "launcher/mac_address.h"
#include "launcher/qemu_command.h"

namespace reprise {
namespace {

std::string value_after(const std::vector<std::string>& arguments, std::string_view option) {
  const auto at = std::ranges::find(arguments, option);
  return at == arguments.end() || at + 1 == arguments.end() ? std::string() : *(at + 1);
}

uint64_t number_in(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

NicModel nic_of(const std::string& name) {
  for (const NicModel nic : {NicModel::kVmxnet3, NicModel::kVirtioNet}) {
    if (name == nic_name(nic)) {
      return nic;
    }
  }
  return NicModel::kE1000;
}

/// What the user appended: the recorded kernel command line without the beginning that we compose.
std::string appended_part(const std::string& recorded, const std::string& composed) {
  return recorded.starts_with(composed + " ") ? recorded.substr(composed.size() + 1) : std::string();
}

/// The size of the image with this role that the trace claims, 0 when there is none. Whether it is true, its digest says.
uint64_t image_bytes(const GuestInfo& guest, std::string_view role) {
  const auto image = std::ranges::find(guest.images, role, &ImageInfo::role);
  return image == guest.images.end() ? 0 : image->size_bytes;
}

}  // namespace

std::vector<std::string> compare_command_line(const GuestInfo& guest) {
  const auto& recorded = guest.command_line;
  const uint64_t root_bytes = image_bytes(guest, "root");
  const uint64_t seed_bytes = image_bytes(guest, "seed");
  GuestMachine machine{.name = guest.name,
                       .address = guest.address,
                       .kernel = "kernel",
                       .initrd = std::ranges::find(recorded, "-initrd") != recorded.end() ? "initrd" : "",
                       .root = root_bytes != 0 ? "root" : "",
                       .seed = seed_bytes != 0 ? "seed" : "",
                       .root_bytes = root_bytes,
                       .seed_bytes = seed_bytes,
                       .append = {},
                       .memory_mib = number_in(value_after(recorded, "-m")),
                       .nic = nic_of(guest.nic),
                       .mac = guest.mac,
                       .icount_shift = guest.icount_shift};
  const uint64_t seed = number_in(value_after(recorded, "-seed"));
  machine.append = appended_part(value_after(recorded, "-append"), value_after(qemu_arguments(machine, seed), "-append"));
  const std::vector<std::string> composed = qemu_arguments(machine, seed);
  std::vector<std::string> differences;
  if (!is_mac_address(guest.mac)) {  // it is copied into an option of QEMU's, where a comma would begin another
    differences.push_back(fmt::format("command line: recorded '{}' is not a MAC address", guest.mac));
  }
  for (const auto& [role, bytes] : {std::pair{"root", root_bytes}, std::pair{"seed", seed_bytes}}) {
    if (bytes % kImageGrain != 0 || bytes > kLargestImage) {
      differences.push_back(fmt::format("{}: {} bytes are no size of an image in memory", role, bytes));
    }
  }
  for (size_t i = 0; i < std::max(recorded.size(), composed.size()); ++i) {
    const std::string left = i < recorded.size() ? recorded[i] : "(nothing)";
    const std::string right = i < composed.size() ? composed[i] : "(nothing)";
    if (left != right) {
      differences.push_back(fmt::format("command line, argument {}: recorded '{}', this Reprise uses '{}'", i, left, right));
    }
  }
  return differences;
}

}  // namespace reprise
