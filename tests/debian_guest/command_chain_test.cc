// Orders through containers on two guests: what they leave behind, and that it depends on when they arrive.
#include <fmt/format.h>

#include <regex>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

const std::string kExample = REPRISE_EXAMPLES "/command_chain/";
constexpr std::chrono::minutes kPatience{15};

/// Records the example on a platform whose link has these attributes. The consoles go to TRACE.consoles.
::testing::AssertionResult record(const GuestRun& run, const std::string& trace, const std::string& link) {
  const std::string attributes = "bandwidth=\"100Mbps\" latency=\"1ms\"";
  std::string platform = file_text(kExample + "platform.xml");
  const size_t at = platform.find(attributes);
  EXPECT_NE(at, std::string::npos) << platform;
  run.write("platform.xml", platform.replace(at, attributes.size(), link));
  return exits(run_reprise({"record", run.path("platform.xml"), kExample + "deployment.xml", "-o", run.path(trace), "--console",
                            run.path(trace + ".consoles")},
                           {.limit = kPatience}),
               0);
}

/// The first frame that brings an order to kill over the link.
struct KillFrame {
  SeqNo number;
  VirtualTime sent_at;
};

KillFrame kill_frame(TraceReader& reader) {
  constexpr size_t kBytes = 14 + 20 + 32 + 5;  // Ethernet, IPv4, TCP with time stamps, "kill\n"
  const auto events = reader.guest_events(GuestIndex{0});
  for (GuestEvent event; events->next(event).value();) {
    if (event.kind == EventKind::kFrameSent && event.payload.size() == kBytes) {
      return {event.sender_frame, event.at};
    }
  }
  ADD_FAILURE() << "vm1 sent no frame of " << kBytes << " bytes";
  return {};
}

std::string console(const GuestRun& run, const std::string& trace, const std::string& guest) {
  return file_text(run.folder() / (trace + ".consoles") / (guest + ".log"));
}

/// What the officer's log says of zombies: the total, in the order of the reports that match `when`.
std::vector<int> zombies(const std::string& log, const std::string& when) {
  const std::regex pattern("officer: " + when + ": ([0-9]+) zombies");
  std::vector<int> counts;
  for (auto at = std::sregex_iterator(log.begin(), log.end(), pattern); at != std::sregex_iterator(); ++at) {
    counts.push_back(std::stoi((*at)[1]));
  }
  return counts;
}

/// Each of `steps` is in `log`, behind the one before it.
void expect_steps(const std::string& log, const std::vector<std::string>& steps) {
  size_t at = 0;
  for (const std::string& step : steps) {
    const size_t found = log.find(step, at);
    ASSERT_NE(found, std::string::npos) << "'" << step << "' is not in its place in\n" << log;
    at = found + step.size();
  }
}

/// The surprise of the exercise, and that it is process 1 that makes it.
void expect_that_only_who_reaps_gets_rid_of_zombies(const std::string& log) {
  const std::vector<int> before = zombies(log, "before kill");
  const std::vector<int> after = zombies(log, "after kill");
  ASSERT_EQ(after.size(), 2U) << log;
  EXPECT_GT(after[0], 0) << "no zombie was there in time";
  EXPECT_EQ(before, after) << "the generator's death took no zombie along";
  EXPECT_NE(log.find(fmt::format("after kill: {0} zombies ({0} of process 1)", after[1])), std::string::npos) << log;
  expect_steps(log, {"full program outside of a container:", "zombies: the generator lives, 10 zombies",
                     "zombies: the generator is dead, 0 zombies", "with tini as process 1:", "zombies: the generator is dead, 0 zombies",
                     "in a container as process 1:", "zombies: the generator is dead, 10 zombies"});
}

