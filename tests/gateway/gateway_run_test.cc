// The built program with a gateway: a guest that speaks to it, programs on the host that come in, and ends of all kinds.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "gateway/connection_broker.h"
#include "gateway/frame_stream.h"
#include "recorder/socket_path.h"
#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

const std::string kGateway = R"(<prop id="name" value="mantap"/><prop id="address" value="172.16.0.1/24"/>)";

/// A guest, 172.16.0.10, and a gateway 1 ms from it.
void deploy(const GuestRun& run, const std::string& gateway, const std::string& append) {
  run.write("platform.xml", R"(<?xml version="1.0"?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1"><zone id="z" routing="Full"><host id="a" speed="1Gf"/><host id="edge" speed="1Gf"/>
<link id="l" bandwidth="1Gbps" latency="1ms"/><route src="a" dst="edge"><link_ctn id="l"/></route></zone></platform>
)");
  run.write("deployment.xml", fmt::format(R"(<platform version="4.1">
<actor host="edge" function="gateway">{}</actor>
<actor host="a" function="qemu_guest"><prop id="name" value="alice"/><prop id="address" value="172.16.0.10/24"/>
<prop id="kernel" value="${{REPRISE_GUESTS}}/vmlinux"/><prop id="initrd" value="${{REPRISE_GUESTS}}/guest.cpio"/>
<prop id="nic" value="vmxnet3"/><prop id="append" value="{}"/></actor></platform>
)",
                                          gateway, append));
}

/// The gateway's process of this run.
std::vector<pid_t> gateways_of(const fs::path& folder) {
  std::vector<pid_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string command = file_text(entry.path() / "cmdline");
    if (command.find("/reprise_gateway") != std::string::npos && command.find(folder.string()) != std::string::npos) {
      found.push_back(std::stoi(entry.path().filename()));
    }
  }
  return found;
}

TEST(GatewayRun, AnswersAGuestTheSameWayInEveryRun) {
  const GuestRun run;
  deploy(run, kGateway, "run=ping:172.16.0.1:5");
  ASSERT_TRUE(run.record("a.trace", {"--console", run.path("consoles")}));
  EXPECT_NE(file_text(run.folder() / "consoles" / "alice.log").find("ping: 5 sent, 5 received"), std::string::npos);
  ASSERT_TRUE(run.record("b.trace", {"--realtime", "5"}));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));

  const Outcome replay = run.replay("a.trace");
  EXPECT_TRUE(replays_identically(replay, 1));
  EXPECT_NE(replay.out.find("mantap: a gateway: nothing to run"), std::string::npos) << replay.out;
  EXPECT_TRUE(exits(run_reprise({"verify", run.path("a.trace")}), 0));
  const Outcome dump = run_reprise({"dump", run.path("a.trace"), "--guest", "mantap", "--kind", "frame"});
  EXPECT_TRUE(exits(dump, 0));
  EXPECT_NE(dump.out.find("mantap frame #1 sent mantap/0 64 bytes 52:55:ac:10:00:01 > 52:54:00:00:00:02 0x0806"), std::string::npos)
      << dump.out;
  const auto guests = json_of(run_reprise({"info", run.path("a.trace"), "--json"}))["guests"];
  EXPECT_EQ(guests[0]["kind"], "gateway");
  EXPECT_FALSE(fs::exists(run.path("a.trace.partial"))) << "the socket has gone with the run";
}

TEST(GatewaySystem, ACrashOfItEndsTheRunAndKeepsTheTrace) {
  const GuestRun run;
  deploy(run, kGateway, "run=ping:172.16.0.1:16384");
  RunningReprise recorder(run.record_command("a.trace", {"--console", run.path("consoles")}));
  ASSERT_TRUE(wait_until([&] { return file_text(run.folder() / "consoles" / "alice.log").find("reply seq=80 ") != std::string::npos; }));
  const std::vector<pid_t> gateways = gateways_of(run.folder());
  ASSERT_EQ(gateways.size(), 1U);
  ASSERT_EQ(kill(gateways[0], SIGSEGV), 0);
  const Outcome outcome = recorder.wait();
  EXPECT_TRUE(complains(outcome, 5, "guest 'mantap' failed"));
  EXPECT_TRUE(complains(outcome, 5, "its gateway was killed by signal 11"));
  EXPECT_TRUE(exits(run_reprise({"recover", run.path("a.trace.partial"), "-o", run.path("r.trace")}), 0));
  EXPECT_TRUE(replays_identically(run.replay("r.trace"), 1));
}

