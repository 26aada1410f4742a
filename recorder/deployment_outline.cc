#include "recorder/deployment_outline.h"

#include <string_view>

#include "recorder/xml_file.h"

namespace reprise {

Result<DeploymentOutline> outline_deployment(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const XmlFile file, read_xml_file(path));
  DeploymentOutline outline;
  const tinyxml2::XMLElement& root = *file.document->RootElement();
  for (const auto* actor = root.FirstChildElement("actor"); actor != nullptr; actor = actor->NextSiblingElement("actor")) {
    const char* function = actor->Attribute("function");
    if (function == nullptr || std::string_view(function) == "outage" || std::string_view(function) == "gateway") {
      continue;
    }
    ++outline.guests;
    for (const auto* prop = actor->FirstChildElement("prop"); prop != nullptr; prop = prop->NextSiblingElement("prop")) {
      // What is beside the deployment is there; what the user has to build is reached by a variable.
      if (const char* value = prop->Attribute("value"); value != nullptr && std::string_view(value).starts_with("${")) {
        outline.files.insert(value);
      }
    }
  }
  return outline;
}

}  // namespace reprise
