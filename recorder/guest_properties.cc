#include "recorder/guest_properties.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "recorder/near_name.h"
#include "recorder/shown.h"

namespace reprise {
namespace {

constexpr std::string_view kGuestsVariable = "${REPRISE_GUESTS}";

std::string in_quotes(std::string_view value) {
  return "'" + shown(value) + "'";
}

Error wrong(std::string what) {
  return Error{ErrorKind::kUsage, std::move(what)};
}

/// Digits only: no sign, no blank, no leading zero that a reader could take for octal.
std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0')) {
    return std::nullopt;
  }
  return number;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + 1);
  }
}

bool is_ipv4_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return false;
  }
  const auto prefix = parse_number(text.substr(slash + 1));
  const auto octets = split(text.substr(0, slash), '.');
  return prefix && *prefix >= 1 && *prefix <= 32 && octets.size() == 4 && std::all_of(octets.begin(), octets.end(), [](auto octet) {
           const auto number = parse_number(octet);
           return number && *number <= 255;
         });
}

Result<std::filesystem::path> existing_path(std::string_view id, const std::string& value, const PropertyFolders& folders) {
  if (value.empty()) {
    return wrong(fmt::format("property '{}' names no file", id));
  }
  if (value.find("${") != std::string::npos) {
    return wrong(fmt::format("{}: unknown variable in {}; {} is the only one", id, in_quotes(value), kGuestsVariable));
  }
  const std::filesystem::path full = folders.deployment / value;  // an absolute value replaces the folder
  std::error_code problem;
  const auto canonical = std::filesystem::canonical(full, problem);
  if (problem) {
    return wrong(fmt::format("{} {}: {} ({}); file names are relative to the deployment file", id, in_quotes(value), problem.message(),
                             shown(full.string())));
  }
  if (access(canonical.c_str(), R_OK) != 0) {
    return wrong(fmt::format("{} {}: {} may not be read by this user", id, in_quotes(value), shown(canonical.string())));
  }
  return canonical;
}

Result<std::filesystem::path> existing_file(std::string_view id, const std::string& value, const PropertyFolders& folders) {
  ASSIGN_OR_RETURN(std::filesystem::path path, existing_path(id, value, folders));
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) {
    return wrong(fmt::format("{} {}: {} is not a regular file", id, in_quotes(value), shown(path.string())));
  }
  return path;
}

using Setter = Status (*)(GuestMachine&, const std::string& value, const PropertyFolders&);

Status set_name(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  if (!is_guest_name(value)) {
    return wrong(fmt::format("name {}: 1 to 63 of the characters A-Z a-z 0-9 . _ - are allowed", in_quotes(value)));
  }
  machine.name = value;
  return {};
}

Status set_address(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  if (!is_ipv4_cidr(value)) {
    return wrong(fmt::format("address {}: want an IPv4 address with prefix length, as in 10.0.0.1/24", in_quotes(value)));
  }
  machine.address = value;
  return {};
}

Status set_kernel(GuestMachine& machine, const std::string& value, const PropertyFolders& folders) {
  ASSIGN_OR_RETURN(machine.kernel, existing_file("kernel", value, folders));
  return {};
}

Status set_initrd(GuestMachine& machine, const std::string& value, const PropertyFolders& folders) {
  ASSIGN_OR_RETURN(machine.initrd, existing_file("initrd", value, folders));
  return {};
}

Status set_root(GuestMachine& machine, const std::string& value, const PropertyFolders& folders) {
  ASSIGN_OR_RETURN(machine.root, existing_file("root", value, folders));
  std::error_code problem;
  const uintmax_t bytes = std::filesystem::file_size(machine.root, problem);
  if (problem || bytes == 0 || bytes % kImageGrain != 0 || bytes > kLargestImage) {
    return wrong(
        fmt::format("root {}: {} has {} bytes; the image of a file system must be a whole number of {} MiB and at most {} GiB "
                    "('truncate --size %2M FILE' rounds it up)",
                    in_quotes(value), shown(machine.root.string()), problem ? 0 : bytes, kImageGrain >> 20U, kLargestImage >> 30U));
  }
  machine.root_bytes = bytes;
  return {};
}

Status set_seed(GuestMachine& machine, const std::string& value, const PropertyFolders& folders) {
  ASSIGN_OR_RETURN(machine.seed, existing_path("seed", value, folders));
  std::error_code problem;
  if (!std::filesystem::is_regular_file(machine.seed, problem) && !std::filesystem::is_directory(machine.seed, problem)) {
    return wrong(fmt::format("seed {}: {} is neither an ISO image nor a folder", in_quotes(value), shown(machine.seed.string())));
  }
  return {};
}

Status set_append(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  // COMMAND_LINE_SIZE of Linux on x86 is 2048, and the launcher's own part comes first: more would be cut off without a word.
  constexpr size_t kLongest = 1536;
  if (value.size() > kLongest) {
    return wrong(fmt::format("append is {} bytes long; Linux takes no more than {} of ours", value.size(), kLongest));
  }
  machine.append = value;
  return {};
}

