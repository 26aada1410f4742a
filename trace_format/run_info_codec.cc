#include "trace_format/run_info_codec.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "trace_format/footer.h"
#include "trace_format/limits.h"

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
  return guest;
}

}  // namespace

void build_run_info(schema::RunInfo::Builder builder, const RunInfo& run) {
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
}

RunInfo read_run_info(schema::RunInfo::Reader reader) {
  RunInfo run;
  run.reprise_version = text(reader.getRepriseVersion());
  run.simgrid_version = text(reader.getSimgridVersion());
  run.simgrid_options = read_texts(reader.getSimgridOptions());
  run.platform_xml = text(reader.getPlatformXml());
  run.deployment_xml = text(reader.getDeploymentXml());
  run.seed = reader.getSeed();
  run.lookahead.ns = reader.getLookaheadNs();
  run.until.ns = reader.getUntilNs();
  run.complete = !reader.getIncomplete();
  for (const auto guest : reader.getGuests()) {
    run.guests.push_back(read_guest(guest));
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
  std::set<std::string> names;
  for (size_t i = 0; i < run.guests.size(); ++i) {
    const GuestInfo& guest = run.guests[i];
    if (guest.name.empty() || guest.name.size() > kMaxNameBytes) {
      return fmt::format("guest {} has a name of {} bytes; allowed are 1 to {}", i, guest.name.size(), kMaxNameBytes);
    }
    if (!names.insert(guest.name).second) {
      return fmt::format("two guests are named '{}'", guest.name);
    }
    if (guest.icount_shift > kMaxIcountShift) {
      return fmt::format("guest '{}' has icount shift {}; the limit is {}", guest.name, guest.icount_shift, kMaxIcountShift);
    }
  }
  return "";
}

}  // namespace reprise