/// Records a guest that takes bytes by TCP, and sends it 100,000 over what `connect` gives once it listens.
void expect_bytes_to_arrive(const GuestRun& run, const std::function<int()>& connect) {
  RunningReprise recorder(run.record_command("a.trace", {"--realtime", "10", "--console", run.path("consoles")}));
  const fs::path console = run.folder() / "consoles" / "alice.log";
  ASSERT_TRUE(wait_until([&] { return file_text(console).find("tcp-receive: ready") != std::string::npos; }));
  const int fd = connect();
  ASSERT_GE(fd, 0);
  const std::vector<uint8_t> bytes(100'000, 'x');
  EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  shutdown(fd, SHUT_WR);
  char byte = 0;
  EXPECT_EQ(recv(fd, &byte, 1, 0), 0) << "the guest hangs up when it has them all";
  close(fd);
  ASSERT_TRUE(exits(recorder.wait(), 0));
  EXPECT_NE(file_text(console).find("bytes=100000 "), std::string::npos);
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1));
}

TEST(GatewaySystem, AProgramGetsAConnectionAtItsSocket) {
  const GuestRun run;
  deploy(run, kGateway, "run=tcp-receive");
  expect_bytes_to_arrive(run, [&] {
    const Result<int> gateway = connect_to_socket(run.folder() / "a.trace.partial/live/mantap.gateway");
    const Result<int> connection = gateway.ok() ? ask_for_connection(*gateway, {"172.16.0.10", 5001}) : gateway;
    if (gateway.ok()) {
      close(*gateway);
    }
    return connection.ok() ? *connection : -1;
  });
}

TEST(GatewaySystem, APortOfThisMachineLeadsToTheGuests) {
  // A port that nobody has; between here and the run somebody could take it, on a machine that is busy with such things.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &bytes), 0);
  close(probe);

  const GuestRun run;
  deploy(run, kGateway + fmt::format(R"(<prop id="forward" value="127.0.0.1:{}-172.16.0.10:5001"/>)", ntohs(address.sin_port)),
         "run=tcp-receive");
  expect_bytes_to_arrive(run, [&] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(fd);
      return -1;
    }
    return fd;
  });
}

/// A program at the other end of a `socket`.
class FrameProgram {
 public:
  explicit FrameProgram(const GuestRun& run) : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = [&] {
      sockaddr_un un{};
      un.sun_family = AF_UNIX;
      run.path("host.socket").copy(un.sun_path, sizeof un.sun_path - 1);
      return un;
    }();
    CHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(listener_, 1) == 0);
  }
  ~FrameProgram() {
    close(connection_);
    close(listener_);
  }
  FrameProgram(const FrameProgram&) = delete;
  FrameProgram& operator=(const FrameProgram&) = delete;

  void accept_gateway() { connection_ = accept(listener_, nullptr, nullptr); }
  /// The next frame of the guest's, empty when the gateway has hung up.
  std::vector<uint8_t> next() {
    std::vector<uint8_t> frame;
    uint8_t buffer[2048];
    while (!reader_.next(frame).value()) {
      const ssize_t n = recv(connection_, buffer, sizeof buffer, 0);
      if (n <= 0) {
        return {};
      }
      reader_.put({buffer, static_cast<size_t>(n)});
    }
    return frame;
  }
  void say(const std::vector<uint8_t>& bytes) const {
    ASSERT_EQ(send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

 private:
  int listener_;
  int connection_ = -1;
  FrameStreamReader reader_;
};

TEST(GatewaySystem, AnotherProgramMayBeTheHostSide) {
  const GuestRun run;
  deploy(run, R"(<prop id="socket" value="host.socket"/>)", "run=ping:172.16.0.77:3");
  FrameProgram program(run);
  std::vector<uint8_t> question;
  std::thread host_side([&] {
    program.accept_gateway();
    question = program.next();
    std::vector<uint8_t> stream;
    append_frame(stream, std::vector<uint8_t>(60, 0xab));
    append_frame(stream, std::vector<uint8_t>(14, 0xcd));
    program.say(stream);
    program.say({0xff, 0xff, 0xff, 0xff});  // no frame: it is hung up on, and the run goes on
    while (!program.next().empty()) {
    }
  });
  const ::testing::AssertionResult recorded = run.record("a.trace", {"--console", run.path("consoles"), "--realtime", "3"});
  host_side.join();
  ASSERT_TRUE(recorded);
  constexpr size_t kArpRequest = 42;
  EXPECT_EQ(question.size(), kArpRequest);
  const Outcome dump = run_reprise({"dump", run.path("a.trace"), "--guest", "alice", "--kind", "frame"});
  EXPECT_NE(dump.out.find("received edge/0 60 bytes ab:ab:ab:ab:ab:ab"), std::string::npos) << dump.out;
  EXPECT_NE(dump.out.find("received edge/1 14 bytes cd:cd:cd:cd:cd:cd"), std::string::npos) << dump.out;
  EXPECT_NE(file_text(run.folder() / "consoles" / "edge.log").find("it announced a frame of 4294967295 bytes"), std::string::npos);
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1));
}

