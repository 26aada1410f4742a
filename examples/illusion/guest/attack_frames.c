// Frames leave and come while the guest watches the TSC: a frame is where an observer has to act.
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../guest/commands.h"
#include "attacks.h"

enum {
  kLeaving = 200,
  kQuestions = 200,
  kQuestionPauseNs = 500000,
  kReadsBetween = 64,
  kGreetings = 50,
  kGreetingPauseMs = 20,
  kPatiencePauses = 2000
};
enum { kGapNs = 1000, kWorstLimitNs = 100000, kDelayLimitNs = 500000, kUnexplainedLimit = 2 };

/// Frames to an address that nobody has: each is on its way to all others, and none answers.
void attack_leaving_frames(void) {
  static const uint8_t kNobody[kMacBytes] = {0x02, 0, 0, 0, 0, 0x99};
  const int fd = open_frame_socket();
  int64_t durations[kLeaving];
  for (uint32_t i = 0; i < kLeaving; ++i) {
    const struct frame frame = make_frame(kNobody, 'n', i);
    const uint64_t start = __rdtsc();
    send_frame(fd, &frame, kFrameBytes);
    durations[i] = tsc_to_ns((int64_t)(__rdtsc() - start));
    keep((uint64_t)durations[i]);
    sleep_ns(50000);
  }
  sort_numbers(durations, kLeaving);
  verdict("frame.leaving", "longest send less median", durations[kLeaving - 1] - durations[kLeaving / 2], "ns", kWorstLimitNs);
}

static int receive(int fd, uint32_t* number, uint64_t* answered_at) {
  struct frame answer;
  if (recv(fd, &answer, sizeof answer, MSG_DONTWAIT) < (ssize_t)offsetof(struct frame, padding) || answer.kind != 'q') return 0;
  *number = answer.number;
  *answered_at = answer.answered_at;
  return 1;
}

static int greet(int fd, const uint8_t peer[kMacBytes]) {
  for (uint32_t i = 0; i < kGreetings; ++i) {
    const struct frame hello = make_frame(peer, 'q', kQuestions + i);
    send_frame(fd, &hello, kFrameBytes);
    sleep_ns(kGreetingPauseMs * 1000000LL);
    uint32_t number;
    uint64_t answered_at;
    if (receive(fd, &number, &answered_at)) return 1;
  }
  return 0;
}

struct watch {
  uint64_t largest;  ///< step of the TSC
  int64_t gaps;
};

/// Reads the TSC for a while.
static void look(struct watch* watch, uint64_t gap) {
  uint64_t last = __rdtsc();
  for (int i = 0; i < kReadsBetween; ++i) {
    const uint64_t now = __rdtsc();
    const uint64_t step = now - last;
    last = now;
    if (step > watch->largest) watch->largest = step;
    watch->gaps += step > gap;
  }
}

struct conversation {
  uint64_t sent_at[kQuestions];     ///< TSC
  int64_t round_trips[kQuestions];  ///< ns, in the order of the answers
  int64_t one_way[kQuestions];      ///< ns by the clocks of both guests: the difference of their TSCs is in it
  uint32_t sent;
  uint32_t received;
  struct watch watch;
};

static void note_answer(struct conversation* talk, int fd) {
  uint32_t number;
  uint64_t answered_at;
  if (!receive(fd, &number, &answered_at) || number >= talk->sent) return;
  talk->round_trips[talk->received] = tsc_to_ns((int64_t)(__rdtsc() - talk->sent_at[number]));
  talk->one_way[talk->received] = tsc_to_ns((int64_t)(answered_at - talk->sent_at[number]));
  keep((uint64_t)talk->round_trips[talk->received]);
  keep((uint64_t)talk->one_way[talk->received]);
  ++talk->received;
}

/// A question every half millisecond, several on their way at a time, and in between looks at the TSC.
static void converse(struct conversation* talk, int fd, const uint8_t peer[kMacBytes]) {
  const uint64_t per_us = clocks[kTsc].ns_denominator * 1000 / clocks[kTsc].ns_numerator + 1;
  const uint64_t pause = per_us * kQuestionPauseNs / 1000;
  uint64_t next = __rdtsc();
  while (talk->received < kQuestions && __rdtsc() < next + kPatiencePauses * pause) {
    look(&talk->watch, per_us * kGapNs / 1000);
    if (talk->sent < kQuestions && __rdtsc() >= next) {
      const struct frame question = make_frame(peer, 'q', talk->sent);
      talk->sent_at[talk->sent++] = __rdtsc();
      send_frame(fd, &question, kFrameBytes);
      next += pause;
    }
    note_answer(talk, fd);
  }
}

static void judge_delays(const char* attack, int64_t* delays, uint32_t count) {
  sort_numbers(delays, count);
  verdict(attack, "longest less median", delays[count - 1] - delays[count / 2], "ns", kDelayLimitNs);
}

void attack_frames_in_flight(const char* peer_mac) {
  uint8_t peer[kMacBytes];
  parse_mac(peer_mac, peer);
  const int fd = open_frame_socket();
  if (!greet(fd, peer)) {
    printf("attack frame.flight: nobody answers at %s\n", peer_mac);
    return;
  }
  static struct conversation talk;
  const uint64_t interrupts = interrupt_count();
  converse(&talk, fd, peer);
  const int64_t explained = (int64_t)(interrupt_count() - interrupts);
  printf("frames: %u sent, %u came back\n", talk.sent, talk.received);
  keep(talk.watch.largest);
  keep((uint64_t)talk.watch.gaps);
  verdict("frame.gap.largest", "largest step of the TSC", tsc_to_ns((int64_t)talk.watch.largest), "ns", kWorstLimitNs);
  verdict("frame.gap.unexplained", "gaps without an interrupt", talk.watch.gaps > explained ? talk.watch.gaps - explained : 0, "",
          kUnexplainedLimit);
  if (talk.received > 0) {
    judge_delays("frame.round-trip", talk.round_trips, talk.received);
    judge_delays("frame.one-way", talk.one_way, talk.received);
  }
  for (uint32_t i = 0; i < 3; ++i) {
    const struct frame bye = make_frame(peer, 'b', i);
    send_frame(fd, &bye, kFrameBytes);
    sleep_ns(1000000);
  }
}
