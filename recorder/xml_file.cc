#include "recorder/xml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace reprise {
namespace {

Result<std::string> read_limited(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{ErrorKind::kUsage, fmt::format("{}: is a folder; give the XML file itself", path.string())};
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return Error{ErrorKind::kUsage, fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno ? errno : ENOENT))};
  }
  // One byte more than the limit tells "too large" from "just fits" without trusting a size that a pipe does not have.
  std::string text(kMaxXmlBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) {
    return Error{ErrorKind::kUsage, fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno))};
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxXmlBytes) {
    return Error{ErrorKind::kUsage,
                 fmt::format("{}: larger than {} MiB, which no platform or deployment file is", path.string(), kMaxXmlBytes >> 20)};
  }
  text.shrink_to_fit();
  return text;
}

std::string parse_problem(const tinyxml2::XMLDocument& document) {
  switch (document.ErrorID()) {
    case tinyxml2::XML_ELEMENT_DEPTH_EXCEEDED:
      return "elements are nested too deeply";
    case tinyxml2::XML_ERROR_EMPTY_DOCUMENT:
      return "the file is empty";
    case tinyxml2::XML_ERROR_MISMATCHED_ELEMENT:
      return "not well-formed XML: an element that begins here is not closed, or is closed by another name";
    case tinyxml2::XML_ERROR_PARSING_ATTRIBUTE:
      return "not well-formed XML: an attribute is malformed or given twice";
    default:
      return fmt::format("not well-formed XML ({})", document.ErrorName());
  }
}

/// tinyxml2 does not expand entities of a DOCTYPE, it leaves them as text: refused, so that no value silently means something else than
/// its author thinks. This also ends entity bombs.
Status refuse_own_entities(const XmlFile& file) {
  for (const auto* node = file.document->FirstChild(); node != nullptr; node = node->NextSibling()) {
    const auto* unknown = node->ToUnknown();
    if (unknown == nullptr) {
      continue;
    }
    const std::string value = unknown->Value() == nullptr ? "" : unknown->Value();
    if (value.rfind("DOCTYPE", 0) != 0 || value.find('[') != std::string::npos) {
      return error_at(file.path, node->GetLineNum(),
                      "a DOCTYPE with declarations of its own is not supported; write <!DOCTYPE platform SYSTEM "
                      "\"https://simgrid.org/simgrid.dtd\">");
    }
  }
  return {};
}

}  // namespace

Error error_at(const std::string& file, int line, const std::string& what) {
  return Error{ErrorKind::kUsage, fmt::format("{}:{}: {}", file, line, what)};
}

Result<XmlFile> read_xml_file(const std::filesystem::path& path) {
  XmlFile file{path.string(), {}, std::make_unique<tinyxml2::XMLDocument>()};
  ASSIGN_OR_RETURN(file.text, read_limited(path));
  // tinyxml2 takes a NUL for the end of the text and would accept what is before it.
  if (const auto nul = file.text.find('\0'); nul != std::string::npos) {
    const auto line = 1 + std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    return error_at(file.path, static_cast<int>(line), "holds a NUL byte, so it is not an XML file");
  }
  // Looked for in the text too: tinyxml2 stops at the first '>' of an internal subset and then reports only a syntax error after it.
  if (const auto entity = file.text.find("<!ENTITY"); entity != std::string::npos) {
    const auto line = 1 + std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(entity), '\n');
    return error_at(file.path, static_cast<int>(line), "entity declarations are not supported; write the value itself");
  }
  if (file.document->Parse(file.text.data(), file.text.size()) != tinyxml2::XML_SUCCESS) {
    return error_at(file.path, std::max(1, file.document->ErrorLineNum()), parse_problem(*file.document));
  }
  RETURN_IF_ERROR(refuse_own_entities(file));
  if (file.document->RootElement() == nullptr) {
    return error_at(file.path, 1, "holds no XML element");
  }
  return file;
}

}  // namespace reprise