TEST(CommandChain, OutcomeDependsOnWhenOrdersArriveAndReplays) {
  const GuestRun run;
  ASSERT_TRUE(record(run, "close.trace", "bandwidth=\"100Mbps\" latency=\"1ms\""));
  const std::string vm1 = console(run, "close.trace", "vm1");
  const std::string vm2 = console(run, "close.trace", "vm2");
  expect_steps(vm1, {"command_post: sends 'report'", "command_post: done", "command_post: sends 'spawn:200'",
                     "radio_op1: received 'spawn:200' from 172.18.1.3", "radio_op1: relays 'spawn:200' to 172.18.2.3",
                     "command_post: sends 'kill'", "command_post: done", "command_post: sends 'spawn:5'", "command_post: sends 'dismiss'"});
  expect_steps(vm2, {"officer: on order: 0 zombies (none)", "radio_op2: received 'spawn:200' from 172.18.1.2",
                     "radio_op2: relays 'spawn:200' to 172.18.2.2", "officer: received 'spawn:200' from 172.18.2.3",
                     "officer: executes spawn", "officer: received 'kill'", "before kill", "officer: executes kill", "after kill",
                     "officer: executes spawn", "after kill", "officer: done"});
  expect_that_only_who_reaps_gets_rid_of_zombies(vm2);

  ASSERT_TRUE(record(run, "farther.trace", "bandwidth=\"100Mbps\" latency=\"9ms\""));
  // The link becomes slow when the kill leaves, not earlier. SimGrid looks at it one lookahead after a frame was sent.
  const auto reader = run.open("close.trace");
  ASSERT_NE(reader, nullptr);
  const KillFrame kill = kill_frame(*reader);
  const int64_t slow_from_ns = kill.sent_at.ns + reader->run().lookahead.ns - 1000;
  run.write("slow.bw", fmt::format("{}.{:09} 5000\n", slow_from_ns / 1'000'000'000, slow_from_ns % 1'000'000'000));
  ASSERT_TRUE(record(run, "delayed.trace", "bandwidth=\"100Mbps\" latency=\"1ms\" bandwidth_file=\"slow.bw\""));

  const int close = zombies(vm2, "after kill").at(0);
  EXPECT_LT(close, zombies(console(run, "farther.trace", "vm2"), "after kill").at(0))
      << "a relay waits until the spawn was taken, so the kill comes the later the farther it goes";
  EXPECT_LT(close, zombies(console(run, "delayed.trace", "vm2"), "after kill").at(0)) << "a later kill leaves more zombies";

  // Each comes back as it was, with its own number of zombies.
  for (const char* trace : {"close.trace", "farther.trace", "delayed.trace"}) {
    EXPECT_TRUE(replays_identically(run.replay(trace, {"--console", run.path("replayed")}, {.limit = kPatience}), 2));
    EXPECT_EQ(file_text(run.folder() / "replayed/vm2.log"), console(run, trace, "vm2")) << trace;
  }

  const Outcome diff = run_reprise({"diff", run.path("close.trace"), run.path("delayed.trace"), "--guest", "vm2"});
  EXPECT_TRUE(exits(diff, 1));
  EXPECT_NE(diff.out.find(fmt::format("received vm1/{} 71 bytes", kill.number.value)), std::string::npos)
      << "the delivery that makes the difference is not the first one that differs:\n"
      << diff.out;
}

TEST(CommandChain, AllInOneGuest) {
  const GuestRun run;
  const std::string example = REPRISE_EXAMPLES "/command_chain_local/";
  ASSERT_TRUE(exits(run_reprise({"record", example + "platform.xml", example + "deployment.xml", "-o", run.path("a.trace"), "--console",
                                 run.path("a.trace.consoles")},
                                {.limit = kPatience}),
                    0));
  const std::string log = console(run, "a.trace", "local");
  expect_steps(log, {"command_post: sends 'spawn:20'", "radio_op1: received", "radio_op2: received", "officer: received",
                     "officer: executes spawn", "officer: executes kill", "officer: at the end: 25 zombies (25 of process 1)"});
  expect_that_only_who_reaps_gets_rid_of_zombies(log);
  EXPECT_TRUE(replays_identically(run.replay("a.trace", {}, {.limit = kPatience}), 1));
}

}  // namespace
}  // namespace reprise::testing
