// A user's XML file: read once, with limits, and every refusal says FILE:LINE.
#pragma once

#include <tinyxml2.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "trace_format/status.h"

namespace reprise {

struct XmlFile {
  std::string path;                                 ///< as the user wrote it: it opens every message
  std::string text;                                 ///< verbatim
  std::unique_ptr<tinyxml2::XMLDocument> document;  ///< never null
};

inline constexpr size_t kMaxXmlBytes = 16u << 20;

/// kUsage when `path` cannot be read, is larger than kMaxXmlBytes, holds a NUL byte, is not well-formed, nests too deeply, declares
/// entities of its own, or refers to characters that there are not.
[[nodiscard]] Result<XmlFile> read_xml_file(const std::filesystem::path& path);

/// Where `text` is no UTF-8, if anywhere. SimGrid's platforms may be in other encodings, what we write on must not.
[[nodiscard]] std::optional<int> line_that_is_not_utf8(const std::string& text);

/// kUsage "FILE:LINE: what".
[[nodiscard]] Error error_at(const std::string& file, int line, const std::string& what);

}  // namespace reprise