TEST(GatewayRun, NobodyAtTheSocketIsSaid) {
  const GuestRun run;
  deploy(run, R"(<prop id="socket" value="host.socket"/>)", "run=exit:0");
  const Outcome outcome = run_reprise(run.record_command("a.trace"));
  EXPECT_TRUE(complains(outcome, 5, "host.socket: nobody can be reached there"));
}

TEST(GatewayRun, WhatIsOpenToOthersNeedsAWord) {
  const GuestRun run;
  deploy(run, kGateway + R"(<prop id="forward" value="192.0.2.1:2222-172.16.0.10:22"/>)", "run=exit:0");
  EXPECT_TRUE(complains(run_reprise(run.record_command("a.trace")), 2, "whoever reaches 192.0.2.1 would reach the guest"));
  EXPECT_FALSE(fs::exists(run.path("a.trace.partial")));
}

// No guest is needed to say what is wrong with a command.
TEST(GatewayRun, SshAndExecSayWhatIsMissing) {
  const GuestRun run;
  EXPECT_TRUE(complains(run_reprise({"ssh", "vm-1", "--run", run.path("no.trace.partial")}), 2, "is no folder of a run"));
  EXPECT_TRUE(complains(run_reprise({"exec", "vm-1", "--run", run.path("no.trace.partial")}), 2, "the command is missing"));
  EXPECT_TRUE(complains(run_reprise({"ssh"}), 2, "NAME is missing"));
  EXPECT_TRUE(complains(run_reprise({"gateway-connect"}), 2, "of no use alone"));

  deploy(run, kGateway, "run=ping:172.16.0.1:16384");
  RunningReprise recorder(run.record_command("a.trace", {"--realtime", "1"}));
  const auto exec = [&](const std::string& guest, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"exec", guest, "--run", run.path("a.trace.partial"), "--wait", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--", "true"});
    return run_reprise(arguments);
  };
  ASSERT_TRUE(wait_until([&] { return fs::exists(run.folder() / "a.trace.partial/live/mantap.gateway"); }));
  EXPECT_TRUE(complains(exec("alise"), 2, "no virtual machine 'alise' (did you mean 'alice'?)"));
  EXPECT_TRUE(complains(exec("mantap"), 2, "no virtual machine 'mantap'"));
  EXPECT_TRUE(
      complains(exec("alice", {"--address", "10.0.0.1"}), 2, "10.0.0.1 of 'alice' is not in the network of a gateway (172.16.0.1/24)"));
  EXPECT_TRUE(complains(exec("alice", {"--address", "alice"}), 2, "'alice' is not an IPv4 address"));
  EXPECT_TRUE(complains(exec("alice"), 5, "'alice' cannot be reached at 172.16.0.10:22 within 0 s"));
  recorder.signal(SIGINT);
  EXPECT_TRUE(exits(recorder.wait(), 5));
}

}  // namespace
}  // namespace reprise::testing
