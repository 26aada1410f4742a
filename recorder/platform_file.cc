#include "recorder/platform_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "recorder/shown.h"
#include "recorder/xml_file.h"

namespace reprise {
namespace {

using tinyxml2::XMLElement;

/// Why a setting cannot be used; nothing when it can.
std::optional<std::string> setting_problem(const std::string& name, const std::string& value) {
  constexpr std::array<std::string_view, 3> kModels = {"CM02", "LV08", "SMPI"};
  if (name == "network/model" && std::find(kModels.begin(), kModels.end(), value) == kModels.end()) {
    return fmt::format("network/model:{} is not supported: the coupling with guests needs one of {}", shown(value),
                       fmt::join(kModels, ", "));
  }
  if (name == "host/model" && value != "default" && value != "compound") {
    return fmt::format("host/model:{} is not supported: it replaces the network model that the coupling with guests needs", shown(value));
  }
  if (name == kLatencyFactorSetting) {
    return "network/latency-factor cannot be used: the coupling with guests sets the factors itself; multiply the latencies in the "
           "platform";
  }
  return std::nullopt;
}

std::string attribute(const XMLElement& element, const char* name) {
  const char* value = element.Attribute(name);
  return value == nullptr ? "" : value;
}

constexpr std::string_view kNoLatencyProfile =
    "latency profiles are not supported: SimGrid (3.32 to 4.1) loses frames that are under way when a link's latency changes; give the "
    "link "
    "one latency";

/// A property that only links have must not be passed over elsewhere: the user would wait for its effect.
Status check_place_of_property(const std::string& path, const XMLElement& prop, const XMLElement* parent) {
  const std::vector<std::string>& names = link_property_names();
  const std::string id = attribute(prop, "id");
  if ((parent != nullptr && std::string_view(parent->Name()) == "link") || std::find(names.begin(), names.end(), id) == names.end()) {
    return {};
  }
  return error_at(path, prop.GetLineNum(),
                  fmt::format("property '{}' has a meaning in a <link> only; put it into the links it is for", id));
}

Status check_link(const std::string& path, const XMLElement& link, PlatformFile& found) {
  LinkImpairments impairments;
  std::set<std::string> seen;
  for (const auto* prop = link.FirstChildElement("prop"); prop != nullptr; prop = prop->NextSiblingElement("prop")) {
    const std::string id = attribute(*prop, "id");
    Status status = set_link_property(impairments, id, attribute(*prop, "value"));
    if (status.ok() && !seen.insert(id).second) {
      status = Error{ErrorKind::kUsage, fmt::format("property '{}' is given twice; remove one", shown(id))};
    }
    if (!status.ok()) {
      return error_at(path, prop->GetLineNum(), status.error().message);
    }
  }
  if (const Status status = check_link_properties(impairments); !status.ok()) {
    return error_at(path, link.GetLineNum(), status.error().message);
  }
  found.links[attribute(link, "id")] = impairments;
  return {};
}

/// A <trace>: a profile with a name of its own, which says neither of what nor whose it is.
void note_trace(const XMLElement& trace, PlatformFile& found) {
  ProfileUse use{.name = attribute(trace, "file"), .line = trace.GetLineNum(), .text = {}, .period = attribute(trace, "periodicity")};
  for (const auto* child = trace.FirstChild(); use.name.empty() && child != nullptr; child = child->NextSibling()) {
    if (const auto* text = child->ToText(); text != nullptr) {
      const std::string value = text->Value();
      // tinyxml2 tells the line of the first word, and the text begins before it.
      const auto first_word = value.begin() + static_cast<ptrdiff_t>(std::min(value.find_first_not_of(" \t\r\n"), value.size()));
      use.line = use.text.empty() ? text->GetLineNum() - static_cast<int>(std::count(value.begin(), first_word, '\n')) : use.line;
      use.text += value;
    }
  }
  found.traces.emplace(attribute(trace, "id"), std::move(use));
}

void note_profiles(const XMLElement& element, PlatformFile& found) {
  constexpr std::array<std::pair<const char*, ProfileKind>, 4> kAttributes = {{{"bandwidth_file", ProfileKind::kBandwidth},
                                                                               {"state_file", ProfileKind::kState},
                                                                               {"speed_file", ProfileKind::kSpeed},
                                                                               {"availability_file", ProfileKind::kSpeed}}};
  for (const auto& [name, kind] : kAttributes) {
    if (const std::string file = attribute(element, name); !file.empty()) {
      found.profiles.push_back({.kind = kind, .name = file, .line = element.GetLineNum(), .text = {}, .period = {}});
    }
  }
  const std::string_view tag = element.Name();
  if (tag == "trace") {
    note_trace(element, found);
  }
  // SimGrid itself refuses a trace that is not there.
  if (const auto trace = found.traces.find(attribute(element, "trace")); tag == "trace_connect" && trace != found.traces.end()) {
    const std::string kind = attribute(element, "kind");
    found.profiles.push_back(trace->second);
    found.profiles.back().kind = kind == "BANDWIDTH" ? ProfileKind::kBandwidth
                                 : kind == "SPEED"   ? ProfileKind::kSpeed
                                                     : ProfileKind::kState;
  }
}

Status check_element(const std::string& path, const XMLElement& element, PlatformFile& found) {
  const std::string_view name = element.Name();
  const int line = element.GetLineNum();
  if (!attribute(element, "latency_file").empty() || (name == "trace_connect" && attribute(element, "kind") == "LATENCY")) {
    return error_at(path, line, std::string(kNoLatencyProfile));
  }
  if (!attribute(element, "bandwidth_file").empty() || (name == "trace_connect" && attribute(element, "kind") == "BANDWIDTH")) {
    found.bandwidth_profile_line = found.bandwidth_profile_line == 0 ? line : found.bandwidth_profile_line;
  }
  note_profiles(element, found);
  if (name == "include") {
    return error_at(path, line, "<include> is not supported: the trace keeps the platform as one file; put the contents here");
  }
  const auto* parent = element.Parent() == nullptr ? nullptr : element.Parent()->ToElement();
  if (name == "prop" && parent != nullptr && std::string_view(parent->Name()) == "config") {
    const std::string id = attribute(element, "id");
    const auto problem = setting_problem(id, attribute(element, "value"));
    if (problem && !(id == kLatencyFactorSetting && element.DoubleAttribute("value") == 1)) {
      return error_at(path, line, *problem);
    }
    found.settings.emplace(attribute(element, "id"), attribute(element, "value"));
  } else if (name == "prop") {
    RETURN_IF_ERROR(check_place_of_property(path, element, parent));
  }
  if (name == "link") {
    RETURN_IF_ERROR(check_link(path, element, found));
  }
  return {};
}

/// Recursion is as deep as the XML, which the parser has limited.
Status check_tree(const std::string& path, const XMLElement& element, PlatformFile& found) {
  RETURN_IF_ERROR(check_element(path, element, found));
  for (const auto* child = element.FirstChildElement(); child != nullptr; child = child->NextSiblingElement()) {
    RETURN_IF_ERROR(check_tree(path, *child, found));
  }
  return {};
}

Status check_use(const std::string& platform, const std::string& also, const ProfileUse& use) {
  if (use.name.empty()) {
    const double period = use.period.empty() ? -1 : std::strtod(use.period.c_str(), nullptr);
    return check_profile(use.text, use.kind, {.file = platform, .first_line = use.line}, period);
  }
  const auto file = find_profile(use.name, also, platform);
  std::error_code ignored;
  if (!file.has_value() || !std::filesystem::is_regular_file(*file, ignored)) {
    return error_at(platform, use.line,
                    fmt::format("profile '{}': {}", shown(use.name),
                                file.has_value() ? "is not a file" : "there is no such file in the current folder or beside the platform"));
  }
  std::ifstream in(*file, std::ios::binary);
  std::ostringstream text;
  if (in.peek() != std::ifstream::traits_type::eof()) {
    text << in.rdbuf();
  }
  if (!in.is_open() || in.bad()) {
    return error_at(platform, use.line, fmt::format("profile '{}': {} cannot be read", shown(use.name), shown(file->string())));
  }
  return check_profile(text.str(), use.kind, {.file = file->string()});
}

/// Where the tag that begins at `start` ends, behind its '>'; the text's end when it does not.
size_t end_of_tag(const std::string& xml, size_t start) {
  char quote = '\0';
  for (size_t at = start; at < xml.size(); ++at) {
    if (quote != '\0') {
      quote = xml[at] == quote ? '\0' : quote;
    } else if (xml[at] == '"' || xml[at] == '\'') {
      quote = xml[at];
    } else if (xml[at] == '>') {
      return at + 1;
    }
  }
  return xml.size();
}

}  // namespace

std::string without_latency_factor(std::string xml) {
  constexpr std::string_view kBegin = "<prop";
  constexpr std::string_view kEnd = "</prop>";
  for (size_t start = xml.find(kBegin); start != std::string::npos; start = xml.find(kBegin, start + 1)) {
    size_t end = end_of_tag(xml, start);
    if (std::string_view(xml).substr(start, end - start).find(kLatencyFactorSetting) == std::string_view::npos) {
      continue;
    }
    if (xml[end - 2] != '/') {
      const size_t closing = xml.find(kEnd, end);
      end = closing == std::string::npos ? end : closing + kEnd.size();
    }
    std::replace_if(
        xml.begin() + static_cast<ptrdiff_t>(start), xml.begin() + static_cast<ptrdiff_t>(end),
        [](char c) { return c != '\n' && c != '\r'; }, ' ');
  }
  return xml;
}

Result<PlatformFile> check_platform_file(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const XmlFile file, read_xml_file(path));
  PlatformFile found{.settings = {}, .links = {}, .path = file.path};
  RETURN_IF_ERROR(check_tree(file.path, *file.document->RootElement(), found));
  return found;
}

