#include "trace_format/age_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/age_encoding.h"

namespace reprise {
namespace {

constexpr std::string_view kVersionLine = "age-encryption.org/v1";
constexpr std::string_view kStanzaMark = "-> ";
constexpr std::string_view kEndMark = "---";
constexpr size_t kBodyColumns = 64;

bool is_argument(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

HmacDigest header_mac(const FileKey& file_key, std::string_view text) {
  return hmac_sha256(hkdf_sha256(file_key.bytes(), {}, "header"), text);
}

/// Takes lines from the front of a header. Errors name the line that was taken last.
class HeaderParser {
 public:
  /// `text` is the beginning of the file `name`, as much as a header may have.
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Result<AgeHeader> parse() {
    ASSIGN_OR_RETURN(std::string_view line, next_line());
    if (line != kVersionLine) {
      return bad("not the age format that this program reads (age-encryption.org/v1)");
    }
    AgeHeader header;
    for (;;) {
      ASSIGN_OR_RETURN(line, next_line());
      if (line.starts_with(kEndMark)) {
        break;
      }
      if (header.stanzas.size() == kMaxAgeStanzas) {
        return bad(fmt::format("more than {} recipients", kMaxAgeStanzas));
      }
      ASSIGN_OR_RETURN(AgeStanza stanza, parse_stanza(line));
      header.stanzas.push_back(std::move(stanza));
    }
    if (header.stanzas.empty()) {
      return bad("no recipient");
    }
    const auto mac = line.substr(kEndMark.size()).starts_with(' ') ? base64_bytes(line.substr(kEndMark.size() + 1)) : std::nullopt;
    if (!mac || mac->size() != header.mac.size()) {
      return bad("not a MAC");
    }
    std::copy(mac->begin(), mac->end(), header.mac.begin());
    header.bytes = taken_;
    header.authenticated = text_.substr(0, taken_ - line.size() - 1 + kEndMark.size());
    return header;
  }

 private:
  Result<std::string_view> next_line() {
    ++line_;
    const size_t end = text_.find('\n', taken_);
    if (end == std::string_view::npos) {
      return bad(text_.size() == kMaxAgeHeaderBytes ? fmt::format("the header is longer than {} bytes", kMaxAgeHeaderBytes)
                                                    : "the file ends before its header does");
    }
    const std::string_view line = text_.substr(taken_, end - taken_);
    taken_ = end + 1;
    return line;
  }

  Result<AgeStanza> parse_stanza(std::string_view line) {
    if (!line.starts_with(kStanzaMark)) {
      return bad("neither a recipient nor the end of the header");
    }
    AgeStanza stanza;
    for (size_t begin = kStanzaMark.size(); begin <= line.size();) {
      const size_t end = std::min(line.find(' ', begin), line.size());
      if (!is_argument(line.substr(begin, end - begin))) {
        return bad("a malformed recipient");
      }
      stanza.arguments.emplace_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    for (size_t columns = kBodyColumns; columns == kBodyColumns;) {
      ASSIGN_OR_RETURN(const std::string_view text, next_line());
      columns = text.size();
      const auto bytes = columns <= kBodyColumns ? base64_bytes(text) : std::nullopt;
      if (!bytes) {
        return bad("not base64 as age writes it");
      }
      stanza.body.insert(stanza.body.end(), bytes->begin(), bytes->end());
    }
    return stanza;
  }

  [[nodiscard]] Error bad(const std::string& what) const {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: encryption header, line {}: {}", name_, line_, what)};
  }

  std::string_view text_;
  const std::string& name_;
  size_t taken_ = 0;
  size_t line_ = 0;
};

}  // namespace

std::string encode_age_header(const std::vector<AgeStanza>& stanzas, const FileKey& file_key) {
  CHECK(!stanzas.empty() && stanzas.size() <= kMaxAgeStanzas);
  std::string text = fmt::format("{}\n", kVersionLine);
  for (const AgeStanza& stanza : stanzas) {
    CHECK(!stanza.arguments.empty());
    text += kStanzaMark.substr(0, kStanzaMark.size() - 1);
    for (const std::string& argument : stanza.arguments) {
      CHECK(is_argument(argument));
      text += ' ' + argument;
    }
    // A last line that is full would be followed by another: it may be empty.
    const std::string body = base64_text(stanza.body);
    for (size_t begin = 0; begin <= body.size(); begin += kBodyColumns) {
      text += '\n' + body.substr(begin, kBodyColumns);
    }
    text += '\n';
  }
  text += kEndMark;
  text += fmt::format(" {}\n", base64_text(header_mac(file_key, text)));
  CHECK(text.size() <= kMaxAgeHeaderBytes);
  return text;
}

Result<AgeHeader> read_age_header(const ByteSource& source) {
  std::string text(std::min<uint64_t>(source.size(), kMaxAgeHeaderBytes), '\0');
  RETURN_IF_ERROR(source.read_at(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  return HeaderParser(text, source.name()).parse();
}

Status check_age_header(const AgeHeader& header, const FileKey& file_key, const std::string& name) {
  if (!equal_macs(header_mac(file_key, header.authenticated), header.mac)) {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: the encryption header was altered: its MAC does not match", name)};
  }
  return {};
}

}  // namespace reprise
