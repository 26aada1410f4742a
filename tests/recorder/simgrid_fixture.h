// Platforms and runs for the tests of the SimGrid network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recorder/simgrid_network.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {

using Lines = std::vector<std::string>;

inline constexpr int64_t kUs = 1000;
inline constexpr int64_t kMs = 1000 * kUs;
inline constexpr int64_t kSecond = 1000 * kMs;

/// Writes a state profile beside the platform; returns the name for `state_file`.
[[nodiscard]] std::string write_state(const std::string& text);

/// Writes a platform with the given contents, which begin in line 4; returns its path.
[[nodiscard]] std::string write_platform(const std::string& body);

/// Hosts h0, h1, ... each with a link up and a link down of 50 us, so 100 us between any two.
[[nodiscard]] std::string star(int hosts, const std::string& bandwidth = "1Gbps", const std::string& latency = "50us");

/// Two hosts and one link with the given attributes, and properties, which are lines 5 and so on.
[[nodiscard]] std::string pair_of_hosts(const std::string& link_attributes, const Lines& link_properties = {});

/// One guest for each host: g0, g1, ... described as in lines 4, 5, ... of deployment.xml.
[[nodiscard]] std::vector<Attachment> on_hosts(const Lines& hosts);
/// on_hosts() of h0, h1, ...
[[nodiscard]] std::vector<Attachment> guests(int count);

/// Loads and runs. Once a process.
[[nodiscard]] Status simulate(const std::string& platform, const std::vector<Attachment>& attachments, ToyParticipants& toys,
                              VirtualTime until, const Lines& options = {}, Duration longest_turn = NetworkModel::Limits{}.longest_turn,
                              const NetworkConditions& conditions = {});

/// The message of the error, "" when there is none.
[[nodiscard]] std::string failure(const Status& status);

[[nodiscard]] bool has(const std::string& text, const std::string& part);

}  // namespace reprise
