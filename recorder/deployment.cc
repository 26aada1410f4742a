#include "recorder/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "recorder/gateway_actor.h"
#include "recorder/guest_properties.h"
#include "recorder/near_name.h"
#include "recorder/process_actor.h"
#include "recorder/shown.h"
#include "recorder/xml_file.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

using tinyxml2::XMLAttribute;
using tinyxml2::XMLElement;
using tinyxml2::XMLNode;

/// The recorder keeps a path for each ordered pair of guests; far more guests than one machine can run.
constexpr size_t kMaxGuests = 256;
/// Each is looked at for each frame.
constexpr size_t kMaxOutages = 1024;

std::string_view name_of(const XMLElement& element) {
  return element.Name();
}

class DeploymentParser {
 public:
  DeploymentParser(const XmlFile& file, PropertyFolders folders) : file_(file), folders_(std::move(folders)) {}

  /// The deployment without its path and text.
  Result<Deployment> parse() {
    const XMLElement& root = *file_.document->RootElement();
    RETURN_IF_ERROR(check_root(root));
    for (const XMLNode* node = root.FirstChild(); node != nullptr; node = node->NextSibling()) {
      RETURN_IF_ERROR(check_no_text(*node));
      if (const XMLElement* element = node->ToElement(); element != nullptr) {
        RETURN_IF_ERROR(parse_top_element(*element));
      }
    }
    if (std::ranges::all_of(guests_, [](const DeployedGuest& guest) { return guest.gateway.has_value(); })) {
      return at(root, "no guest: want at least one <actor host=\"...\" function=\"qemu_guest\">");
    }
    RETURN_IF_ERROR(check_addresses());
    RETURN_IF_ERROR(complete_macs());
    return Deployment{.path = {}, .text = {}, .guests = std::move(guests_), .outages = std::move(outages_)};
  }

 private:
  [[nodiscard]] Error at(const XMLNode& node, const std::string& what) const { return error_at(file_.path, node.GetLineNum(), what); }

  /// Comments are welcome everywhere; text and processing instructions mean nothing here, so they are mistakes.
  Status check_no_text(const XMLNode& node) const {
    if (node.ToElement() != nullptr || node.ToComment() != nullptr) {
      return {};
    }
    return at(node, "text between elements means nothing here; remove it, or make it a comment");
  }

  Status check_root(const XMLElement& root) const {
    for (const XMLNode* node = file_.document->FirstChild(); node != nullptr; node = node->NextSibling()) {
      if (node != &root && (node->ToElement() != nullptr || node->ToText() != nullptr)) {
        return at(*node, "only one <platform> element is allowed in the file");
      }
    }
    if (name_of(root) != "platform") {
      return at(root, fmt::format("the outermost element is <{}>; want <platform version=\"4.1\">", shown(name_of(root))));
    }
    for (const XMLAttribute* a = root.FirstAttribute(); a != nullptr; a = a->Next()) {
      if (std::string_view(a->Name()) != "version") {
        return at(root, fmt::format("unknown attribute '{}' of <platform>; want version=\"4.1\" alone", shown(a->Name())));
      }
    }
    const char* version = root.Attribute("version");
    if (version == nullptr || (std::string_view(version) != "4.1" && std::string_view(version) != "4")) {
      return at(root,
                fmt::format("<platform> version '{}' is not supported; want version=\"4.1\"", version == nullptr ? "" : shown(version)));
    }
    return {};
  }

  Status parse_top_element(const XMLElement& element) {
    if (name_of(element) == "process") {
      return at(element, "<process> is SimGrid's old name of <actor>; write <actor host=\"...\" function=\"qemu_guest\">");
    }
    if (name_of(element) == "config") {
      return at(element, "<config> is not read here; put it into the platform file, or give '-- --cfg=NAME:VALUE' on the command line");
    }
    if (name_of(element) != "actor") {
      return at(element,
                fmt::format("unknown element <{}>; a deployment holds <actor> elements, hosts and links belong in the platform file",
                            shown(name_of(element))));
    }
    if (const char* function = element.Attribute("function"); function != nullptr && std::string_view(function) == "outage") {
      return parse_outage(element);
    }
    if (guests_.size() == kMaxGuests) {
      return at(element, fmt::format("more than {} guests", kMaxGuests));
    }
    ASSIGN_OR_RETURN(DeployedGuest guest, parse_actor(element));
    guests_.push_back(std::move(guest));
    return {};
  }

  Status check_actor_attributes(const XMLElement& actor) const {
    for (const XMLAttribute* a = actor.FirstAttribute(); a != nullptr; a = a->Next()) {
      const std::string_view name = a->Name();
      if (name == "start_time" || name == "kill_time") {
        return at(actor, fmt::format("{} of <actor> is not supported: all guests are powered on at virtual time 0 and end by themselves or "
                                     "at --until; remove it",
                                     name));
      }
      if (name == "on_failure") {
        return at(actor,
                  "on_failure of <actor> is not supported: a guest whose host fails is cut off the network, not restarted; remove it");
      }
      if (name != "host" && name != "function") {
        return at(actor, fmt::format("unknown attribute '{}' of <actor>{}; want host and function", shown(name),
                                     near_name_hint(name, {"host", "function"})));
      }
    }
    return {};
  }

