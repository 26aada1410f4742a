#include "tests/bench/synthetic_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "trace_format/trace_writer.h"

namespace reprise::bench {
namespace {

namespace fs = std::filesystem;

constexpr Duration kTransit{1'000'000};  // of every frame, and the length of a round: what is sent in a round arrives in the next one
constexpr size_t kLargestFrame = 1500;
constexpr size_t kSmallestFrame = 64;
constexpr int64_t kEvenStepNs = 40;
constexpr uint64_t kUnevenSteps = 4095;
constexpr std::array<std::string_view, 4> kLines = {"guest: up, vmxnet3, run=synthetic\r\n", "reply seq=17 rtt_ns=2001568\r\n",
                                                    "[    0.531867] random: crng init done\r\n", "synthetic: done\r\n"};

class Synthesis {
 public:
  Synthesis(const SyntheticRun& run, std::vector<std::unique_ptr<StreamWriter>> guests, std::unique_ptr<StreamWriter> network)
      : run_(run), random_(run.seed), writers_(std::move(guests)), network_(std::move(network)), due_(run.guests), sent_(run.guests) {
    // Frames are cut out of one block of noise that is longer than what zstd looks back on.
    noise_.resize(kNoiseBytes + kLargestFrame);
    for (size_t i = 0; i + sizeof(uint64_t) <= noise_.size(); i += sizeof(uint64_t)) {
      const uint64_t word = random_();
      std::memcpy(noise_.data() + i, &word, sizeof word);
    }
  }

  Status write() {
    while (bytes_ < run_.bytes) {
      one_round(/*quiet=*/false);
      RETURN_IF_ERROR(network_->status());
      for (const auto& writer : writers_) {
        RETURN_IF_ERROR(writer->status());
      }
    }
    one_round(/*quiet=*/true);  // what is still on its way arrives
    for (const auto& writer : writers_) {
      RETURN_IF_ERROR(writer->finish(start_, EndReason::kUntil));
    }
    return network_->finish(start_, EndReason::kUntil);
  }

 private:
  static constexpr size_t kNoiseBytes = size_t{32} << 20;

  struct Delivery {
    VirtualTime at;
    GuestIndex sender;
    SeqNo frame;
    uint32_t size = 0;
  };

  uint64_t draw(uint64_t below) { return random_() % below; }

  void one_round(bool quiet) {
    rows_.swap(next_rows_);
    next_rows_.clear();
    std::vector<std::vector<Delivery>> arriving(run_.guests);
    arriving.swap(due_);
    for (uint32_t g = 0; g < run_.guests; ++g) {
      // Equal times in the order of the senders, as the network hands frames out.
      std::sort(arriving[g].begin(), arriving[g].end(),
                [](const Delivery& a, const Delivery& b) { return std::tie(a.at, a.sender, a.frame) < std::tie(b.at, b.sender, b.frame); });
      guest_round(g, arriving[g], quiet);
    }
    std::sort(rows_.begin(), rows_.end(), [](const NetworkEvent& a, const NetworkEvent& b) {
      return std::tie(a.at, a.sender, a.sender_frame, a.receiver) < std::tie(b.at, b.sender, b.sender_frame, b.receiver);
    });
    for (const NetworkEvent& row : rows_) {
      network_->append_network(row);
    }
    start_ = start_ + kTransit;
  }

  void guest_round(uint32_t g, const std::vector<Delivery>& arriving, bool quiet) {
    now_ = start_;
    arrived_ = 0;
    const VirtualTime end = start_ + kTransit;
    while (!quiet && now_ < end) {
      switch (draw(16)) {
        case 0:
          print_line(g, arriving, end);
          break;
        case 1:
        case 2:
        case 3:
          send_frame(g, arriving, end);
          break;
        case 4:
        case 5:
          even_reads(g, arriving, end);
          break;
        default:
          uneven_reads(g, arriving, end);
      }
    }
    deliver_until(g, arriving, end);
  }

  /// Moves the guest's time on; false when its round is over.
  bool step(uint32_t g, const std::vector<Delivery>& arriving, VirtualTime end, int64_t ns) {
    now_ = now_ + Duration{ns};
    if (now_ >= end) {
      return false;
    }
    deliver_until(g, arriving, now_);
    return true;
  }

  void deliver_until(uint32_t g, const std::vector<Delivery>& arriving, VirtualTime last) {
    for (; arrived_ < arriving.size() && arriving[arrived_].at <= last; ++arrived_) {
      const Delivery& delivery = arriving[arrived_];
      writers_[g]->append_frame_received(delivery.at, delivery.sender, delivery.frame, delivery.size);
    }
  }

  void print_line(uint32_t g, const std::vector<Delivery>& arriving, VirtualTime end) {
    for (const char byte : kLines[draw(kLines.size())]) {
      if (!step(g, arriving, end, 86)) {
        return;
      }
      writers_[g]->append_console_byte(now_, static_cast<uint8_t>(byte));
    }
  }

