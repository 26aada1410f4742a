#include "recorder/xml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>

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
  // In pieces: a size that is asked for is not to be trusted, and a pipe has none.
  constexpr size_t kPiece = 64U << 10;
  std::string text;
  while (in && text.size() <= kMaxXmlBytes) {
    const size_t before = text.size();
    text.resize(before + kPiece);
    in.read(text.data() + before, kPiece);
    text.resize(before + static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) {
    return Error{ErrorKind::kUsage, fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno))};
  }
  if (text.size() > kMaxXmlBytes) {
    return Error{ErrorKind::kUsage,
                 fmt::format("{}: larger than {} MiB, which no platform or deployment file is", path.string(), kMaxXmlBytes >> 20)};
  }
  return text;
}

int line_at(const std::string& text, size_t offset) {
  return static_cast<int>(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

/// &#...; for what XML has no character for. tinyxml2 makes a NUL of some, which would cut the value off, and bytes that are no UTF-8 of
/// others.
std::optional<size_t> wrong_character_reference(const std::string& text) {
  for (size_t at = text.find("&#"); at != std::string::npos; at = text.find("&#", at + 2)) {
    const bool hexadecimal = text[at + 2] == 'x';
    const char* digits = text.c_str() + at + (hexadecimal ? 3 : 2);
    uint32_t character = 0;
    const auto [end, problem] = std::from_chars(digits, text.c_str() + text.size(), character, hexadecimal ? 16 : 10);
    const bool surrogate = character >= 0xd800 && character < 0xe000;
    if (problem != std::errc() || *end != ';' || character == 0 || surrogate || character > 0x10ffff) {
      return at;
    }
  }
  return std::nullopt;
}

/// Bytes of the UTF-8 character at `at`; 0 when there is none. Overlong forms, surrogates and what is beyond U+10FFFF are none.
size_t utf8_length(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : uint8_t{0}; };
  const uint8_t first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const size_t length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool no_character = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
  return overlong || no_character ? 0 : length;
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

std::optional<int> line_that_is_not_utf8(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length == 0) {
      return line_at(text, at);
    }
    at += length;
  }
  return std::nullopt;
}

Error error_at(const std::string& file, int line, const std::string& what) {
  return Error{ErrorKind::kUsage, fmt::format("{}:{}: {}", file, line, what)};
}

Result<XmlFile> read_xml_file(const std::filesystem::path& path) {
  XmlFile file{path.string(), {}, std::make_unique<tinyxml2::XMLDocument>()};
  ASSIGN_OR_RETURN(file.text, read_limited(path));
  // tinyxml2 takes a NUL for the end of the text and would accept what is before it.
  if (const auto nul = file.text.find('\0'); nul != std::string::npos) {
    return error_at(file.path, line_at(file.text, nul), "holds a NUL byte, so it is not an XML file");
  }
  // Looked for in the text too: tinyxml2 stops at the first '>' of an internal subset and then reports only a syntax error after it.
  if (const auto entity = file.text.find("<!ENTITY"); entity != std::string::npos) {
    return error_at(file.path, line_at(file.text, entity), "entity declarations are not supported; write the value itself");
  }
  if (const auto reference = wrong_character_reference(file.text)) {
    return error_at(file.path, line_at(file.text, *reference),
                    "a character reference (&#...;) for no character; write the character itself");
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
