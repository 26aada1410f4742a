#include "tests/guest/guest_run.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

const std::string kPrologue =
    "<?xml version=\"1.0\"?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n<platform version=\"4.1\">\n";

std::string property(const std::string& id, const std::string& value) {
  return value.empty() ? "" : fmt::format("    <prop id=\"{}\" value=\"{}\"/>\n", id, value);
}

std::string platform_text(size_t hosts, const std::string& latency) {
  std::string text = kPrologue + "  <zone id=\"network\" routing=\"Full\">\n";
  for (size_t i = 0; i < hosts; ++i) {
    text += fmt::format("    <host id=\"node-{0}\" speed=\"1Gf\"/>\n    <link id=\"link-{0}\" bandwidth=\"1Gbps\" latency=\"{1}\"/>\n", i,
                        latency);
  }
  for (size_t i = 0; i < hosts; ++i) {
    for (size_t j = i + 1; j < hosts; ++j) {
      text += fmt::format("    <route src=\"node-{0}\" dst=\"node-{1}\"><link_ctn id=\"link-{0}\"/><link_ctn id=\"link-{1}\"/></route>\n",
                          i, j);
    }
  }
  return text + "  </zone>\n</platform>\n";
}

std::string deployment_text(const std::vector<GuestSpec>& guests) {
  std::string text = kPrologue;
  for (size_t i = 0; i < guests.size(); ++i) {
    const GuestSpec& guest = guests[i];
    text += fmt::format("  <actor host=\"node-{}\" function=\"qemu_guest\">\n", i) + property("name", guest.name) +
            property("address", fmt::format("10.0.0.{}/24", i + 1)) + property("kernel", guest.kernel) + property("initrd", guest.initrd) +
            property("nic", guest.nic) + property("icount-shift", guest.icount_shift) + property("seed", guest.seed) +
            property("append", guest.append) + "  </actor>\n";
  }
  return text + "</platform>\n";
}

}  // namespace

std::vector<GuestSpec> pinging_pair(int count, const std::string& nic) {
  return {{.name = "alice", .append = fmt::format("run=ping:10.0.0.2:{}:10", count), .nic = nic},
          {.name = "bob", .append = "run=answer", .nic = nic}};
}

GuestRun::GuestRun() {
  std::string name = (fs::temp_directory_path() / "reprise-guest-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  folder_ = fs::canonical(name);
}

GuestRun::~GuestRun() {
  const auto* const unit = ::testing::UnitTest::GetInstance();
  if (unit->current_test_suite() != nullptr && unit->current_test_suite()->Failed()) {
    std::cout << "kept for a look, remove it yourself: " << folder_.string() << "\n";
    return;
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string GuestRun::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
  return path(name);
}

std::string GuestRun::write_program(const std::string& name, const std::string& text) const {
  std::string program = write(name, "#!/bin/sh\n" + text);
  EXPECT_EQ(chmod(program.c_str(), 0755), 0);
  return program;
}

void GuestRun::deploy(const std::vector<GuestSpec>& guests, const std::string& latency) const {
  write("platform.xml", platform_text(guests.size(), latency));
  write("deployment.xml", deployment_text(guests));
}

std::vector<std::string> GuestRun::record_command(const std::string& trace, const std::vector<std::string>& more) const {
  std::vector<std::string> words = {"record", path("platform.xml"), path("deployment.xml"), "-o", path(trace)};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

::testing::AssertionResult GuestRun::record(const std::string& trace, const std::vector<std::string>& more,
                                            const RunOptions& options) const {
  return exits(run_reprise(record_command(trace, more), options), 0);
}

Outcome GuestRun::replay(const std::string& trace, const std::vector<std::string>& more, const RunOptions& options) const {
  std::vector<std::string> words = {"replay", path(trace)};
  words.insert(words.end(), more.begin(), more.end());
  return run_reprise(words, options);
}

Outcome GuestRun::diff(const std::string& left, const std::string& right) const {
  return run_reprise({"diff", path(left), path(right), "--json"});
}

nlohmann::json GuestRun::stats(const std::string& trace) const {
  const Outcome outcome = run_reprise({"stats", path(trace), "--json"});
  EXPECT_TRUE(exits(outcome, 0));
  return json_of(outcome);
}

std::unique_ptr<TraceReader> GuestRun::open(const std::string& trace) const {
  auto reader = TraceReader::open(path(trace));
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return reader.ok() ? std::move(reader).value() : nullptr;
}

::testing::AssertionResult are_identical(const GuestRun& run, const std::string& left, const std::string& right) {
  const Outcome outcome = run.diff(left, right);
  if (const auto right_code = exits(outcome, 0); !right_code) {
    return right_code;
  }
  const auto left_reader = run.open(left);
  const auto right_reader = run.open(right);
  if (left_reader == nullptr || right_reader == nullptr) {
    return ::testing::AssertionFailure() << "not readable: " << run.path(left) << " or " << run.path(right);
  }
  for (uint32_t i = 0; i < left_reader->run().guests.size(); ++i) {
    if (left_reader->guest_digest(GuestIndex{i}) != right_reader->guest_digest(GuestIndex{i})) {
      return ::testing::AssertionFailure() << "'diff' says identical, the digests of guest " << i << " are not: " << outcome.command;
    }
  }
  return left_reader->network_digest() == right_reader->network_digest()
             ? ::testing::AssertionSuccess()
             : ::testing::AssertionFailure() << "'diff' says identical, the network's digest is not: " << outcome.command;
}

}  // namespace reprise::testing
