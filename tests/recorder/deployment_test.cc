#include "recorder/deployment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// A folder with `vmlinux`, `guest.cpio` and a deployment; guests/ beside it has `demo`.
class DeploymentTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::canonical(testing::TempDir()) / fmt::format("deployment_{}", getpid());
    fs::create_directories(folder_ / "guests");
    for (const char* name : {"vmlinux", "guest.cpio", "guests/demo"}) {
      std::ofstream(folder_ / name) << "x";
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<Deployment> parse_text(const std::string& text) {
    std::ofstream(folder_ / "deployment.xml", std::ios::binary) << text;
    return parse_deployment(folder_ / "deployment.xml", folder_ / "guests");
  }

  /// `body` begins in line 4.
  Result<Deployment> parse(const std::string& body) {
    return parse_text(
        "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n<platform version=\"4.1\">\n" + body +
        "\n</platform>\n");
  }

  /// One guest with a kernel (line 4) and `props`, which begin in line 5.
  Result<Deployment> parse_props(const std::string& props) {
    return parse("<actor host=\"node-0\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/>\n" + props + "\n</actor>");
  }

  void expect_error(const Result<Deployment>& result, int line, const std::string& part) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
    EXPECT_EQ(result.error().message.rfind(fmt::format("{}:{}: ", (folder_ / "deployment.xml").string(), line), 0), 0u)
        << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  }

  void expect_bad_prop(const std::string& id, const std::string& value, const std::string& part) {
    SCOPED_TRACE(id + "=" + value);
    expect_error(parse_props("<prop id=\"" + id + "\" value=\"" + value + "\"/>"), 5, part);
  }

  fs::path folder_;
};

constexpr const char* kGoodActor = "<actor host=\"node-0\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/></actor>";

TEST_F(DeploymentTest, ReadsAllProperties) {
  auto result = parse(
      "<!-- two guests -->\n"
      "<actor host=\"node-0\" function=\"qemu_guest\">\n"
      "  <prop id=\"name\" value=\"alice\"/> <prop id=\"address\" value=\"10.0.0.1/24\"/>\n"
      "  <prop id=\"kernel\" value=\"vmlinux\"/> <prop id=\"initrd\" value=\"${REPRISE_GUESTS}/demo\"/>\n"
      "  <prop id=\"append\" value=\"quiet a=&quot;b c&quot;\"/> <prop id=\"memory\" value=\"1G\"/> <prop id=\"cpus\" value=\"1\"/>\n"
      "  <prop id=\"nic\" value=\"virtio-net\"/> <prop id=\"mac\" value=\"52:54:00:AB:CD:EF\"/> <prop id=\"icount-shift\" value=\"3\"/>\n"
      "</actor>\n"
      "<actor function=\"qemu_guest\" host=\"node-1\"><prop id=\"kernel\" value=\"./guests/../vmlinux\"/></actor>");
  ASSERT_TRUE(result.ok()) << result.error().message;
  ASSERT_EQ(result->guests.size(), 2u);
  const DeployedGuest& alice = result->guests[0];
  EXPECT_EQ(alice.host, "node-0");
  EXPECT_EQ(alice.line, 5);
  EXPECT_EQ(alice.machine.name, "alice");
  EXPECT_EQ(alice.machine.address, "10.0.0.1/24");
  EXPECT_EQ(alice.machine.kernel, folder_ / "vmlinux");
  EXPECT_EQ(alice.machine.initrd, folder_ / "guests/demo");
  EXPECT_EQ(alice.machine.append, "quiet a=\"b c\"");
  EXPECT_EQ(alice.machine.memory_mib, 1024u);
  EXPECT_EQ(alice.machine.nic, NicModel::kVirtioNet);
  EXPECT_EQ(alice.machine.mac, "52:54:00:ab:cd:ef");
  EXPECT_EQ(alice.machine.icount_shift, 3u);
  const DeployedGuest& other = result->guests[1];
  EXPECT_EQ(other.machine.name, "node-1");
  EXPECT_EQ(other.machine.mac, "52:54:00:00:00:02");
  EXPECT_EQ(other.machine.kernel, folder_ / "vmlinux");
  EXPECT_EQ(other.machine.memory_mib, 128u);
  EXPECT_EQ(other.machine.nic, NicModel::kE1000);
  EXPECT_TRUE(other.machine.initrd.empty());
  EXPECT_EQ(result->text.rfind("<?xml", 0), 0u);
}

