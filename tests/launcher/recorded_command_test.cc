#include "launcher/recorded_command.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "launcher/qemu_command.h"

namespace reprise {
namespace {

using Words = std::vector<std::string>;

GuestInfo recorded(const GuestMachine& machine, uint64_t seed = 12) {
  GuestInfo guest;
  guest.name = machine.name;
  guest.address = machine.address;
  guest.mac = machine.mac;
  guest.nic = nic_name(machine.nic);
  guest.icount_shift = machine.icount_shift;
  guest.command_line = qemu_arguments(machine, seed);
  return guest;
}

GuestMachine machine() {
  return {.name = "alice", .address = "10.0.0.1/24", .kernel = "k", .initrd = "i", .append = {}, .mac = "52:54:00:00:00:01"};
}

std::string joined(const Words& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

TEST(RecordedCommand, WhatWeComposeIsTheSame) {
  for (const NicModel nic : {NicModel::kE1000, NicModel::kVmxnet3, NicModel::kVirtioNet}) {
    for (const char* append : {"", "quick=1", " two  blanks ", "ip4=10.0.0.9/8", "-plugin x"}) {
      for (const char* initrd : {"", "i"}) {
        GuestMachine guest = machine();
        guest.nic = nic;
        guest.append = append;
        guest.initrd = initrd;
        guest.memory_mib = 4096;
        guest.icount_shift = 10;
        EXPECT_EQ(joined(compare_command_line(recorded(guest, 0xfedcba9876543210))), "") << append;
        guest.address.clear();
        EXPECT_EQ(joined(compare_command_line(recorded(guest))), "") << append;
      }
    }
  }
}

GuestInfo recorded_with_images(uint64_t root_bytes, uint64_t seed_bytes) {
  GuestMachine guest = machine();
  guest.root = "r";
  guest.root_bytes = root_bytes;
  guest.seed = seed_bytes != 0 ? "s" : "";
  guest.seed_bytes = seed_bytes;
  GuestInfo info = recorded(guest);
  info.images = {{"kernel", "k", {}, 1}, {"root", "r", {}, root_bytes}};
  if (seed_bytes != 0) {
    info.images.push_back({"seed", "s", {}, seed_bytes});
  }
  return info;
}

TEST(RecordedCommand, ImagesInMemoryAreTheSame) {
  EXPECT_EQ(joined(compare_command_line(recorded_with_images(96 * kImageGrain, 0))), "");
  EXPECT_EQ(joined(compare_command_line(recorded_with_images(kLargestImage, kImageGrain))), "");
}

TEST(RecordedCommand, SizesOfImagesMustBeThoseOfTheCommandLine) {
  GuestInfo guest = recorded_with_images(96 * kImageGrain, kImageGrain);
  guest.images[1].size_bytes += kImageGrain;
  EXPECT_EQ(compare_command_line(guest).size(), 2U) << joined(compare_command_line(guest));  // the backend, and the kernel's memmap
  guest.images[1].role = "roof";
  EXPECT_FALSE(compare_command_line(guest).empty());
  for (const uint64_t bytes : {kImageGrain + 1, kLargestImage + kImageGrain, ~uint64_t{0}}) {
    EXPECT_NE(joined(compare_command_line(recorded_with_images(bytes, 0))).find("no size of an image"), std::string::npos) << bytes;
  }
}

TEST(RecordedCommand, EveryChangedArgumentIsNamed) {
  const GuestInfo good = recorded(machine());
  for (size_t i = 0; i < good.command_line.size(); ++i) {
    GuestInfo guest = good;
    guest.command_line[i].insert(0, "x");
    const Words differences = compare_command_line(guest);
    ASSERT_FALSE(differences.empty()) << i;
    EXPECT_NE(joined(differences).find("command line, argument " + std::to_string(i) + ": recorded 'x"), std::string::npos)
        << i << joined(differences);
  }
}

TEST(RecordedCommand, EveryRemovedArgumentIsFound) {
  const GuestInfo good = recorded(machine());
  for (size_t i = 0; i < good.command_line.size(); ++i) {
    GuestInfo guest = good;
    guest.command_line.erase(guest.command_line.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_FALSE(compare_command_line(guest).empty()) << i;
  }
}

// The danger: a trace from a stranger that makes QEMU load a library or open a file.
TEST(RecordedCommand, EveryAddedArgumentIsFound) {
  const GuestInfo good = recorded(machine());
  for (const Words& added : {Words{"-plugin", "/tmp/evil.so"}, {"-drive", "file=/etc/passwd"}, {"-m"}, {"-append"}, {""}}) {
    for (size_t i = 0; i <= good.command_line.size(); ++i) {
      GuestInfo guest = good;
      guest.command_line.insert(guest.command_line.begin() + static_cast<ptrdiff_t>(i), added.begin(), added.end());
      const std::string differences = joined(compare_command_line(guest));
      EXPECT_NE(differences.find("(nothing)"), std::string::npos) << i << ": " << differences;
    }
  }
}

TEST(RecordedCommand, MoreMemoryIsTheGuestsOwnChoiceButNotHowItIsWritten) {
  GuestInfo guest = recorded(machine());
  const auto memory = std::ranges::find(guest.command_line, "128M");
  *memory = "129M";
  EXPECT_EQ(joined(compare_command_line(guest)), "");
  for (const char* text : {"129", "129G", "0129M", " 129M", "129M,slots=2", "", "-1M", "99999999999999999999999M"}) {
    *memory = text;
    EXPECT_EQ(compare_command_line(guest).size(), 1U) << text;
  }
}

TEST(RecordedCommand, ShiftMustBeTheTracesOwn) {
  GuestInfo guest = recorded(machine());
  guest.icount_shift = 1;
  EXPECT_EQ(joined(compare_command_line(guest)),
            "command line, argument 20: recorded 'shift=0,sleep=off,align=off', this Reprise uses 'shift=1,sleep=off,align=off'\n");
}

// The MAC is copied from the trace into a -device option: commas in it would be options of their own.
TEST(RecordedCommand, MacMustBeOne) {
  for (const char* mac : {"52:54:00:00:00:01,romfile=/tmp/evil.rom", "", "52:54:00:00:00:0", "52:54:00:00:00:011", "52-54-00-00-00-01",
                          "52:54:00:00:00:0G", "52:54:00:00:00:0,"}) {
    GuestMachine guest = machine();
    guest.mac = mac;
    const std::string differences = joined(compare_command_line(recorded(guest)));
    EXPECT_NE(differences.find("is not a MAC address"), std::string::npos) << mac << ": " << differences;
  }
}

TEST(RecordedCommand, EmptyAndShortLinesAreNoTrouble) {
  GuestInfo guest = recorded(machine());
  const size_t composed = guest.command_line.size() - 2;  // without -initrd, which is taken from the trace
  guest.command_line.clear();
  EXPECT_EQ(compare_command_line(guest).size(), composed);
  guest.command_line = {"-append"};
  EXPECT_FALSE(compare_command_line(guest).empty());
}

}  // namespace
}  // namespace reprise