  Result<DeployedGuest> parse_actor(const XMLElement& actor) {
    RETURN_IF_ERROR(check_actor_attributes(actor));
    const char* host = actor.Attribute("host");
    const char* function = actor.Attribute("function");
    if (host == nullptr || *host == '\0') {
      return at(actor, "<actor> lacks host=\"...\", the SimGrid host that the guest runs on");
    }
    const std::string_view function_name = function == nullptr ? "" : function;
    if (function_name != "qemu_guest" && function_name != kProcessFunction && function_name != kGatewayFunction) {
      const std::vector<std::string> known = {"qemu_guest", "outage", std::string(kProcessFunction), std::string(kGatewayFunction)};
      return at(actor,
                fmt::format("unknown function '{}' of <actor>{}; want function=\"qemu_guest\", \"{}\" for a native process, \"{}\" or "
                            "\"outage\"",
                            shown(function_name), near_name_hint(function_name, known), kProcessFunction, kGatewayFunction));
    }
    if (const std::string text = printable(host); text != host) {
      return at(actor, fmt::format("host '{}' holds characters that cannot be printed; no host of a platform is named so", shown(host)));
    }
    DeployedGuest guest;
    guest.host = host;
    guest.line = actor.GetLineNum();
    RETURN_IF_ERROR(function_name == kProcessFunction   ? parse_process(actor, guest)
                    : function_name == kGatewayFunction ? parse_gateway(actor, guest)
                                                        : parse_machine(actor, guest));
    RETURN_IF_ERROR(finish_actor(actor, guest));
    return guest;
  }

  Status parse_machine(const XMLElement& actor, DeployedGuest& guest) const {
    return parse_properties(
        actor, [&](const std::string& id, const char* value) { return set_guest_property(guest.machine, id, value, folders_); });
  }

  Status parse_process(const XMLElement& actor, DeployedGuest& guest) const {
    NativeProcess& process = guest.process.emplace();
    std::vector<std::string> arguments;
    RETURN_IF_ERROR(parse_properties(
        actor, [&](const std::string& id, const char* value) { return set_process_property(process, guest.machine, id, value, folders_); },
        &arguments));
    const Status status = set_process_arguments(process, guest.machine, std::move(arguments), folders_);
    return status.ok() ? status : Status(at(actor, status.error().message));
  }

  Status parse_gateway(const XMLElement& actor, DeployedGuest& guest) const {
    GatewayPlan& gateway = guest.gateway.emplace();
    RETURN_IF_ERROR(parse_properties(actor, [&](const std::string& id, const char* value) {
      return set_gateway_property(gateway, guest.machine, id, value, folders_);
    }));
    const Status status = check_gateway(gateway, guest.machine);
    return status.ok() ? status : Status(at(actor, status.error().message));
  }

  /// No guest: something that happens to the network.
  Status parse_outage(const XMLElement& actor) {
    RETURN_IF_ERROR(check_actor_attributes(actor));
    const char* host = actor.Attribute("host");
    if (host == nullptr || *host == '\0') {
      return at(actor, "<actor> lacks host=\"...\", the SimGrid host that goes down (with a property 'link': any host)");
    }
    if (outages_.size() == kMaxOutages) {
      return at(actor, fmt::format("more than {} outages; write them as a state profile in the platform file", kMaxOutages));
    }
    Outage outage{.name = host, .description = fmt::format("{}:{}: outage", file_.path, actor.GetLineNum())};
    RETURN_IF_ERROR(
        parse_properties(actor, [&](const std::string& id, const char* value) { return set_outage_property(outage, id, value); }));
    if (const Status status = check_outage(outage); !status.ok()) {
      return at(actor, status.error().message);
    }
    outages_.push_back(std::move(outage));
    return {};
  }

  using SetProperty = std::function<Status(const std::string& id, const char* value)>;

  /// With `arguments`, <argument> is allowed beside <prop>.
  Status parse_properties(const XMLElement& actor, const SetProperty& set, std::vector<std::string>* arguments = nullptr) const {
    std::map<std::string, int> line_of;
    for (const XMLNode* node = actor.FirstChild(); node != nullptr; node = node->NextSibling()) {
      RETURN_IF_ERROR(check_no_text(*node));
      const XMLElement* element = node->ToElement();
      if (element == nullptr) {
        continue;
      }
      if (arguments != nullptr && name_of(*element) == "argument") {
        ASSIGN_OR_RETURN(std::string argument, parse_argument(*element));
        arguments->push_back(std::move(argument));
        continue;
      }
      if (name_of(*element) != "prop") {
        return at(*element,
                  fmt::format("unknown element <{}> in <actor>; want <prop id=\"...\" value=\"...\"/>", shown(name_of(*element))));
      }
      RETURN_IF_ERROR(check_prop(*element));
      const std::string id = element->Attribute("id");
      if (const auto [first, fresh] = line_of.emplace(id, element->GetLineNum()); !fresh) {
        return at(*element, fmt::format("property '{}' was given before, in line {}", id, first->second));
      }
      if (Status status = set(id, element->Attribute("value")); !status.ok()) {
        return at(*element, status.error().message);
      }
    }
    return {};
  }

