// Programs on the host that ask a gateway for a connection, and such that mean no good.
#include "gateway/connection_broker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "recorder/socket_path.h"
#include "tests/gateway/collected_output.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

class ConnectionBrokerTest : public ::testing::Test {
 protected:
  ConnectionBrokerTest() : folder_fd_(open(folder_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    auto broker = ConnectionBroker::create(folder_fd_, "mantap.gateway");
    CHECK(broker.ok());
    broker_ = std::move(broker).value();
  }
  ~ConnectionBrokerTest() override {
    close(folder_fd_);
    for (const int fd : open_) {
      close(fd);
    }
  }
  int program() {
    open_.push_back(connect_to_socket(folder_ / "mantap.gateway").value());
    return open_.back();
  }
  void serve() {
    broker_->serve(
        [this](const GuestPort& to) -> Result<int> {
          asked_.push_back(to);
          return to.port == 22 ? Result<int>(dup(STDERR_FILENO)) : Error{ErrorKind::kUsage, "no such\nguest"};
        },
        output_);
  }
  /// Everything that the broker has said to `fd`, and "." when it hung up.
  static std::string heard(int fd) {
    char bytes[256];
    const ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return n > 0 ? std::string(bytes, static_cast<size_t>(n)) : n == 0 ? "." : "";
  }
  static void say(int fd, std::string_view text) {
    ASSERT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  const testing::TemporaryFolder folder_;
  int folder_fd_;
  std::unique_ptr<ConnectionBroker> broker_;
  testing::CollectedOutput output_;
  std::vector<GuestPort> asked_;
  std::vector<int> open_;
};

TEST_F(ConnectionBrokerTest, IsForItsUserAlone) {
  struct stat status {};
  ASSERT_EQ(stat((folder_ / "mantap.gateway").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(ConnectionBrokerTest, HandsOverADescriptor) {
  const int asking = program();
  Result<int> got = Error{ErrorKind::kRunFailed, "nothing yet"};
  std::thread program_side([&] { got = ask_for_connection(asking, {"172.16.0.10", 22}); });
  while (asked_.empty()) {
    serve();
  }
  program_side.join();
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(asked_, (std::vector<GuestPort>{{"172.16.0.10", 22}}));
  EXPECT_GE(fcntl(*got, F_GETFD), 0);
  close(*got);
  EXPECT_EQ(output_.lines, (std::vector<std::string>{"gateway: a connection to 172.16.0.10:22"}));
}

TEST_F(ConnectionBrokerTest, TheReasonOfARefusalIsHandedOn) {
  const int asking = program();
  say(asking, "172.16.0.10:23\n");
  serve();
  const Result<int> got = ask_for_connection(asking, {"172.16.0.10", 23});
  ASSERT_FALSE(got.ok());
  EXPECT_TRUE(output_.lines.empty());
  const int other = program();
  say(other, "172.16.0.10:23\n");
  serve();
  EXPECT_EQ(heard(other).substr(0, 14), "error no such\\") << "one line, whatever the reason is";
}

TEST_F(ConnectionBrokerTest, WhatIsNoRequestIsRefused) {
  for (const std::string& text :
       {std::string("\n"), std::string("172.16.0.10\n"), std::string("172.16.0.10:0\n"), std::string("172.16.0.10:65536\n"),
        std::string("172.16.0.10:22x\n"), std::string("::1:22\n"), std::string(64, 'x'), std::string("\0\n", 2)}) {
    const int asking = program();
    say(asking, text);
    serve();
    EXPECT_EQ(heard(asking).substr(0, 6), "error ") << text;
    EXPECT_EQ(heard(asking), ".");
  }
  EXPECT_TRUE(asked_.empty());
}

TEST_F(ConnectionBrokerTest, WhoIsSlowIsWaitedForAndWhoIsSilentMakesRoom) {
  const int slow = program();
  say(slow, "172.16.0.");
  serve();
  EXPECT_EQ(heard(slow), "");
  say(slow, "10:22\n");
  serve();
  EXPECT_EQ(heard(slow), "ok\n");

  const int silent = program();
  serve();
  for (int i = 0; i < 40; ++i) {
    program();
    serve();
  }
  EXPECT_EQ(heard(silent), ".");
  const int last = program();
  say(last, "172.16.0.10:22\n");
  serve();
  EXPECT_EQ(heard(last), "ok\n");
}

TEST_F(ConnectionBrokerTest, WhoHangsUpIsForgotten) {
  close(program());
  open_.pop_back();
  serve();
  serve();
  EXPECT_TRUE(asked_.empty());
}

}  // namespace
}  // namespace reprise
