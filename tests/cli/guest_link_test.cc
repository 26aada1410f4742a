#include "cli/guest_link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "gateway/connection_broker.h"
#include "recorder/live_folder.h"
#include "tests/gateway/collected_output.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

/// A gateway whose guest refuses the first `refusals` connections. Then its server needs 20 ms for its first word.
class SlowlyStartingGuest {
 public:
  SlowlyStartingGuest(const std::filesystem::path& run, int refusals) : refusals_(refusals) {
    const int folder = open((run / live_folder_name()).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto broker = ConnectionBroker::create(folder, gateway_socket_name("gw"));
    CHECK(broker.ok());
    broker_ = std::move(broker).value();
    close(folder);
    thread_ = std::thread([this] { serve(); });
  }
  ~SlowlyStartingGuest() {
    done_ = true;
    thread_.join();
  }
  SlowlyStartingGuest(const SlowlyStartingGuest&) = delete;
  SlowlyStartingGuest& operator=(const SlowlyStartingGuest&) = delete;

 private:
  void serve() {
    testing::CollectedOutput output;
    while (!done_) {
      int server = -1;
      broker_->serve(
          [&](const GuestPort& /*to*/) {
            int ends[2];
            CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
            server = ends[1];
            return Result<int>(ends[0]);
          },
          output);
      if (server < 0) {
        continue;
      }
      if (refusals_-- <= 0) {
        poll(nullptr, 0, 20);
        [[maybe_unused]] const ssize_t sent = send(server, "SSH-2.0", 7, MSG_NOSIGNAL);
      }
      close(server);
    }
  }

  int refusals_;
  std::atomic<bool> done_ = false;
  std::unique_ptr<ConnectionBroker> broker_;
  std::thread thread_;
};

TEST(GuestLinkTest, ServerThatComesUpAfterManyRefusalsIsWaitedFor) {
  const testing::TemporaryFolder run;
  const auto live = LiveFolder::create(run.path());
  ASSERT_TRUE(live.ok());
  const SlowlyStartingGuest guest(run.path(), 100);
  const GuestLink link{.guest = "vm", .run = run.path(), .gateway = "gw", .to = {"172.16.0.10", 22}};
  const Status up = wait_for_server(link, std::chrono::seconds(10), std::chrono::milliseconds(0));
  EXPECT_TRUE(up.ok()) << up.error().message;
}

}  // namespace
}  // namespace reprise
