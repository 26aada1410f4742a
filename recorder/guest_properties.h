// The <prop>s of a guest in deployment.xml: their names, their values, and what is wrong with them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "launcher/guest_machine.h"
#include "trace_format/status.h"

namespace reprise {

/// Against what file names in properties are resolved.
struct PropertyFolders {
  std::filesystem::path deployment;  ///< relative file names start here
  std::filesystem::path guests;      ///< replaces ${REPRISE_GUESTS}; may be empty
  std::filesystem::path programs;    ///< replaces ${REPRISE_PROGRAMS} in a process's arguments; may be empty
};

/// Sets in `machine` what <prop id="`id`" value="`value`"/> says. The error's message has no place in it: the caller knows file and line.
[[nodiscard]] Status set_guest_property(GuestMachine& machine, std::string_view id, std::string value, const PropertyFolders& folders);

/// True for a name that may name a guest: [A-Za-z0-9._-]{1,63}.
[[nodiscard]] bool is_guest_name(std::string_view name);

}  // namespace reprise