TEST_F(DeploymentTest, ValuesAtTheirLimits) {
  for (const char* props :
       {"<prop id=\"memory\" value=\"32M\"/>", "<prop id=\"memory\" value=\"64G\"/>", "<prop id=\"icount-shift\" value=\"10\"/>",
        "<prop id=\"address\" value=\"255.255.255.255/32\"/>", "<prop id=\"nic\" value=\"vmxnet3\"/>"}) {
    auto result = parse_props(props);
    EXPECT_TRUE(result.ok()) << props << ": " << result.error().message;
  }
}

TEST_F(DeploymentTest, BadValues) {
  expect_bad_prop("name", "a b", "1 to 63");
  expect_bad_prop("name", "", "1 to 63");
  expect_bad_prop("name", std::string(64, 'a'), "1 to 63");
  expect_bad_prop("address", "10.0.0.1", "prefix length");
  expect_bad_prop("address", "10.0.0.256/24", "prefix length");
  expect_bad_prop("address", "10.0.0.1/33", "prefix length");
  expect_bad_prop("address", "10.0.0.01/24", "prefix length");
  expect_bad_prop("address", "fe80::1/64", "IPv4");
  expect_bad_prop("memory", "128", "unit M");
  expect_bad_prop("memory", "31M", "32M to 64G");
  expect_bad_prop("memory", "65G", "32M to 64G");
  expect_bad_prop("memory", "18446744073709551615G", "32M to 64G");
  expect_bad_prop("memory", "-1G", "whole number");
  expect_bad_prop("memory", "M", "whole number");
  expect_bad_prop("cpus", "2", "have not been shown deterministic");
  expect_bad_prop("cpus", "0", "want 1");
  expect_bad_prop("nic", "rtl8139", "not shown deterministic under icount; allowed are e1000, vmxnet3 and virtio-net");
  expect_bad_prop("mac", "52:54:00:00:00", "six pairs");
  expect_bad_prop("mac", "52-54-00-00-00-01", "six pairs");
  expect_bad_prop("mac", "01:00:5e:00:00:01", "unicast");
  expect_bad_prop("mac", "00:00:00:00:00:00", "unicast");
  expect_bad_prop("icount-shift", "11", "0 to 10");
  expect_bad_prop("icount-shift", "auto", "0 to 10");
  expect_bad_prop("append", std::string(2000, 'x'), "2000 bytes");
  expect_bad_prop("append", "a&#10;b", "control character");
}

TEST_F(DeploymentTest, Files) {
  expect_bad_prop("initrd", "nowhere.cpio", "No such file or directory");
  expect_bad_prop("initrd", "", "names no file");
  expect_bad_prop("initrd", "guests", "not a regular file");
  expect_bad_prop("initrd", "${HOME}/x", "unknown variable");
  expect_error(parse("<actor host=\"node-0\" function=\"qemu_guest\">\n</actor>"), 4, "lacks <prop id=\"kernel\"");
}

