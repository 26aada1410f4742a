#include "launcher/gateway_command.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(GatewayCommand, IsReadAsItWasWritten) {
  const GatewayPlan plan{.name = "mantap",
                         .address = "172.16.0.1/24",
                         .mac = "52:55:ac:10:00:01",
                         .forwards = {{"127.0.0.1", 2222, {"172.16.0.10", 22}}, {"127.0.0.2", 65535, {"172.16.0.11", 1}}},
                         .socket = {}};
  const Result<GatewayPlan> read = parse_gateway_arguments(gateway_arguments(plan));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->name, plan.name);
  EXPECT_EQ(read->address, plan.address);
  EXPECT_EQ(read->mac, plan.mac);
  EXPECT_EQ(read->forwards, plan.forwards);
  EXPECT_EQ(read->socket, "");
}

TEST(GatewayCommand, WhatIsIncompleteIsRefused) {
  using Words = std::vector<std::string>;
  for (const Words& words : {Words{}, Words{"-name"}, Words{"-name", "m"}, Words{"-name", "m", "-mac", "52:55:ac:10:00:01"},
                             Words{"-name", "m", "-mac", "x", "-address", "172.16.0.1/24"}, Words{"-trace", "t"}, Words{"-forward", "x"}}) {
    const Result<GatewayPlan> plan = parse_gateway_arguments(words);
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.error().kind, ErrorKind::kUsage);
  }
}

TEST(GatewayCommand, AllAddressesAreAHostsAndNoGuests) {
  const Result<PortForward> forward = parse_port_forward("0.0.0.0:2222-172.16.0.10:22");
  ASSERT_TRUE(forward.ok()) << forward.error().message;
  EXPECT_EQ(forward->host_address, "0.0.0.0");
  EXPECT_FALSE(is_loopback(forward->host_address));
  const Result<GuestPort> guest = parse_guest_port("0.0.0.0:22");
  ASSERT_FALSE(guest.ok());
  EXPECT_EQ(guest.error().message, "'0.0.0.0:22': 0.0.0.0 is no guest's address; want one such as 172.16.0.10:22");
  for (const char* text : {"0.0.0.0/0:22", "10.0.0.1/24:22", "10.0.0:22", "10.0.0.1:", "10.0.0.1:x"}) {
    EXPECT_FALSE(parse_guest_port(text).ok()) << text;
  }
}

TEST(GatewayCommand, KnowsWhatIsInANetwork) {
  EXPECT_TRUE(is_in_network("172.16.0.10", "172.16.0.1/24"));
  EXPECT_TRUE(is_in_network("172.16.0.10/16", "172.16.0.1/24"));
  EXPECT_FALSE(is_in_network("172.16.1.10", "172.16.0.1/24"));
  EXPECT_TRUE(is_in_network("172.16.1.10", "172.16.0.1/23"));
  EXPECT_TRUE(is_in_network("200.0.0.1", "128.0.0.1/1"));
  EXPECT_FALSE(is_in_network("10.0.0.1", "128.0.0.1/1"));
  EXPECT_TRUE(is_in_network("10.0.0.1", "10.0.0.1/32"));
  EXPECT_FALSE(is_in_network("10.0.0.2", "10.0.0.1/32"));
  for (const char* text : {"", "x", "172.16.0", "172.16.0.256", "::1"}) {
    EXPECT_FALSE(is_in_network(text, "172.16.0.1/24")) << text;
  }
  EXPECT_FALSE(is_in_network("172.16.0.10", "172.16.0.1"));
}

}  // namespace
}  // namespace reprise
