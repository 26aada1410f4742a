// stats and info.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "analysis/info.h"
#include "analysis/stats.h"
#include "tests/analysis/synthetic_trace.h"

namespace reprise::testing {
namespace {

using Json = nlohmann::ordered_json;

class ReportsTest : public ::testing::Test {
 protected:
  std::unique_ptr<TraceReader> trace() { return make_trace(script_, folder_.path() / "trace"); }

  Script script_ = ping_script();
  TemporaryFolder folder_;
};

TEST_F(ReportsTest, StatsJsonHoldsTheCounts) {
  script_.network[0] = dropped(1000, 0, 0, 1, DropReason::kLoss);
  script_.guests[1].insert(script_.guests[1].end() - 1, {typed(39'000, 'l'), typed(39'000, 's')});
  const auto reader = trace();
  Json expected = Json::parse(R"({"guests": [
    {"name": "alice", "host": "node-0", "frames_sent": 2, "frames_received": 1, "bytes_sent": 158, "bytes_received": 60,
     "clock_reads": {"tsc": 3, "hpet": 1, "pit": 0, "rtc": 0, "acpi_pm": 0, "lapic": 0, "process": 0}, "console_bytes": 2, "console_input_bytes": 0,
     "first_ns": 100, "last_ns": 30000, "end": "power-off"},
    {"name": "bob", "host": "node-1", "frames_sent": 1, "frames_received": 2, "bytes_sent": 60, "bytes_received": 158,
     "clock_reads": {"tsc": 1, "hpet": 0, "pit": 1, "rtc": 0, "acpi_pm": 0, "lapic": 0, "process": 0}, "console_bytes": 1, "console_input_bytes": 2,
     "first_ns": 150, "last_ns": 40000, "end": "until"}],
    "network": {"frames_delivered": 2, "frames_dropped": 1,
                "drops": {"host down": 0, "link down": 0, "failed in flight": 0, "receiver ended": 0, "loss": 1}}})");
  expected["file_bytes"] = std::filesystem::file_size(folder_.path() / "trace");
  EXPECT_EQ(Json::parse(stats_json(summary_of(*reader))), expected);
}

TEST_F(ReportsTest, StatsTextIsATable) {
  const std::string text = stats_text(summary_of(*trace()));
  EXPECT_EQ(text.substr(0, text.find("file:")),
            "guest  host    frames sent  received  bytes sent  received  console bytes  typed  first event s  last event s        end\n"
            "alice  node-0            2         1         158        60              2      0    0.000000100   0.000030000  power-off\n"
            "bob    node-1            1         2          60       158              1      0    0.000000150   0.000040000      until\n"
            "\n"
            "clock reads  tsc  hpet  pit  rtc  acpi_pm  lapic  process\n"
            "alice          3     1    0    0        0      0        0\n"
            "bob            1     0    1    0        0      0        0\n"
            "\n"
            "network: 3 frames delivered, 0 dropped\n");
}

TEST_F(ReportsTest, StatsTextSaysWhyFramesWereDropped) {
  script_.network[0] = dropped(1000, 0, 0, 1, DropReason::kLoss);
  const std::string text = stats_text(summary_of(*trace()));
  EXPECT_NE(text.find("network: 2 frames delivered, 1 dropped (1 loss)\n"), std::string::npos) << text;
}

Json columns_json(const std::vector<ColumnUse>& columns) {
  Json list = Json::array();
  for (const ColumnUse& column : columns) {
    list.push_back({{"name", column.name}, {"raw_bytes", column.raw_bytes}, {"stored_bytes", column.stored_bytes}});
  }
  return list;
}

TEST_F(ReportsTest, InfoJsonHoldsTheProvenance) {
  const auto reader = trace();
  Json expected = Json::parse(R"({"reprise_version": "0.1.0", "complete": true, "file_bytes": 0, "seed": 7, "until_ns": null,
    "network": {"simgrid_version": "3.32", "simgrid_options": ["--cfg=network/model:CM02"], "lookahead_ns": 9999,
                "platform_xml": "<platform/>", "deployment_xml": "<deployment/>"}})");
  expected["file_bytes"] = reader->file_bytes();
  Json info = Json::parse(info_json(summary_of(*reader)));
  const Json alice = info["guests"][0];
  EXPECT_EQ(info["guests"].size(), 2U);
  info.erase("guests");
  expected["network"]["columns"] = columns_json(reader->network_columns());
  EXPECT_EQ(info, expected);
  Json expected_alice =
      Json::parse(R"({"name": "alice", "kind": "qemu", "host": "node-0", "address": "10.0.0.1/24", "mac": "52:54:00:00:00:01",
    "nic": "e1000", "icount_shift": 0, "qemu_version": "QEMU emulator version 10.0.2", "qemu_build_id": "00ff",
    "command_line": ["-m", "128M", "-append", "console=ttyS0 quiet", "-kernel", "${kernel}"],
    "images": [{"role": "kernel", "path": "/boot/vmlinux", "sha256": "", "size_bytes": 1234}], "omitted": false})");
  expected_alice["images"][0]["sha256"] = std::string(64, 'a');
  expected_alice["columns"] = columns_json(reader->guest_columns(GuestIndex{0}));
  EXPECT_EQ(expected_alice["columns"][0]["name"], "order");
  EXPECT_EQ(alice, expected_alice);
}

TEST_F(ReportsTest, InfoTextQuotesTheCommandLine) {
  script_.run.until = VirtualTime{1'500'000'000};
  const std::string text = info_text(summary_of(*trace()));
  for (const char* part : {"recorded by        Reprise 0.1.0\n", "run                complete\n", "until              1.500000000 s\n",
                           "network            SimGrid 3.32, lookahead 9999 ns\n", "\nguest bob\n", "  address          10.0.0.2/24\n",
                           "  nic              e1000 52:54:00:00:00:01\n", "  kernel           /boot/vmlinux, 1234 bytes, sha256 aaaa",
                           "  command line     -m 128M -append 'console=ttyS0 quiet' -kernel '${kernel}'\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
  }
}

TEST_F(ReportsTest, BytesThatAreNotUtf8DoNotThrow) {
  script_.run.guests[0].host = "h\xff";
  script_.run.platform_xml = "\xc3";
  script_.run.guests[0].command_line = {"\x80\x1b"};
  const auto reader = trace();
  EXPECT_NO_THROW(EXPECT_TRUE(Json::accept(stats_json(summary_of(*reader)))));
  EXPECT_NO_THROW(EXPECT_TRUE(Json::accept(info_json(summary_of(*reader)))));
  EXPECT_EQ(info_text(summary_of(*reader)).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace reprise::testing
