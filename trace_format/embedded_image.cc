#include "trace_format/embedded_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "trace_format/kept_chunks.h"
#include "trace_format/message_chunk.h"

namespace reprise {
namespace {

/// Not among the kinds that framing knows: a part of an image goes wherever a chunk of an unknown kind goes, from trace to trace.
constexpr ChunkKind kImageChunk{5};

/// Far below the limit of a message.
constexpr size_t kPartBytes = size_t{4} << 20U;

Result<std::vector<uint8_t>> pack_part(const ImageInfo& image, uint64_t offset, ByteView bytes) {
  capnp::MallocMessageBuilder message;
  schema::ImagePart::Builder part = message.initRoot<schema::ImagePart>();
  part.setSha256(image.sha256.c_str());
  part.setOffset(offset);
  part.setBytes(kj::arrayPtr(bytes.data(), bytes.size()));
  return pack_message(kImageChunk, StreamId::network(), 0, message_words(message));
}

Status embed(const ImageInfo& image, ByteSink& sink) {
  ASSIGN_OR_RETURN(const auto file, open_file(image.path));
  if (file->size() > kMaxEmbeddedImageBytes) {
    return Error{ErrorKind::kRunFailed,
                 fmt::format("{}: {} bytes; a trace carries images of at most {}", image.path, file->size(), kMaxEmbeddedImageBytes)};
  }
  std::vector<uint8_t> bytes;
  for (uint64_t offset = 0; offset < file->size(); offset += bytes.size()) {
    bytes.resize(std::min<uint64_t>(kPartBytes, file->size() - offset));
    RETURN_IF_ERROR(file->read_at(offset, bytes));
    ASSIGN_OR_RETURN(const std::vector<uint8_t> chunk, pack_part(image, offset, bytes));
    RETURN_IF_ERROR(sink.write(chunk));
  }
  return {};
}

/// Puts the image's parts together as they come.
class Extraction {
 public:
  Extraction(const std::string& sha256, const std::filesystem::path& path, const SinkFactory& create)
      : sha256_(sha256), path_(path), create_(create) {}

  Status take(ChunkKind kind, ByteView stored) {
    if (kind != kImageChunk) {
      return {};
    }
    ASSIGN_OR_RETURN(const std::vector<uint64_t> words, unpack_unnumbered_message(stored));
    Status written;
    const std::string wrong =
        read_message_root<schema::ImagePart>(words, [&](schema::ImagePart::Reader part) { return take_part(part, written); });
    if (!wrong.empty()) {
      return Error{ErrorKind::kBadTrace, fmt::format("a part of an image: {}", wrong)};
    }
    return written;
  }
  /// Whether there was any part.
  Result<bool> finish() {
    if (sink_ == nullptr) {
      return false;
    }
    RETURN_IF_ERROR(sink_->close());
    return true;
  }

 private:
  std::string take_part(schema::ImagePart::Reader part, Status& written) {
    if (std::string_view(part.getSha256().begin(), part.getSha256().size()) != sha256_) {
      return "";
    }
    const auto bytes = part.getBytes();
    if (part.getOffset() != size_ || bytes.size() > kMaxEmbeddedImageBytes - size_) {
      return "it does not follow the part before it, or the image is too large";
    }
    if (sink_ == nullptr) {
      Result<std::unique_ptr<ByteSink>> sink = create_(path_);
      if (!sink.ok()) {
        written = sink.error();
        return "";
      }
      sink_ = std::move(*sink);
    }
    size_ += bytes.size();
    written = sink_->write({bytes.begin(), bytes.size()});
    return "";
  }

  const std::string& sha256_;
  const std::filesystem::path& path_;
  const SinkFactory& create_;
  std::unique_ptr<ByteSink> sink_;
  uint64_t size_ = 0;
};

}  // namespace

Status embed_images(const std::filesystem::path& directory, std::span<const ImageInfo> images,
                    const std::vector<AgeRecipient>& recipients) {
  if (images.empty()) {
    return {};
  }
  ASSIGN_OR_RETURN(const auto sink, create_kept_chunks(directory, recipients));
  std::set<std::string> embedded;
  for (const ImageInfo& image : images) {
    if (embedded.insert(image.sha256).second) {
      RETURN_IF_ERROR(embed(image, *sink));
    }
  }
  return sink->close();
}

Result<bool> extract_image(const TraceReader& trace, const std::string& sha256, const std::filesystem::path& path,
                           const SinkFactory& create) {
  Extraction extraction(sha256, path, create);
  RETURN_IF_ERROR(
      trace.for_each_kept_chunk([&](const ChunkHeader& header, ByteView stored) { return extraction.take(header.kind, stored); }));
  return extraction.finish();
}

}  // namespace reprise