Status set_memory(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  const char unit = value.empty() ? '\0' : value.back();
  const auto number = unit == 'M' || unit == 'G' ? parse_number(std::string_view(value).substr(0, value.size() - 1)) : std::nullopt;
  if (!number) {
    return wrong(fmt::format("memory {}: want a whole number with the unit M (MiB) or G (GiB), as in 128M", in_quotes(value)));
  }
  constexpr uint64_t kLeast = 32;
  constexpr uint64_t kMost = 65536;
  const uint64_t factor = unit == 'G' ? 1024 : 1;
  if (*number > kMost || *number * factor < kLeast || *number * factor > kMost) {
    return wrong(fmt::format("memory {}: allowed are 32M to 64G", in_quotes(value)));
  }
  machine.memory_mib = *number * factor;
  return {};
}

Status set_cpus(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  const auto number = parse_number(value);
  if (!number || *number == 0) {
    return wrong(fmt::format("cpus {}: want 1", in_quotes(value)));
  }
  if (*number > 1) {
    return wrong(
        fmt::format("cpus {}: only 1 is allowed: guests with more processors have not been shown deterministic", in_quotes(value)));
  }
  machine.cpus = 1;
  return {};
}

Status set_nic(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  if (value == "e1000") {
    machine.nic = NicModel::kE1000;
  } else if (value == "vmxnet3") {
    machine.nic = NicModel::kVmxnet3;
  } else if (value == "virtio-net") {
    machine.nic = NicModel::kVirtioNet;
  } else {
    return wrong(fmt::format("nic {}: not shown deterministic under icount; allowed are e1000, vmxnet3 and virtio-net", in_quotes(value)));
  }
  return {};
}

Status set_mac(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  std::string mac = value;
  for (char& c : mac) {
    c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  bool good = mac.size() == 17;
  for (size_t i = 0; good && i < mac.size(); ++i) {
    good = i % 3 == 2 ? mac[i] == ':' : is_hex(mac[i]);
  }
  if (!good) {
    return wrong(fmt::format("mac {}: want six pairs of hexadecimal digits, as in 52:54:00:00:00:01", in_quotes(value)));
  }
  const bool group = std::string_view("13579bdf").find(mac[1]) != std::string_view::npos;
  if (group || mac == "00:00:00:00:00:00") {
    return wrong(fmt::format("mac {}: not a unicast address; the first byte must be even, as in 52:54:00:00:00:01", in_quotes(value)));
  }
  machine.mac = mac;
  return {};
}

Status set_icount_shift(GuestMachine& machine, const std::string& value, const PropertyFolders&) {
  const auto number = parse_number(value);
  if (!number || *number > 10) {
    return wrong(fmt::format("icount-shift {}: want 0 to 10 (an instruction takes 2^N ns)", in_quotes(value)));
  }
  machine.icount_shift = static_cast<uint32_t>(*number);
  return {};
}

struct Property {
  std::string_view id;
  Setter set;
};

constexpr std::array kProperties = {
    Property{"name", set_name},     Property{"address", set_address}, Property{"kernel", set_kernel},
    Property{"initrd", set_initrd}, Property{"root", set_root},       Property{"seed", set_seed},
    Property{"append", set_append}, Property{"memory", set_memory},   Property{"cpus", set_cpus},
    Property{"nic", set_nic},       Property{"mac", set_mac},         Property{"icount-shift", set_icount_shift},
};

Status substitute_variables(std::string& value, const PropertyFolders& folders) {
  size_t at = 0;
  while ((at = value.find(kGuestsVariable, at)) != std::string::npos) {
    if (folders.guests.empty()) {
      return wrong(
          fmt::format("{} is used, but the folder of the demo guests is not known; build them, or write the path itself", kGuestsVariable));
    }
    const std::string folder = folders.guests.string();
    value.replace(at, kGuestsVariable.size(), folder);
    at += folder.size();
  }
  return {};
}

}  // namespace

bool is_guest_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

Status set_guest_property(GuestMachine& machine, std::string_view id, std::string value, const PropertyFolders& folders) {
  const auto* property = std::find_if(kProperties.begin(), kProperties.end(), [&](const Property& p) { return p.id == id; });
  if (property == kProperties.end()) {
    std::vector<std::string> known;
    for (const auto& p : kProperties) {
      known.emplace_back(p.id);
    }
    return wrong(fmt::format("unknown property {}{}; known are {}", in_quotes(id), near_name_hint(id, known), fmt::join(known, ", ")));
  }
  if (std::any_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return wrong(fmt::format("property '{}' holds a control character (a line break or a tab, say); write it on one line", id));
  }
  RETURN_IF_ERROR(substitute_variables(value, folders));
  return property->set(machine, value, folders);
}

}  // namespace reprise