  void even_reads(uint32_t g, const std::vector<Delivery>& arriving, VirtualTime end) {
    for (uint64_t left = 8 + draw(400); left > 0 && step(g, arriving, end, kEvenStepNs); --left) {
      writers_[g]->append_clock_read(now_, ClockSource::kTsc, static_cast<uint64_t>(now_.ns));
    }
  }

  void uneven_reads(uint32_t g, const std::vector<Delivery>& arriving, VirtualTime end) {
    const bool timer = draw(8) == 0;
    for (uint64_t left = 8 + draw(32); left > 0 && step(g, arriving, end, static_cast<int64_t>(1 + draw(kUnevenSteps))); --left) {
      const auto ns = static_cast<uint64_t>(now_.ns);
      const uint64_t ticks = (ns / 1000 * 3579545 / 1'000'000) & 0xffffff;  // of the ACPI timer
      writers_[g]->append_clock_read(now_, timer ? ClockSource::kAcpiPm : ClockSource::kTsc, timer ? ticks : ns);
      bytes_ += 2;
    }
  }

  void send_frame(uint32_t g, const std::vector<Delivery>& arriving, VirtualTime end) {
    if (!step(g, arriving, end, static_cast<int64_t>(200 + draw(4000)))) {
      return;
    }
    const size_t size = kSmallestFrame + draw(kLargestFrame - kSmallestFrame + 1);
    const ByteView payload(noise_.data() + draw(kNoiseBytes), size);
    writers_[g]->append_frame_sent(now_, payload);
    const SeqNo frame{sent_[g]++};
    bytes_ += size;
    const bool to_all = draw(32) == 0;
    const uint64_t one = (g + 1 + draw(run_.guests - 1)) % run_.guests;
    for (uint32_t receiver = 0; receiver < run_.guests; ++receiver) {
      if (receiver != g && (to_all || receiver == one)) {
        carry(GuestIndex{g}, frame, GuestIndex{receiver}, static_cast<uint32_t>(size));
      }
    }
  }

  void carry(GuestIndex sender, SeqNo frame, GuestIndex receiver, uint32_t size) {
    NetworkEvent row{.at = now_ + kTransit, .sent_at = now_, .sender = sender, .sender_frame = frame, .receiver = receiver};
    if (draw(64) == 0) {
      row.kind = NetworkEvent::Kind::kDropped;
      row.reason = DropReason::kLoss;
      row.at = now_;
      rows_.push_back(row);
      return;
    }
    next_rows_.push_back(row);
    due_[receiver.value].push_back({row.at, sender, frame, size});
  }

  SyntheticRun run_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<StreamWriter>> writers_;
  std::unique_ptr<StreamWriter> network_;
  std::vector<uint8_t> noise_;
  std::vector<NetworkEvent> rows_;       ///< of this round
  std::vector<NetworkEvent> next_rows_;  ///< deliveries in the next one
  std::vector<std::vector<Delivery>> due_;
  std::vector<uint64_t> sent_;
  VirtualTime start_;  ///< of the round
  VirtualTime now_;    ///< of the guest whose round it is
  size_t arrived_ = 0;
  uint64_t bytes_ = 0;  ///< about what the events so far take
};

}  // namespace

RunInfo synthetic_run_info(uint32_t guests, uint64_t seed) {
  RunInfo run;
  run.reprise_version = "synthetic";
  run.simgrid_version = "none";
  run.platform_xml = "<platform version=\"4.1\"/>\n";
  run.deployment_xml = "<platform version=\"4.1\"/>\n";
  run.seed = seed;
  run.lookahead = kTransit;
  for (uint32_t g = 0; g < guests; ++g) {
    GuestInfo guest;
    guest.name = fmt::format("guest-{}", g);
    guest.host = fmt::format("node-{}", g);
    guest.address = fmt::format("10.0.0.{}/24", g + 1);
    guest.mac = fmt::format("52:54:00:00:00:{:02x}", g + 1);
    guest.nic = "vmxnet3";
    guest.qemu_version = "none";
    guest.qemu_build_id = "00";
    run.guests.push_back(guest);
  }
  return run;
}

Status write_synthetic_trace(const SyntheticRun& run, const fs::path& output) {
  if (run.guests < 2 || run.guests > 250) {
    return Error{ErrorKind::kUsage, fmt::format("{} guests; a synthetic run has 2 to 250", run.guests)};
  }
  const fs::path folder = output.string() + ".partial";
  std::error_code code;
  if (!fs::create_directory(folder, code)) {
    return Error{ErrorKind::kUsage, fmt::format("{}: cannot create: {}", folder.string(), code ? code.message() : "it is there already")};
  }
  std::vector<std::unique_ptr<StreamWriter>> guests;
  for (uint32_t g = 0; g < run.guests; ++g) {
    ASSIGN_OR_RETURN(auto writer, create_stream(folder, StreamId::guest({g})));
    guests.push_back(std::move(writer));
  }
  ASSIGN_OR_RETURN(auto network, create_stream(folder, StreamId::network()));
  RETURN_IF_ERROR(Synthesis(run, std::move(guests), std::move(network)).write());
  return join_streams(folder, synthetic_run_info(run.guests, run.seed), output);
}

}  // namespace reprise::bench
