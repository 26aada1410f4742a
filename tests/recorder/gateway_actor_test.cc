// Gateways in deployment.xml.
#include "recorder/gateway_actor.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "recorder/deployment.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

class GatewayActorTest : public ::testing::Test {
 protected:
  GatewayActorTest() { std::ofstream(folder_ / "vmlinux") << "x"; }
  Result<Deployment> parse(const std::string& properties, bool guest = true) {
    std::ofstream(folder_ / "deployment.xml")
        << "<platform version=\"4.1\">\n<actor host=\"edge\" function=\"gateway\">" + properties + "</actor>\n" +
               (guest ? "<actor host=\"a\" function=\"qemu_guest\"><prop id=\"kernel\" value=\"vmlinux\"/></actor>\n" : "") +
               "</platform>\n";
    return parse_deployment(folder_ / "deployment.xml", {});
  }
  static std::string prop(const std::string& id, const std::string& value) { return "<prop id=\"" + id + "\" value=\"" + value + "\"/>"; }
  void expect_error(const std::string& properties, const std::string& part) {
    const auto result = parse(properties);
    ASSERT_FALSE(result.ok()) << properties;
    EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
    EXPECT_NE(result.error().message.find("deployment.xml:2: "), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  }
  const testing::TemporaryFolder folder_;
};

const std::string kAddress = R"(<prop id="address" value="172.16.0.1/24"/>)";

TEST_F(GatewayActorTest, IsReadWithItsForwards) {
  const auto result =
      parse(kAddress + prop("name", "mantap") + prop("forward", "127.0.0.1:2222-172.16.0.10:22, 127.9.9.9:8080-172.16.0.11:80"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  const DeployedGuest& gateway = result->guests[0];
  EXPECT_EQ(gateway.kind(), GuestKind::kGateway);
  EXPECT_EQ(gateway.machine.name, "mantap");
  EXPECT_EQ(gateway.machine.mac, "52:55:ac:10:00:01");
  ASSERT_EQ(gateway.gateway->forwards.size(), 2U);
  EXPECT_EQ(gateway.gateway->forwards[1], (PortForward{"127.9.9.9", 8080, {"172.16.0.11", 80}}));
  EXPECT_EQ(result->guests[1].kind(), GuestKind::kQemu);
  EXPECT_EQ(result->guests[1].machine.mac, "52:54:00:00:00:02");
  EXPECT_TRUE(check_exposure(*result).ok());
}

TEST_F(GatewayActorTest, MayBeLeftToAnotherProgram) {
  const auto result = parse(prop("socket", "passt.socket"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->guests[0].gateway->socket, (std::filesystem::absolute(folder_ / "passt.socket")).string());
  EXPECT_EQ(result->guests[0].machine.name, "edge");
  EXPECT_EQ(result->guests[0].machine.mac, "52:54:00:00:00:01");
}

TEST_F(GatewayActorTest, OnlyThisMachineIsLetIn) {
  for (const char* address : {"0.0.0.0", "0.0.0.1", "192.168.1.5", "128.0.0.1", "126.255.255.255"}) {
    const auto result = parse(kAddress + prop("forward", std::string(address) + ":2222-172.16.0.10:22"));
    ASSERT_TRUE(result.ok()) << result.error().message;
    const Status status = check_exposure(*result);
    ASSERT_FALSE(status.ok()) << address;
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_NE(status.error().message.find("deployment.xml:2: forward '" + std::string(address)), std::string::npos)
        << status.error().message;
    EXPECT_NE(status.error().message.find("--expose-gateway"), std::string::npos);
  }
}

TEST_F(GatewayActorTest, NamesWhatIsWrong) {
  expect_error("", "a gateway needs <prop id=\"address\"");
  expect_error(prop("address", "172.16.0.1"), "want an IPv4 address with prefix length");
  expect_error(kAddress + prop("mac", "52:54:00:00:00:07"), "follows from its address and is 52:55:ac:10:00:01");
  expect_error(kAddress + prop("kernel", "vmlinux"), "property 'kernel' is none of a gateway");
  expect_error(kAddress + prop("foward", "x"), "did you mean 'forward'");
  expect_error(kAddress + prop("forward", ""), "forward: 0 of them");
  expect_error(kAddress + prop("forward", "2222-172.16.0.10:22"), "'2222' is not an IPv4 address and a port");
  expect_error(kAddress + prop("forward", "127.0.0.1:2222"), "want HOST-ADDRESS:PORT-GUEST-ADDRESS:PORT");
  expect_error(kAddress + prop("forward", "127.0.0.1:0-172.16.0.10:22"), "'127.0.0.1:0' is not");
  expect_error(kAddress + prop("forward", "127.0.0.1:2222-172.16.0.10:65536"), "'172.16.0.10:65536' is not");
  expect_error(kAddress + prop("forward", "localhost:2222-172.16.0.10:22"), "'localhost:2222' is not");
  expect_error(kAddress + prop("forward", "127.0.0.1:2222-0.0.0.0:22"), "'0.0.0.0:22': 0.0.0.0 is no guest's address");
  expect_error(kAddress + prop("forward", "127.0.0.1:2222-10.0.0.10:22"), "10.0.0.10 is not in the gateway's network 172.16.0.1/24");
  expect_error(prop("socket", "s") + prop("forward", "127.0.0.1:2222-172.16.0.10:22"), "remove 'forward'");
  expect_error(prop("socket", ""), "want the path of a Unix socket");
}

TEST_F(GatewayActorTest, AloneIsNoRun) {
  const auto result = parse(kAddress, false);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("no guest"), std::string::npos);
}

}  // namespace
}  // namespace reprise
