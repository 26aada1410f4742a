// The TCP/IP stack, as a guest and as a program on the host see it.
#include "gateway/slirp_stack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "tests/gateway/collected_output.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

using Bytes = std::vector<uint8_t>;
const Bytes kOurMac = {0x52, 0x55, 172, 16, 0, 1};
const Bytes kGuestMac = {0x52, 0x54, 0, 0, 0, 1};
const Bytes kEverybody = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Guest 172.16.0.10 asks who has `last_octet` of the network, or says (operation 2) that it has 172.16.0.10.
Bytes arp(const Bytes& to, uint8_t operation, uint8_t last_octet) {
  return to + kGuestMac + Bytes{8, 6, 0, 1, 8, 0, 6, 4, 0, operation} + kGuestMac + Bytes{172, 16, 0, 10} + to +
         Bytes{172, 16, 0, last_octet};
}

uint16_t checksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i] << 8U | bytes[i + 1]);
  }
  while (sum >> 16U != 0) {
    sum = (sum & 0xffff) + (sum >> 16U);
  }
  return static_cast<uint16_t>(~sum);
}

/// A TCP segment that asks for a connection to 172.16.0.`last_octet`, port 80.
Bytes syn(const Bytes& to_mac, uint8_t last_octet) {
  Bytes ip = {0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 172, 16, 0, 10, 172, 16, 0, last_octet};
  const uint16_t ip_sum = checksum(ip);
  ip[10] = static_cast<uint8_t>(ip_sum >> 8U);
  ip[11] = static_cast<uint8_t>(ip_sum);
  Bytes tcp = {0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x10, 0, 0, 0, 0, 0};
  const uint16_t tcp_sum = checksum(Bytes{172, 16, 0, 10, 172, 16, 0, last_octet, 0, 6, 0, 20} + tcp);
  tcp[16] = static_cast<uint8_t>(tcp_sum >> 8U);
  tcp[17] = static_cast<uint8_t>(tcp_sum);
  return to_mac + kGuestMac + Bytes{8, 0} + ip + tcp;
}

class SlirpStackTest : public ::testing::Test {
 protected:
  SlirpStackTest() : folder_fd_(open(folder_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) { make({}); }
  ~SlirpStackTest() override { close(folder_fd_); }

  void make(std::vector<PortForward> forwards) {
    GatewayPlan plan{.name = "mantap", .address = "172.16.0.1/24", .mac = gateway_mac("172.16.0.1/24"), .forwards = std::move(forwards)};
    auto stack = SlirpStack::create(plan, folder_fd_);
    ASSERT_TRUE(stack.ok()) << stack.error().message;
    stack_ = std::move(stack).value();
  }
  /// The frames that leave after `frame` was delivered.
  std::vector<Bytes> answers(const Bytes& frame) {
    testing::CollectedOutput output;
    now_ = now_ + Duration{1'000'000};
    stack_->deliver(now_, frame);
    EXPECT_TRUE(stack_->exchange(now_, output).ok());
    return output.frames;
  }
  std::vector<Bytes> wait(int64_t ns) {
    testing::CollectedOutput output;
    now_ = now_ + Duration{ns};
    EXPECT_TRUE(stack_->exchange(now_, output).ok());
    return output.frames;
  }

  const testing::TemporaryFolder folder_;
  int folder_fd_;
  std::unique_ptr<SlirpStack> stack_;
  VirtualTime now_;
};

TEST_F(SlirpStackTest, HasItsAddressAndNoOther) {
  const std::vector<Bytes> answer = answers(arp(kEverybody, 1, 1));
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(Bytes(answer[0].begin(), answer[0].begin() + 12), kGuestMac + kOurMac);
  for (const uint8_t other : Bytes{2, 3, 15, 20, 254}) {
    EXPECT_TRUE(answers(arp(kEverybody, 1, other)).empty()) << int{other};
  }
}

// A switch floods what it does not know yet: libslirp would answer in the name of its receiver.
TEST_F(SlirpStackTest, KeepsOutOfWhatIsBetweenOthers) {
  answers(arp(kEverybody, 1, 1));
  EXPECT_TRUE(answers(syn({0x52, 0x54, 0, 0, 0, 2}, 11)).empty());
  EXPECT_TRUE(answers(syn(kEverybody, 11)).empty());
}

TEST_F(SlirpStackTest, RefusesWhatAGuestAsksOfIt) {
  answers(arp(kEverybody, 1, 1));
  for (const uint8_t last_octet : Bytes{1, 11}) {
    const std::vector<Bytes> answer = answers(syn(kOurMac, last_octet));
    ASSERT_EQ(answer.size(), 1U);
    constexpr size_t kTcpFlags = 14 + 20 + 13;
    constexpr int kReset = 4;
    EXPECT_EQ(answer[0].at(kTcpFlags) & kReset, kReset);
  }
}

TEST_F(SlirpStackTest, SurvivesAnyLengthOfAnyFrame) {
  for (const Bytes& whole : {arp(kEverybody, 1, 1), syn(kOurMac, 1)}) {
    for (size_t length = 0; length <= whole.size(); ++length) {
      answers(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)));
    }
  }
  EXPECT_EQ(answers(arp(kEverybody, 1, 1)).size(), 1U);
}

TEST_F(SlirpStackTest, AConnectionBeginsWithASegmentToTheGuest) {
  EXPECT_FALSE(stack_->in_use());
  const Result<int> connection = stack_->connect(now_, {"172.16.0.10", 22});
  ASSERT_TRUE(connection.ok()) << connection.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "what they met at is gone";
  const std::vector<Bytes> question = wait(0);
  ASSERT_EQ(question.size(), 1U);
  EXPECT_EQ(Bytes(question[0].end() - 4, question[0].end()), (Bytes{172, 16, 0, 10}));
  const std::vector<Bytes> first = answers(arp(kOurMac, 2, 1));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(Bytes(first[0].begin(), first[0].begin() + 14), kGuestMac + kOurMac + (Bytes{8, 0}));
  EXPECT_EQ(Bytes(first[0].begin() + 26, first[0].begin() + 34), (Bytes{172, 16, 0, 1, 172, 16, 0, 10}));
  EXPECT_EQ(Bytes(first[0].begin() + 36, first[0].begin() + 38), (Bytes{0, 22}));
  close(*connection);
}

// Nobody waits for an answer in the host's time: minutes of virtual time pass in no time.
TEST_F(SlirpStackTest, AGuestThatIsNotThereHangsUpAfterAMinuteOfVirtualTime) {
  const Result<int> connection = stack_->connect(now_, {"172.16.0.10", 22});
  ASSERT_TRUE(connection.ok());
  char byte = 0;
  int seconds = 0;
  while (recv(*connection, &byte, 1, MSG_DONTWAIT) < 0 && seconds < 600) {
    wait(1'000'000'000);
    ++seconds;
  }
  EXPECT_GT(seconds, 30);
  EXPECT_LT(seconds, 200);
  close(*connection);
}

}  // namespace
}  // namespace reprise