TEST_F(DeploymentTest, RootAndSeed) {
  std::ofstream(folder_ / "root.ext4") << "x";
  fs::resize_file(folder_ / "root.ext4", 3 * kImageGrain);
  const auto result = parse_props("<prop id=\"root\" value=\"root.ext4\"/> <prop id=\"seed\" value=\"guests\"/>");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->guests[0].machine.root, folder_ / "root.ext4");
  EXPECT_EQ(result->guests[0].machine.root_bytes, 3 * kImageGrain);
  EXPECT_EQ(result->guests[0].machine.seed, folder_ / "guests");
  EXPECT_TRUE(parse_props("<prop id=\"seed\" value=\"vmlinux\"/>").ok()) << "an image, for all that is known here";
  expect_bad_prop("root", "vmlinux", "has 1 bytes; the image of a file system must be a whole number of 2 MiB");
  expect_bad_prop("root", "guests", "not a regular file");
  expect_bad_prop("root", "nowhere", "No such file");
  expect_bad_prop("seed", "nowhere", "No such file");
  expect_bad_prop("seed", "/dev/null", "neither an ISO image nor a folder");
  fs::resize_file(folder_ / "root.ext4", 0);
  expect_bad_prop("root", "root.ext4", "has 0 bytes");
}

TEST_F(DeploymentTest, GuestsFolderMustBeKnownToBeUsed) {
  std::ofstream(folder_ / "deployment.xml") << "<platform version=\"4.1\"><actor host=\"n\" function=\"qemu_guest\">"
                                               "<prop id=\"kernel\" value=\"${REPRISE_GUESTS}/demo\"/></actor></platform>";
  expect_error(parse_deployment(folder_ / "deployment.xml", ""), 1, "not known");
}

TEST_F(DeploymentTest, UnknownThings) {
  expect_bad_prop("kernal", "vmlinux", "unknown property 'kernal' (did you mean 'kernel'?)");
  expect_error(parse_props("<prop id=\"nic\" value=\"e1000\" extra=\"1\"/>"), 5, "unknown attribute 'extra' of <prop>");
  expect_error(parse_props("<prop id=\"nic\"/>"), 5, "lacks");
  expect_error(parse_props("<argument value=\"1\"/>"), 5, "unknown element <argument>");
  expect_error(parse_props("\nstray text"), 6, "text between elements");
  expect_error(parse_props("<prop id=\"nic\" value=\"e1000\">text</prop>"), 5, "nothing but its attributes");
  expect_error(parse("<host id=\"h\" speed=\"1Gf\"/>"), 4, "platform file");
  expect_error(parse("<actor host=\"node-0\" function=\"qemu_gest\"/>"), 4, "did you mean 'qemu_guest'?");
  expect_error(parse("<actor host=\"node-0\"/>"), 4, "function");
  expect_error(parse("<actor function=\"qemu_guest\"/>"), 4, "host");
  expect_error(parse("<actor hots=\"node-0\" function=\"qemu_guest\"/>"), 4, "unknown attribute 'hots'");
  expect_error(parse("\n\n<process host=\"node-0\" function=\"qemu_guest\"/>"), 6, "write <actor");
  expect_error(parse("<config><prop id=\"a\" value=\"b\"/></config>"), 4, "--cfg");
}

TEST_F(DeploymentTest, SimgridsTimesOfActorsAreRefusedWithAReason) {
  expect_error(parse("<actor host=\"n\" function=\"qemu_guest\" start_time=\"5\"/>"), 4, "powered on at virtual time 0");
  expect_error(parse("<actor host=\"n\" function=\"qemu_guest\" kill_time=\"5\"/>"), 4, "--until");
  expect_error(parse("<actor host=\"n\" function=\"qemu_guest\" on_failure=\"RESTART\"/>"), 4, "not restarted");
}

TEST_F(DeploymentTest, Duplicates) {
  const std::string second = "\n<actor host=\"node-1\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/>";
  expect_error(parse_props("<prop id=\"nic\" value=\"e1000\"/>\n<prop id=\"nic\" value=\"e1000\"/>"), 6, "was given before, in line 5");
  expect_error(parse(kGoodActor + second + "<prop id=\"name\" value=\"node-0\"/></actor>"), 5, "exists already, in line 4");
  expect_error(parse(kGoodActor + second + "<prop id=\"mac\" value=\"52:54:00:00:00:01\"/></actor>"), 5,
               "that guest 'node-0' in line 4 has");
  expect_error(
      parse(
          "<actor host=\"n\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/><prop id=\"mac\" value=\"52:54:00:00:00:02\"/>"
          "</actor>" +
          second + "</actor>"),
      5, "assigned MAC 52:54:00:00:00:02");
}

