#include "launcher/process_command.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "launcher/guest_program.h"

namespace reprise {
namespace {

using Words = std::vector<std::string>;

ProcessPlan plan() {
  return {.address = "10.0.0.1/24",
          .mac = "52:54:00:00:00:01",
          .call_cost = {2000},
          .neighbours = {{"10.0.0.2", "52:54:00:00:00:02"}},
          .environment = process_environment(),
          .arguments = {"a", "", "--", "-x y"}};
}

GuestInfo recorded(const ProcessPlan& of = plan()) {
  return {.name = "p", .address = of.address, .mac = of.mac, .command_line = process_arguments(of), .kind = GuestKind::kProcess};
}

TEST(ProcessCommand, IsReadAsItWasComposed) {
  const auto read = parse_process_arguments(process_arguments(plan()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->program, "${program}");
  EXPECT_EQ(read->arguments, plan().arguments);
  EXPECT_EQ(read->call_cost, plan().call_cost);
  ASSERT_EQ(read->neighbours.size(), 1U);
  EXPECT_EQ(read->neighbours[0].mac, "52:54:00:00:00:02");
  EXPECT_EQ(process_arguments(*read), process_arguments(plan()));
}

TEST(ProcessCommand, WhatIsNotUnderstoodIsNamed) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{}, "without a program"},
      {{"--"}, "without a program"},
      {{"-mac"}, "'-mac' of a process has no value"},
      {{"-color", "red", "--", "p"}, "unknown option '-color'"},
      {{"-protocol", "2", "--", "p"}, "protocol 2"},
      {{"-call-cost", "0", "--", "p"}, "1 to 1000000000 ns"},
      {{"-call-cost", "1us", "--", "p"}, "1 to 1000000000 ns"},
      {{"-neighbour", "10.0.0.1", "--", "p"}, "ADDRESS,MAC"},
  };
  for (const auto& [words, part] : cases) {
    const auto read = parse_process_arguments(words);
    ASSERT_FALSE(read.ok()) << part;
    EXPECT_NE(read.error().message.find(part), std::string::npos) << read.error().message;
  }
}

// A trace from a stranger cannot set, say, LD_PRELOAD.
TEST(ProcessCommand, OnlyWhatWeWouldComposeIsBelieved) {
  EXPECT_EQ(compare_process_command(recorded()), Words{});
  ProcessPlan other = plan();
  other.environment.emplace_back("LD_PRELOAD=/tmp/evil.so");
  EXPECT_FALSE(compare_process_command(recorded(other)).empty());
  GuestInfo changed = recorded();
  changed.mac = "52:54:00:00:00:09";
  EXPECT_EQ(compare_process_command(changed).size(), 1U);
  changed = recorded();
  *std::find(changed.command_line.begin(), changed.command_line.end(), "${program}") = "/bin/sh";
  EXPECT_EQ(compare_process_command(changed).size(), 1U);
  changed = recorded();
  changed.mac = "52:54";
  EXPECT_EQ(compare_process_command(changed).size(), 2U) << "no address at all, and not the recorded one";
  other = plan();
  other.neighbours = {{"10.0.0", "52:54:00:00:00:02"}, {"10.0.0.2", "here"}};
  EXPECT_EQ(compare_process_command(recorded(other)).size(), 2U);
  changed = recorded();
  changed.command_line = {"-evil"};
  EXPECT_EQ(compare_process_command(changed).size(), 1U);
}

TEST(ProcessCommand, TheHostGetsTheSessionsOptionsFirst) {
  const GuestPrograms programs{.process_host = "/lib/host"};
  GuestInfo guest = recorded();
  guest.command_line = {"-mac", "m", "--", "${program}", "a"};
  EXPECT_EQ(guest_command(programs, guest, {{.role = "program", .path = "/p"}}, {.channel = 5, .guest = 1, .stream_folder = "/a,b"}),
            (Words{"/lib/host", "mode=live", "channel=5", "guest=1", "icount_shift=0", "stream_folder=/a,b", "-process", "-mac", "m", "--",
                   "/p", "a"}));
}

}  // namespace
}  // namespace reprise
