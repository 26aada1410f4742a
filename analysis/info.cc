#include "analysis/info.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

using Json = nlohmann::ordered_json;

void add_line(std::string& text, std::string_view name, const std::string& value) {
  text += fmt::format("{:<18} {}\n", name, value);
}

void add_guest_line(std::string& text, std::string_view name, const std::string& value) {
  text += fmt::format("  {:<16} {}\n", name, value);
}

std::string or_none(const std::string& value) {
  return value.empty() ? "none" : printable(value);
}

/// As a shell would take it back.
std::string shell_text(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? "" : " ";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) {
      text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    text += '\'';
  }
  return printable(text);
}

std::string guest_block(const GuestInfo& guest) {
  std::string text = fmt::format("\nguest {}\n", printable(guest.name));
  add_guest_line(text, "host", printable(guest.host));
  add_guest_line(text, "address", or_none(guest.address));
  add_guest_line(text, "nic", fmt::format("{} {}", printable(guest.nic), printable(guest.mac)));
  if (guest.kind == GuestKind::kQemu) {
    add_guest_line(text, "icount shift",
                   fmt::format("{} ({} ns an instruction)", guest.icount_shift, uint64_t{1} << (guest.icount_shift & 63)));
    add_guest_line(text, "QEMU", fmt::format("{}, build id {}", printable(guest.qemu_version), or_none(guest.qemu_build_id)));
  }
  for (const ImageInfo& image : guest.images) {
    add_guest_line(text, printable(image.role),
                   fmt::format("{}, {} bytes, sha256 {}", printable(image.path), image.size_bytes, printable(image.sha256)));
  }
  add_guest_line(text, "command line", shell_text(guest.command_line));
  return text;
}

std::string ratio_text(const ColumnUse& use) {
  return fmt::format("{:<16} {:>14} {:>14} {:>8.2f}\n", use.name, use.raw_bytes, use.stored_bytes,
                     static_cast<double>(use.raw_bytes) / static_cast<double>(std::max<uint64_t>(use.stored_bytes, 1)));
}

std::string column_table(std::string_view stream, const std::vector<ColumnUse>& columns) {
  if (columns.empty()) {
    return "";
  }
  std::string text = fmt::format("\ncolumns of {}\n  {:<16} {:>14} {:>14} {:>8}\n", stream, "", "bytes", "stored", "ratio");
  ColumnUse sum{.name = "all"};
  for (const ColumnUse& use : columns) {
    text += "  " + ratio_text(use);
    sum.raw_bytes += use.raw_bytes;
    sum.stored_bytes += use.stored_bytes;
  }
  return text + "  " + ratio_text(sum);
}

Json columns_json(const std::vector<ColumnUse>& columns) {
  Json json = Json::array();
  for (const ColumnUse& use : columns) {
    json.push_back({{"name", use.name}, {"raw_bytes", use.raw_bytes}, {"stored_bytes", use.stored_bytes}});
  }
  return json;
}

/// "complete", or what part of a run this is.
std::string run_text(const TraceSummary& trace) {
  const RunInfo& run = trace.run;
  if (trace.unfinished) {
    return "not finished: it is being recorded, or was killed";
  }
  std::string text = run.complete ? "complete" : "recovered from a run that did not finish, or from a damaged trace";
  if (run.partial) {
    text += fmt::format("; a part of it, from {} s {}", seconds_text(run.from),
                        run.to == VirtualTime::never() ? "on" : fmt::format("to before {} s", seconds_text(run.to)));
  }
  return text;
}

std::string_view kind_name(GuestKind kind) {
  switch (kind) {
    case GuestKind::kQemu:
      return "qemu";
    case GuestKind::kProcess:
      return "process";
    case GuestKind::kGateway:
      return "gateway";
  }
  return "unknown";
}

Json guest_json(const GuestInfo& guest) {
  Json images = Json::array();
  for (const ImageInfo& image : guest.images) {
    images.push_back({{"role", image.role}, {"path", image.path}, {"sha256", image.sha256}, {"size_bytes", image.size_bytes}});
  }
  return {{"name", guest.name},
          {"kind", kind_name(guest.kind)},
          {"host", guest.host},
          {"address", guest.address},
          {"mac", guest.mac},
          {"nic", guest.nic},
          {"icount_shift", guest.icount_shift},
          {"qemu_version", guest.qemu_version},
          {"qemu_build_id", guest.qemu_build_id},
          {"command_line", guest.command_line},
          {"images", std::move(images)},
          {"omitted", guest.omitted}};
}

}  // namespace

std::string info_text(const TraceSummary& trace) {
  const RunInfo& run = trace.run;
  std::string text;
  add_line(text, "recorded by", "Reprise " + printable(run.reprise_version));
  add_line(text, "run", run_text(trace));
  add_line(text, "file", fmt::format("{} bytes", trace.file_bytes));
  add_line(text, "seed", fmt::format("{}", run.seed));
  add_line(text, "until", run.until == VirtualTime::never() ? "every guest's end" : seconds_text(run.until) + " s");
  add_line(text, "network", fmt::format("SimGrid {}, lookahead {} ns", printable(run.simgrid_version), run.lookahead.ns));
  add_line(text, "SimGrid options", run.simgrid_options.empty() ? "none" : shell_text(run.simgrid_options));
  add_line(text, "platform", fmt::format("{} bytes of XML (whole text: --json)", run.platform_xml.size()));
  add_line(text, "deployment", fmt::format("{} bytes of XML (whole text: --json)", run.deployment_xml.size()));
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    text += guest_block(run.guests[i]);
    text += run.guests[i].omitted ? "  (left out of this part)\n"
                                  : column_table("guest " + printable(run.guests[i].name), trace.guest_columns[i]);
  }
  return text + column_table("the network", trace.network_columns);
}

std::string info_json(const TraceSummary& trace) {
  const RunInfo& run = trace.run;
  Json json;
  json["reprise_version"] = run.reprise_version;
  json["complete"] = run.complete && !trace.unfinished;
  json["file_bytes"] = trace.file_bytes;
  json["seed"] = run.seed;
  json["until_ns"] = run.until == VirtualTime::never() ? Json() : Json(run.until.ns);
  json["network"] = {{"simgrid_version", run.simgrid_version}, {"simgrid_options", run.simgrid_options},
                     {"lookahead_ns", run.lookahead.ns},       {"platform_xml", run.platform_xml},
                     {"deployment_xml", run.deployment_xml},   {"columns", columns_json(trace.network_columns)}};
  if (run.partial) {
    json["part"] = {{"from_ns", run.from.ns}, {"to_ns", run.to == VirtualTime::never() ? Json() : Json(run.to.ns)}};
  }
  json["guests"] = Json::array();
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    json["guests"].push_back(guest_json(run.guests[i]));
    json["guests"].back()["columns"] = columns_json(trace.guest_columns[i]);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace reprise
