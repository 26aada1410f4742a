#include "qemu_hooks/plugin_args.h"

#include <fmt/format.h>

#include <charconv>

namespace reprise {
namespace {

template <typename T>
Status parse_number(const std::string& name, const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return Error{ErrorKind::kUsage, fmt::format("plugin option '{}={}' is not a number in range", name, text)};
  }
  return {};
}

Status set_option(PluginArgs& args, const std::string& name, const std::string& value) {
  if (name == "mode") {
    if (value != "live" && value != "replay") {
      return Error{ErrorKind::kUsage, fmt::format("plugin option 'mode={}': want live or replay", value)};
    }
    args.mode = value == "live" ? PluginArgs::Mode::kLive : PluginArgs::Mode::kReplay;
    return {};
  }
  if (name == "channel") {
    return parse_number(name, value, args.channel);
  }
  if (name == "guest") {
    return parse_number(name, value, args.guest.value);
  }
  if (name == "icount_shift") {
    return parse_number(name, value, args.icount_shift);
  }
  if (name == "durable" || name == "show_console") {
    if (value != "on") {
      return Error{ErrorKind::kUsage, fmt::format("plugin option '{}={}': want on", name, value)};
    }
    (name == "durable" ? args.durable : args.show_console) = true;
    return {};
  }
  if (name == "recipient") {
    ASSIGN_OR_RETURN(const AgeRecipient recipient, parse_age_recipient(value));
    args.recipients.push_back(recipient);
    return {};
  }
  if (name == "stream_folder") {
    args.stream_folder = value;
  } else if (name == "trace") {
    args.trace = value;
  } else if (name == "identity") {
    args.identities.push_back(value);
  } else if (name == "console") {
    args.console = value;
  } else {
    return Error{ErrorKind::kUsage, fmt::format("unknown plugin option '{}'", name)};
  }
  return {};
}

}  // namespace

Result<PluginArgs> parse_plugin_args(const std::vector<std::string>& args) {
  PluginArgs parsed;
  bool has_guest = false;
  for (const std::string& arg : args) {
    const size_t equals = arg.find('=');
    if (equals == std::string::npos) {
      return Error{ErrorKind::kUsage, fmt::format("plugin option '{}' has no value", arg)};
    }
    has_guest = has_guest || arg.starts_with("guest=");
    RETURN_IF_ERROR(set_option(parsed, arg.substr(0, equals), arg.substr(equals + 1)));
  }
  if (parsed.channel < 0) {
    return Error{ErrorKind::kUsage, "plugin option 'channel' is missing"};
  }
  if (!has_guest) {
    return Error{ErrorKind::kUsage, "plugin option 'guest' is missing"};
  }
  if (parsed.mode == PluginArgs::Mode::kReplay && parsed.trace.empty()) {
    return Error{ErrorKind::kUsage, "plugin option 'trace' is missing"};
  }
  return parsed;
}

}  // namespace reprise
