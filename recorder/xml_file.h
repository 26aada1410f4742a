// A user's XML file: read once, with limits, and every refusal says FILE:LINE.
#pragma once

#include <tinyxml2.h>

#include <filesystem>
#include <memory>
#include <string>

#include "trace_format/status.h"

namespace reprise {

struct XmlFile {
  std::string path;                                 ///< as the user wrote it: it opens every message
  std::string text;                                 ///< verbatim
  std::unique_ptr<tinyxml2::XMLDocument> document;  ///< never null
};

inline constexpr size_t kMaxXmlBytes = 16u << 20;

/// kUsage when `path` cannot be read, is larger than kMaxXmlBytes, holds a NUL byte, is not well-formed, nests too deeply, or declares
/// entities of its own.
[[nodiscard]] Result<XmlFile> read_xml_file(const std::filesystem::path& path);

/// kUsage "FILE:LINE: what".
[[nodiscard]] Error error_at(const std::string& file, int line, const std::string& what);

}  // namespace reprise
