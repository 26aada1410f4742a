#include "recorder/console_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <list>
#include <string>

#include "recorder/live_folder.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

constexpr GuestIndex kAlice{0};
constexpr GuestIndex kBob{1};

/// The test is the clients, all in one thread.
class ConsoleServerTest : public ::testing::Test {
 protected:
  ConsoleServerTest() {
    auto live = LiveFolder::create(temporary_.path());
    CHECK(live.ok());
    live_.emplace(std::move(*live));
    auto server = ConsoleServer::create(live_->listen("console").value(), {{"alice"}, {"bob"}, {"actor", false}});
    CHECK(server.ok());
    server_ = std::move(*server);
  }
  ~ConsoleServerTest() override {
    for (const int fd : clients_) {
      close(fd);
    }
  }

  /// A client that has said `greeting`.
  int connect(const std::string& greeting) {
    clients_.push_back(connect_to_run(temporary_.path(), "console").value());
    CHECK(fcntl(clients_.back(), F_SETFL, O_NONBLOCK) == 0);
    say(clients_.back(), greeting);
    return clients_.back();
  }
  void say(int client, const std::string& text) {
    EXPECT_EQ(send(client, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    serve();
  }
  /// Until nothing more is to be done.
  void serve() {
    for (pollfd polled{.fd = server_->fd(), .events = POLLIN, .revents = 0}; poll(&polled, 1, 0) == 1;) {
      server_->serve();
    }
  }
  /// All that has come, and "<closed>" when the server has closed.
  std::string heard(int client) {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
      serve();
      const ssize_t n = recv(client, buffer.data(), buffer.size(), 0);
      if (n <= 0) {
        return text + (n == 0 ? "<closed>" : "");
      }
      text.append(buffer.data(), static_cast<size_t>(n));
    }
  }
  void print(GuestIndex guest, const std::string& text) {
    server_->printed(guest, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  std::string typed(GuestIndex guest, size_t most = ConsoleServer::kMostWaiting) {
    serve();
    const std::vector<uint8_t> bytes = server_->take_typed(guest, most);
    return {bytes.begin(), bytes.end()};
  }

  const testing::TemporaryFolder temporary_;
  std::optional<LiveFolder> live_;
  std::unique_ptr<ConsoleServer> server_;
  std::list<int> clients_;
};

TEST_F(ConsoleServerTest, CarriesBothWays) {
  print(kAlice, "login: ");
  const int alice = connect("console alice\n");
  EXPECT_EQ(heard(alice), "ok\nlogin: ") << "what was printed before is shown too";
  say(alice, "root\n");
  EXPECT_EQ(typed(kBob), "");
  EXPECT_EQ(typed(kAlice, 3), "roo");
  EXPECT_EQ(typed(kAlice), "t\n");
  print(kAlice, "# ");
  print(kBob, "not for alice");
  EXPECT_EQ(heard(alice), "# ");
}

TEST_F(ConsoleServerTest, TheGreetingMayComeInPiecesAndWithTheFirstKeys) {
  const int alice = connect("cons");
  EXPECT_EQ(heard(alice), "");
  say(alice, "ole alice\nls\n");
  EXPECT_EQ(heard(alice), "ok\n");
  EXPECT_EQ(typed(kAlice), "ls\n");
}

TEST_F(ConsoleServerTest, TwoAtOneConsoleSeeAndTypeTheSame) {
  const int first = connect("console alice\n");
  const int second = connect("console alice\n");
  say(first, "a");
  say(second, "b");
  EXPECT_EQ(typed(kAlice), "ab");
  print(kAlice, "ab");
  EXPECT_EQ(heard(first), "ok\nab");
  EXPECT_EQ(heard(second), "ok\nab");
}

TEST_F(ConsoleServerTest, SaysWhyNot) {
  EXPECT_EQ(heard(connect("console carol\n")), "error no guest 'carol' in this run; it has alice bob actor\n<closed>");
  EXPECT_EQ(heard(connect("console actor\n")),
            "error guest 'actor' is a native process, which has no console; 'reprise dump --follow' shows what it writes\n<closed>");
  EXPECT_EQ(heard(connect("GET / HTTP/1.1\n")), "error this is no console of this release of Reprise\n<closed>");
  EXPECT_EQ(heard(connect(std::string(300, 'x'))), "error this is no console of this release of Reprise\n<closed>");
  for (size_t i = 0; i < ConsoleServer::kMostClients; ++i) {
    EXPECT_EQ(heard(connect("console alice\n")), "ok\n");
  }
  EXPECT_EQ(heard(connect("")), "error 16 consoles are open, which is the most\n<closed>");
  close(clients_.front());
  clients_.pop_front();
}

TEST_F(ConsoleServerTest, WhoPastesTooMuchIsNotReadUntilThereIsRoom) {
  const int alice = connect("console alice\n");
  EXPECT_EQ(heard(alice), "ok\n");
  const std::string paste(3 * ConsoleServer::kMostWaiting, 'x');
  say(alice, paste);
  std::string got;
  for (int i = 0; i < 3; ++i) {
    const std::string part = typed(kAlice, size_t{1} << 20U);
    EXPECT_EQ(part.size(), ConsoleServer::kMostWaiting);
    got += part;
  }
  EXPECT_EQ(got, paste);
  EXPECT_EQ(typed(kAlice), "");
}

TEST_F(ConsoleServerTest, WhoDoesNotReadMissesSome) {
  const int alice = connect("console alice\n");
  const std::string block(16384, 'x');
  for (int i = 0; i < 100; ++i) {
    print(kAlice, block);
  }
  print(kAlice, "the end");
  const std::string text = heard(alice);
  EXPECT_NE(text.find("[reprise: some output is left out here]"), std::string::npos);
  EXPECT_TRUE(text.ends_with("the end"));
}

TEST_F(ConsoleServerTest, AClientMayStopTypingAndGoOnLooking) {
  const int alice = connect("console alice\nexit\n");
  shutdown(alice, SHUT_WR);
  serve();
  EXPECT_EQ(typed(kAlice), "exit\n");
  print(kAlice, "bye");
  EXPECT_EQ(heard(alice), "ok\nbye");
  print(kAlice, " bye");
  server_->ended(kAlice);
  EXPECT_EQ(heard(alice), " bye<closed>");
}

TEST_F(ConsoleServerTest, AClientThatGoesIsForgotten) {
  connect("console alice\nls");
  close(clients_.back());
  clients_.pop_back();
  serve();
  EXPECT_EQ(typed(kAlice), "ls") << "what it has typed is typed";
  print(kAlice, "nobody looks");
  pollfd polled{.fd = server_->fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, 0), 0) << "and nothing keeps the recorder busy";
}

TEST_F(ConsoleServerTest, AConsoleOfAGuestThatHasEndedShowsItsLastWords) {
  print(kAlice, "System halted");
  server_->ended(kAlice);
  EXPECT_EQ(heard(connect("console alice\n")), "ok\nSystem halted<closed>");
}

}  // namespace
}  // namespace reprise