TEST_F(DeploymentTest, HostsNameMustServeAsAName) {
  expect_error(parse("<actor host=\"node 0\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/></actor>"), 4,
               "cannot serve as the guest's name");
}

TEST_F(DeploymentTest, TheRoot) {
  expect_error(parse(""), 3, "no guest");
  expect_error(parse_text("<deployment/>"), 1, "want <platform");
  expect_error(parse_text("\n<platform version=\"3\"></platform>"), 2, "version '3'");
  expect_error(parse_text("<platform></platform>"), 1, "version");
  expect_error(parse_text("<platform version=\"4.1\" name=\"x\"></platform>"), 1, "unknown attribute 'name'");
  expect_error(parse_text(std::string("<platform version=\"4.1\">") + kGoodActor + "</platform>\n<platform/>"), 2, "only one");
}

TEST_F(DeploymentTest, HostileFiles) {
  expect_error(parse_text(""), 1, "empty");
  expect_error(parse_text("<!-- nothing -->"), 1, "no XML element");
  expect_error(parse_text(std::string("<platform version=\"4.1\">\n") + kGoodActor + "</platform>" + std::string(1, '\0') + "tail"), 2,
               "NUL");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "<a>";
  }
  expect_error(parse_text(deep), 1, "nested too deeply");
  expect_error(parse_text("<!DOCTYPE platform [\n<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<platform version=\"4.1\"/>"), 2,
               "entity declarations");
  expect_error(parse_text("<!DOCTYPE platform [ ]>\n<platform version=\"4.1\"/>"), 1, "DOCTYPE");
  expect_error(parse("<actor host=\"a\" host=\"b\" function=\"qemu_guest\"/>"), 4, "twice");
  expect_error(parse("<actor host=\"a\" function=\"qemu_guest\">"), 4, "not well-formed");
  const auto large = parse_text(std::string((16 << 20) + 1, ' '));
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message.find("larger than 16 MiB"), std::string::npos) << large.error().message;
}

TEST_F(DeploymentTest, CharactersThatAreNone) {
  for (const char* reference : {"&#0;", "&#x0;", "&#00000;", "&#xd800;", "&#x110000;", "&#4294967296;", "&#;", "&#x;", "&#65", "&#-1;"}) {
    SCOPED_TRACE(reference);
    expect_bad_prop("append", std::string("a") + reference + "b", "character reference");
  }
  const auto good = parse_props("<prop id=\"append\" value=\"&#65;&#x42;&#xe9;\"/>");
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->guests[0].machine.append, "AB\xc3\xa9");
  for (const char* bytes :
       {"\xe9", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\x80"}) {
    expect_bad_prop("append", std::string("a") + bytes, "not UTF-8");
  }
  EXPECT_TRUE(parse_props("<prop id=\"append\" value=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"/>").ok());
}

TEST_F(DeploymentTest, NamesOfOthersReachNoTerminalAsTheyAre) {
  const auto expect_harmless = [&](const std::string& body, const std::string& part) {
    const auto result = parse(body);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().message.find('\x1b'), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
    EXPECT_LT(result.error().message.size(), 1000u);
  };
  const std::string evil = "&#27;[2J";
  expect_harmless("<actor host=\"" + evil + "\" function=\"qemu_guest\"/>", "host '\\x1b[2J' holds characters that cannot be printed");
  expect_harmless("<actor host=\"h\" function=\"" + evil + "\"/>", "unknown function '\\x1b[2J'");
  expect_harmless("<actor host=\"h\" function=\"qemu_guest\"><prop id=\"" + evil + "\" value=\"\"/></actor>", "property '\\x1b[2J'");
  expect_harmless("<actor host=\"h\" function=\"qemu_guest\"><prop id=\"name\" value=\"../a\"/></actor>", "name '../a': 1 to 63");
  expect_harmless("<" + std::string(5000, 'a') + "/>", "aaa...>");
  expect_harmless("<actor " + std::string(5000, 'a') + "=\"\"/>", "aaa...'");
  expect_harmless("<actor host=\"" + std::string(5000, ' ') + "\" function=\"qemu_guest\"/>", "cannot serve");
}

TEST_F(DeploymentTest, TooManyGuests) {
  std::string body;
  for (int i = 0; i < 257; ++i) {
    body += fmt::format("<actor host=\"h{}\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/></actor>\n", i);
  }
  expect_error(parse(body), 4 + 256, "more than 256");
}

TEST_F(DeploymentTest, FileThatIsNotThere) {
  const auto missing = parse_deployment(folder_ / "none.xml", "");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kUsage);
  EXPECT_NE(missing.error().message.find("none.xml: cannot be read: No such file"), std::string::npos) << missing.error().message;
  const auto folder = parse_deployment(folder_, "");
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.error().message.find("is a folder"), std::string::npos);
}

