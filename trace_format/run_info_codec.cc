#include "trace_format/run_info_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "trace_format/event_text.h"
#include "trace_format/limits.h"
#include "trace_format/message_chunk.h"

namespace reprise {
namespace {

capnp::Text::Reader text(const std::string& s) {
  return {s.c_str(), s.size()};
}

std::string text(capnp::Text::Reader t) {
  return {t.begin(), t.size()};
}

void build_texts(capnp::List<capnp::Text>::Builder builder, const std::vector<std::string>& texts) {
  for (unsigned i = 0; i < builder.size(); ++i) {
    builder.set(i, text(texts[i]));
  }
}

std::vector<std::string> read_texts(capnp::List<capnp::Text>::Reader reader) {
  std::vector<std::string> texts;
  for (const auto t : reader) {
    texts.push_back(text(t));
  }
  return texts;
}

void build_guest(schema::GuestInfo::Builder builder, const GuestInfo& guest) {
  builder.setName(text(guest.name));
  builder.setHost(text(guest.host));
  builder.setAddress(text(guest.address));
  builder.setMac(text(guest.mac));
  builder.setNic(text(guest.nic));
  builder.setQemuVersion(text(guest.qemu_version));
  builder.setQemuBuildId(text(guest.qemu_build_id));
  build_texts(builder.initCommandLine(static_cast<unsigned>(guest.command_line.size())), guest.command_line);
  auto images = builder.initImages(static_cast<unsigned>(guest.images.size()));
  for (unsigned i = 0; i < images.size(); ++i) {
    const ImageInfo& image = guest.images[i];
    images[i].setRole(text(image.role));
    images[i].setPath(text(image.path));
    images[i].setSha256(text(image.sha256));
    images[i].setSizeBytes(image.size_bytes);
  }
  builder.setIcountShift(guest.icount_shift);
  builder.setOmitted(guest.omitted);
  builder.setKind(static_cast<uint8_t>(guest.kind));
}

GuestInfo read_guest(schema::GuestInfo::Reader reader) {
  GuestInfo guest;
  guest.name = text(reader.getName());
  guest.host = text(reader.getHost());
  guest.address = text(reader.getAddress());
  guest.mac = text(reader.getMac());
  guest.nic = text(reader.getNic());
  guest.qemu_version = text(reader.getQemuVersion());
  guest.qemu_build_id = text(reader.getQemuBuildId());
  guest.command_line = read_texts(reader.getCommandLine());
  for (const auto image : reader.getImages()) {
    guest.images.push_back({text(image.getRole()), text(image.getPath()), text(image.getSha256()), image.getSizeBytes()});
  }
  guest.icount_shift = reader.getIcountShift();
  guest.omitted = reader.getOmitted();
  guest.kind = static_cast<GuestKind>(reader.getKind());
  return guest;
}

void build(schema::RunInfo::Builder builder, const RunInfo& run) {
  builder.setRepriseVersion(text(run.reprise_version));
  builder.setSimgridVersion(text(run.simgrid_version));
  build_texts(builder.initSimgridOptions(static_cast<unsigned>(run.simgrid_options.size())), run.simgrid_options);
  builder.setPlatformXml(text(run.platform_xml));
  builder.setDeploymentXml(text(run.deployment_xml));
  builder.setSeed(run.seed);
  builder.setLookaheadNs(run.lookahead.ns);
  builder.setUntilNs(run.until.ns);
  builder.setIncomplete(!run.complete);
  auto guests = builder.initGuests(static_cast<unsigned>(run.guests.size()));
  for (unsigned i = 0; i < guests.size(); ++i) {
    build_guest(guests[i], run.guests[i]);
  }
  builder.setFromNs(run.from.ns);
  builder.setToNs(run.to.ns);
  builder.setPartial(run.partial);
}

/// What a rewrite may change in a message whose other fields are not all known.
void build_over(schema::RunInfo::Builder builder, const RunInfo& run) {
  builder.setIncomplete(!run.complete);
  builder.setFromNs(run.from.ns);
  builder.setToNs(run.to.ns);
  builder.setPartial(run.partial);
  auto guests = builder.getGuests();
  CHECK(guests.size() == run.guests.size());
  for (unsigned i = 0; i < guests.size(); ++i) {
    guests[i].setOmitted(run.guests[i].omitted);
  }
}

std::vector<uint64_t> run_message(const RunInfo& run) {
  capnp::MallocMessageBuilder message(1u << 12);
  if (run.newer_message == nullptr) {
    build(message.initRoot<schema::RunInfo>(), run);
    return message_words(message);
  }
  const std::string wrong = read_message_root<schema::RunInfo>(*run.newer_message, [&](schema::RunInfo::Reader root) {
    message.setRoot(root);
    return std::string();
  });
  CHECK(wrong.empty());  // it was read before
  build_over(message.getRoot<schema::RunInfo>(), run);
  return message_words(message);
}

uint64_t count_texts(schema::RunInfo::Reader reader) {
  uint64_t texts = reader.getSimgridOptions().size();
  for (const auto guest : reader.getGuests()) {
    texts += 8 + guest.getCommandLine().size() + 3 * guest.getImages().size();
  }
  return texts;
}

/// Whether the message has fields that this program does not know: only then does it differ from what we would write.
bool is_newer(schema::RunInfo::Reader reader, const RunInfo& run) {
  capnp::MallocMessageBuilder message(1u << 12);
  build(message.initRoot<schema::RunInfo>(), run);
  const kj::Array<capnp::word> ours = capnp::canonicalize(message.getRoot<schema::RunInfo>().asReader());
  const kj::Array<capnp::word> theirs = capnp::canonicalize(reader);
  return ours.asBytes() != theirs.asBytes();
}

std::string read(schema::RunInfo::Reader reader, RunInfo& run) {
  const auto guests = reader.getGuests();
  if (guests.size() > kMaxGuests) {
    return fmt::format("{} guests; the limit is {}", guests.size(), kMaxGuests);
  }
  if (const uint64_t texts = count_texts(reader); texts > kMaxTexts) {
    return fmt::format("{} texts; the limit is {}", texts, kMaxTexts);
  }
  run.reprise_version = text(reader.getRepriseVersion());
  run.simgrid_version = text(reader.getSimgridVersion());
  run.simgrid_options = read_texts(reader.getSimgridOptions());
  run.platform_xml = text(reader.getPlatformXml());
  run.deployment_xml = text(reader.getDeploymentXml());
  run.seed = reader.getSeed();
  run.lookahead.ns = reader.getLookaheadNs();
  run.until.ns = reader.getUntilNs();
  run.complete = !reader.getIncomplete();
  for (const auto guest : guests) {
    run.guests.push_back(read_guest(guest));
  }
  run.from.ns = reader.getFromNs();
  run.to.ns = reader.getToNs();
  run.partial = reader.getPartial();
  return run_info_error(run);
}

}  // namespace

Result<std::vector<uint8_t>> pack_run_info(const RunInfo& run) {
  if (std::string wrong = run_info_error(run); !wrong.empty()) {
    return Error{ErrorKind::kUsage, "a trace cannot hold " + wrong};
  }
  return pack_message(ChunkKind::kRun, StreamId::network(), 0, run_message(run));
}

Result<RunInfo> unpack_run_info(ByteView stored) {
  ASSIGN_OR_RETURN(std::vector<uint64_t> words, unpack_message(stored, ChunkKind::kRun, StreamId::network()));
  RunInfo run;
  bool newer = false;
  const std::string wrong = read_message_root<schema::RunInfo>(words, [&](schema::RunInfo::Reader root) { return read(root, run); });
  if (!wrong.empty()) {
    return Error{ErrorKind::kBadTrace, wrong};
  }
  const std::string again = read_message_root<schema::RunInfo>(words, [&](schema::RunInfo::Reader root) {
    newer = is_newer(root, run);
    return std::string();
  });
  if (!again.empty()) {
    return Error{ErrorKind::kBadTrace, again};
  }
  if (newer) {
    run.newer_message = std::make_shared<const std::vector<uint64_t>>(std::move(words));
  }
  return run;
}

std::string run_info_error(const RunInfo& run) {
  if (run.guests.size() > kMaxGuests) {
    return fmt::format("{} guests; the limit is {}", run.guests.size(), kMaxGuests);
  }
  if (run.lookahead.ns < 0 || run.until.ns < 0) {
    return "a negative lookahead or deadline";
  }
  if (run.from.ns < 0 || run.to <= run.from) {
    return fmt::format("a part from {} to {} ns", run.from.ns, run.to.ns);
  }
  const bool omits = std::any_of(run.guests.begin(), run.guests.end(), [](const GuestInfo& guest) { return guest.omitted; });
  if (!run.partial && (run.from.ns != 0 || run.to != VirtualTime::never() || omits)) {
    return "bounds or omissions of a part in what is no part of a run";
  }
  uint64_t texts = run.simgrid_options.size();
  std::set<std::string> names;
  for (size_t i = 0; i < run.guests.size(); ++i) {
    const GuestInfo& guest = run.guests[i];
    if (guest.name.empty() || guest.name.size() > kMaxNameBytes) {
      return fmt::format("guest {} has a name of {} bytes; allowed are 1 to {}", i, guest.name.size(), kMaxNameBytes);
    }
    if (!names.insert(guest.name).second) {
      return fmt::format("two guests are named '{}'", printable(guest.name));
    }
    if (guest.images.size() > kMaxImages) {
      return fmt::format("guest '{}' has {} images; the limit is {}", printable(guest.name), guest.images.size(), kMaxImages);
    }
    for (const ImageInfo& image : guest.images) {
      if (image.sha256.size() != 64 || image.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fmt::format("guest '{}' has an image whose SHA-256 is not 64 lower-case hex digits", printable(guest.name));
      }
    }
    texts += 8 + guest.command_line.size() + 3 * guest.images.size();
    if (guest.kind > kLastGuestKind) {
      return fmt::format("guest '{}' is of kind {}, which this Reprise does not know", printable(guest.name),
                         static_cast<unsigned>(guest.kind));
    }
    if (guest.icount_shift > kMaxIcountShift) {
      return fmt::format("guest '{}' has icount shift {}; the limit is {}", printable(guest.name), guest.icount_shift, kMaxIcountShift);
    }
  }
  return texts > kMaxTexts ? fmt::format("{} texts; the limit is {}", texts, kMaxTexts) : "";
}

}  // namespace reprise
