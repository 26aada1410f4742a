#include "trace_format/embedded_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
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

/// Goes over the image's parts as they come.
class ImageParts {
 public:
  using Take = std::function<Status(ByteView bytes)>;
  ImageParts(const std::string& sha256, Take take) : sha256_(sha256), take_(std::move(take)) {}

  Status add(ChunkKind kind, ByteView stored) {
    if (kind != kImageChunk) {
      return {};
    }
    const Result<std::vector<uint64_t>> words = unpack_unnumbered_message(stored);
    if (!words.ok()) {
      return {};  // a part that nobody can read is one that is missing
    }
    Status taken;
    (void)read_message_root<schema::ImagePart>(*words, [&](schema::ImagePart::Reader part) {
      taken = add_part(part);
      return std::string();
    });
    return taken;
  }
  /// Each part followed the one before it, and there was one.
  [[nodiscard]] bool sound() const { return sound_ && size_ != 0; }
  [[nodiscard]] uint64_t size() const { return size_; }

 private:
  Status add_part(schema::ImagePart::Reader part) {
    if (std::string_view(part.getSha256().begin(), part.getSha256().size()) != sha256_) {
      return {};
    }
    const auto bytes = part.getBytes();
    sound_ = sound_ && part.getOffset() == size_ && bytes.size() <= kMaxEmbeddedImageBytes - size_;
    if (!sound_) {
      return {};
    }
    size_ += bytes.size();
    return take_({bytes.begin(), bytes.size()});
  }

  const std::string& sha256_;
  Take take_;
  uint64_t size_ = 0;
  bool sound_ = true;
};

Status for_each_part(const TraceReader& trace, ImageParts& parts) {
  return trace.for_each_kept_chunk([&](const ChunkHeader& header, ByteView stored) { return parts.add(header.kind, stored); });
}

/// Whether the run has the image with another size, and not with this one: parts at its end are missing then.
bool has_another_size(const RunInfo& run, const std::string& sha256, uint64_t bytes) {
  bool listed = false;
  for (const GuestInfo& guest : run.guests) {
    for (const ImageInfo& image : guest.images) {
      if (image.sha256 == sha256 && image.size_bytes == bytes) {
        return false;
      }
      listed = listed || image.sha256 == sha256;
    }
  }
  return listed;
}

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
  // First without writing: an image that is not there whole leaves no file.
  ImageParts survey(sha256, [](ByteView) { return Status{}; });
  RETURN_IF_ERROR(for_each_part(trace, survey));
  if (!survey.sound() || has_another_size(trace.run(), sha256, survey.size())) {
    return false;
  }
  ASSIGN_OR_RETURN(const auto sink, create(path));
  ImageParts parts(sha256, [&](ByteView bytes) { return sink->write(bytes); });
  RETURN_IF_ERROR(for_each_part(trace, parts));
  RETURN_IF_ERROR(sink->close());
  return true;
}

}  // namespace reprise