  Result<std::string> parse_argument(const XMLElement& argument) const {
    const char* value = argument.Attribute("value");
    if (value == nullptr || argument.FirstAttribute()->Next() != nullptr || argument.FirstChild() != nullptr) {
      return at(argument, "<argument> has the attribute value=\"...\", and nothing else");
    }
    return std::string(value);
  }

  Status check_prop(const XMLElement& prop) const {
    for (const XMLAttribute* a = prop.FirstAttribute(); a != nullptr; a = a->Next()) {
      if (std::string_view(a->Name()) != "id" && std::string_view(a->Name()) != "value") {
        return at(prop, fmt::format("unknown attribute '{}' of <prop>; want id and value", shown(a->Name())));
      }
    }
    if (prop.Attribute("id") == nullptr || prop.Attribute("value") == nullptr) {
      return at(prop, "<prop> lacks id=\"...\" or value=\"...\"");
    }
    if (prop.FirstChild() != nullptr && prop.FirstChild()->ToComment() == nullptr) {
      return at(*prop.FirstChild(), "<prop> holds nothing but its attributes");
    }
    return {};
  }

  Status finish_actor(const XMLElement& actor, DeployedGuest& guest) {
    if (guest.machine.name.empty()) {
      if (!is_guest_name(guest.host)) {
        return at(actor,
                  fmt::format("host '{}' cannot serve as the guest's name; add <prop id=\"name\" value=\"...\"/> with 1 to 63 of the "
                              "characters A-Z a-z 0-9 . _ -",
                              shown(guest.host)));
      }
      guest.machine.name = guest.host;
    }
    if (guest.machine.kernel.empty() && guest.kind() == GuestKind::kQemu) {
      return at(actor, fmt::format("guest '{}' lacks <prop id=\"kernel\" value=\"...\"/>", guest.machine.name));
    }
    if (const auto [first, fresh] = line_of_name_.emplace(guest.machine.name, guest.line); !fresh) {
      return at(actor, fmt::format("a guest named '{}' exists already, in line {}; names must differ, set <prop id=\"name\" .../>",
                                   guest.machine.name, first->second));
    }
    return {};
  }

  /// A process finds the others by their addresses alone.
  Status check_addresses() const {
    for (const DeployedGuest& guest : guests_) {
      for (const DeployedGuest& other : guests_) {
        const auto plain = [](const std::string& address) { return address.substr(0, address.find('/')); };
        if (&guest != &other && guest.process.has_value() && plain(guest.machine.address) == plain(other.machine.address)) {
          return error_at(file_.path, guest.line,
                          fmt::format("process '{}' has the address {} that '{}' in line {} has too; addresses must differ",
                                      guest.machine.name, plain(guest.machine.address), other.machine.name, other.line));
        }
      }
    }
    return {};
  }

  /// Once all explicit MACs are known, so that an assigned one cannot hide a clash with a later explicit one.
  Status complete_macs() {
    std::map<std::string, const DeployedGuest*> owner;
    for (size_t i = 0; i < guests_.size(); ++i) {
      auto& guest = guests_[i];
      const bool assigned = guest.machine.mac.empty();
      if (assigned) {
        const size_t number = i + 1;
        guest.machine.mac = fmt::format("52:54:00:00:{:02x}:{:02x}", number >> 8, number & 0xff);
      }
      if (const auto [first, fresh] = owner.emplace(guest.machine.mac, &guest); !fresh) {
        return error_at(file_.path, guest.line,
                        fmt::format("guest '{}' has the {} MAC {} that guest '{}' in line {} has already; set <prop id=\"mac\" .../>",
                                    guest.machine.name, assigned ? "assigned" : "same", guest.machine.mac, first->second->machine.name,
                                    first->second->line));
      }
    }
    return {};
  }

  const XmlFile& file_;
  const PropertyFolders folders_;
  std::vector<DeployedGuest> guests_;
  std::vector<Outage> outages_;
  std::map<std::string, int> line_of_name_;
};

}  // namespace

Result<Deployment> parse_deployment(const std::filesystem::path& path, const std::filesystem::path& guests_folder,
                                    const std::filesystem::path& programs_folder) {
  ASSIGN_OR_RETURN(XmlFile file, read_xml_file(path));
  if (const auto line = line_that_is_not_utf8(file.text)) {
    return error_at(file.path, *line, "is not UTF-8; save the file in that encoding");
  }
  ASSIGN_OR_RETURN(Deployment deployment, DeploymentParser(file, {path.parent_path(), guests_folder, programs_folder}).parse());
  deployment.path = path;
  deployment.text = std::move(file.text);
  return deployment;
}

}  // namespace reprise