TEST_F(DeploymentTest, RelativeDeploymentPath) {
  ASSERT_TRUE(parse(kGoodActor).ok());
  const auto before = fs::current_path();
  fs::current_path(folder_);
  const auto result = parse_deployment("deployment.xml", "");
  fs::current_path(before);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->guests[0].machine.kernel, folder_ / "vmlinux");
}

TEST_F(DeploymentTest, OutagesAreNoGuests) {
  const auto parsed = parse(std::string(kGoodActor) +
                            "\n<actor host=\"node-0\" function=\"outage\"><prop id=\"down\" value=\"2s\"/></actor>"
                            "\n<actor host=\"x\" function=\"outage\"><prop id=\"link\" value=\"l\"/><prop id=\"down\" value=\"0s\"/>"
                            "<prop id=\"up\" value=\"1ms\"/></actor>");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->guests.size(), 1U);
  ASSERT_EQ(parsed->outages.size(), 2U);
  const Outage& host = parsed->outages[0];
  EXPECT_TRUE(host.of == Outage::Of::kHost && host.name == "node-0" && host.down.ns == 2'000'000'000 && host.up == VirtualTime::never());
  EXPECT_EQ(host.description, (folder_ / "deployment.xml").string() + ":5: outage");
  const Outage& link = parsed->outages[1];
  EXPECT_TRUE(link.of == Outage::Of::kLink && link.name == "l" && link.down.ns == 0 && link.up.ns == 1'000'000);
}

TEST_F(DeploymentTest, WrongOutagesNameTheirLine) {
  const auto outage = [&](const std::string& props) {
    return parse(std::string(kGoodActor) + "\n<actor host=\"node-0\" function=\"outage\">\n" + props + "</actor>");
  };
  expect_error(outage(""), 5, "lacks its beginning");
  expect_error(outage("<prop id=\"down\" value=\"2\"/>"), 6, "the unit is missing");
  expect_error(outage("<prop id=\"down\" value=\"2s\"/><prop id=\"up\" value=\"2s\"/>"), 5, "must be later");
  expect_error(outage("<prop id=\"down\" value=\"2s\"/><prop id=\"down\" value=\"3s\"/>"), 6, "was given before");
  const auto long_time = outage("<prop id=\"down\" value=\"" + std::string(100'000, '7') + "\"/>");
  expect_error(long_time, 6, "is not a time");
  EXPECT_LT(long_time.error().message.size(), 1000U);
  expect_error(outage("<prop id=\"lnik\" value=\"l\"/>"), 6, "unknown property 'lnik' of an outage");
  expect_error(parse("<actor host=\"h\" function=\"outage\"><prop id=\"down\" value=\"2s\"/></actor>"), 3, "no guest");
  expect_error(parse("<actor host=\"h\" function=\"outag\"/>"), 4, "did you mean 'outage'?");
}

}  // namespace
}  // namespace reprise