Status check_profiles(const PlatformFile& platform, const SimgridSettings& settings) {
  const auto model = settings.find("network/model");
  const bool other_model = model != settings.end() && model->second != "CM02";
  if (platform.bandwidth_profile_line != 0 && (other_model || settings.count("network/weight-S") != 0)) {
    return error_at(platform.path, platform.bandwidth_profile_line,
                    "bandwidth profiles need the network model CM02 without network/weight-S: with others SimGrid (3.32 to 4.1) loses "
                    "frames that are under way when a link's bandwidth changes; remove the profile or that setting");
  }
  const auto also = settings.find("path");
  for (const ProfileUse& use : platform.profiles) {
    RETURN_IF_ERROR(check_use(platform.path, also == settings.end() ? "" : also->second, use));
  }
  return {};
}

Result<SimgridSettings> check_simgrid_options(const std::vector<std::string>& options) {
  constexpr std::string_view kConfig = "--cfg=";
  constexpr std::string_view kLog = "--log=";
  SimgridSettings settings;
  for (const auto& option : options) {
    if (option.rfind(kLog, 0) == 0) {
      continue;
    }
    const auto colon = option.find(':');
    // SimGrid takes several settings in one --cfg; one each keeps what we check and what it reads the same thing.
    if (option.rfind(kConfig, 0) != 0 || colon == std::string::npos || option.find_first_of(" \t\n,") != std::string::npos) {
      return Error{ErrorKind::kUsage,
                   fmt::format("SimGrid option '{}': want --cfg=NAME:VALUE (one setting each) or --log=...", shown(option))};
    }
    const std::string name = option.substr(kConfig.size(), colon - kConfig.size());
    if (const auto problem = setting_problem(name, option.substr(colon + 1))) {
      return Error{ErrorKind::kUsage, fmt::format("SimGrid option '{}': {}", shown(option), *problem)};
    }
    settings[name] = option.substr(colon + 1);
  }
  return settings;
}

}  // namespace reprise
