// What a guest is made of, before it becomes a QEMU command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reprise {

/// A NIC whose determinism under icount a test shows. Everything else is refused: see docs/decisions.
enum class NicModel { kE1000, kVmxnet3, kVirtioNet };

/// The role of a seed's image among a guest's images. A trace carries it; its path there is a name only.
inline constexpr std::string_view kSeedRole = "seed";

/// Linux takes persistent memory in pieces of this size.
inline constexpr uint64_t kImageGrain = uint64_t{2} << 20U;
inline constexpr uint64_t kLargestImage = uint64_t{64} << 30U;

struct GuestMachine {
  std::string name;     ///< unique in the run; [A-Za-z0-9._-]{1,63}
  std::string address;  ///< IPv4 CIDR ("10.0.0.1/24") or empty; becomes ip4= on the kernel command line
  std::filesystem::path kernel;
  std::filesystem::path initrd;  ///< may be empty
  /// Images that the guest sees as /dev/pmem0 (root) and the next (seed), in memory of its own: the files are never written. May be empty.
  std::filesystem::path root;
  std::filesystem::path seed;  ///< a NoCloud seed; in a deployment it may be a folder, of which recorder/seed_images makes the image
  uint64_t root_bytes = 0;     ///< a multiple of kImageGrain; 0 without root
  uint64_t seed_bytes = 0;
  std::string append;         ///< added after the default kernel command line
  uint64_t memory_mib = 128;  ///< 32 to 65,536
  uint32_t cpus = 1;
  NicModel nic = NicModel::kE1000;
  std::string mac;            ///< "52:54:00:00:00:01", lower case, unicast
  uint32_t icount_shift = 0;  ///< one instruction takes 2^icount_shift ns; 0 to 10
};

}  // namespace reprise
