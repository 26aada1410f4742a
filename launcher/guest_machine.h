// What a guest is made of, before it becomes a QEMU command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace reprise {

/// A NIC whose determinism under icount a test shows. Everything else is refused: see docs/decisions.
enum class NicModel { kE1000, kVmxnet3, kVirtioNet };

struct GuestMachine {
  std::string name;     ///< unique in the run; [A-Za-z0-9._-]{1,63}
  std::string address;  ///< IPv4 CIDR ("10.0.0.1/24") or empty; becomes ip4= on the kernel command line
  std::filesystem::path kernel;
  std::filesystem::path initrd;  ///< may be empty
  std::string append;            ///< added after the default kernel command line
  uint64_t memory_mib = 128;     ///< 32 to 65,536
  uint32_t cpus = 1;
  NicModel nic = NicModel::kE1000;
  std::string mac;            ///< "52:54:00:00:00:01", lower case, unicast
  uint32_t icount_shift = 0;  ///< one instruction takes 2^icount_shift ns; 0 to 10
};

}  // namespace reprise
