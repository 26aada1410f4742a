// Finds QEMU and our plugin on this machine, and says whether they will do.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

struct QemuProgram {
  std::filesystem::path path;
  std::string version;                                                  ///< first line of --version
  std::string build_id;                                                 ///< lower-case hex, empty when the file has none
  std::vector<std::pair<std::string, std::filesystem::path>> firmware;  ///< role and file of what a guest executes before its kernel
};

/// The program that REPRISE_QEMU names, or the first qemu-system-x86_64 in PATH. kMachine with the remedy when there is none, or when its
/// version is not one that is tested (10.0). `limit` bounds how long it may take to say its version.
[[nodiscard]] Result<QemuProgram> find_qemu(std::chrono::milliseconds limit = std::chrono::seconds(20));

/// Our plugin: what REPRISE_PLUGIN names, or beside the running program in a build tree or an installation. kMachine when it is not there.
[[nodiscard]] Result<std::filesystem::path> find_plugin();

/// The host of native processes, beside the plugin. kMachine when it is not there.
[[nodiscard]] Result<std::filesystem::path> find_process_host();

/// The program of gateways, beside the plugin. kMachine when it is not there.
[[nodiscard]] Result<std::filesystem::path> find_gateway();

/// The folder of the examples' programs: what REPRISE_PROGRAMS names, or beside the running program. It may not exist.
[[nodiscard]] std::filesystem::path programs_folder();

/// The folder of the demo guests: what REPRISE_GUESTS names, or `guests` of the build tree. It may not exist.
[[nodiscard]] std::filesystem::path guests_folder();

/// The build id of an ELF file in lower-case hex, or empty.
[[nodiscard]] std::string elf_build_id(const std::filesystem::path& file);

}  // namespace reprise
