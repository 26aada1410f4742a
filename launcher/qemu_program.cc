#include "launcher/qemu_program.h"

#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "launcher/child_process.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
constexpr const char* kTestedVersion = "10.0.";
constexpr const char* kRemedy =
    "install QEMU 10.0 (Debian 13: qemu-system-x86; Debian 12: the same from bookworm-backports; in the sources tools/setup.sh does it)";

fs::path own_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

fs::path find_in_path(const char* name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    fs::path candidate = fs::path(folder) / name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return {};
}

Result<std::string> first_line_of_version(const fs::path& qemu, std::chrono::milliseconds limit) {
  ASSIGN_OR_RETURN(ChildProcess child,
                   ChildProcess::start({.command = {qemu.string(), "--version"}, .capture_stdout = true, .die_with_us = true}));
  const auto status = child.wait_for(limit);
  const std::string output = child.output();
  if (!status.has_value() || *status != 0) {
    return Error{ErrorKind::kMachine, fmt::format("{} --version {}: {}; {}", qemu.string(),
                                                  status.has_value() ? describe_wait_status(*status) : "does not end", output, kRemedy)};
  }
  return output.substr(0, output.find('\n'));
}

/// SeaBIOS and the loader of uncompressed kernels. They come in packages of their own, so QEMU's build id does not stand for them. Debian's
/// QEMU takes them from these folders beside it; what is not there is left out.
std::vector<std::pair<std::string, fs::path>> find_firmware(const fs::path& qemu) {
  std::vector<std::pair<std::string, fs::path>> found;
  const fs::path share = qemu.parent_path().parent_path() / "share";
  for (const auto& [role, name] : {std::pair{"firmware", "bios-256k.bin"}, std::pair{"kernel loader", "pvh.bin"}}) {
    for (const char* folder : {"qemu", "seabios"}) {
      const fs::path file = share / folder / name;
      std::error_code error;
      if (fs::exists(file, error)) {
        found.emplace_back(role, file);
        break;
      }
    }
  }
  return found;
}

/// A file of ours, in a build tree or an installation.
Result<fs::path> find_own_file(const char* what, const char* file) {
  const fs::path prefix = own_folder().parent_path();
  for (const fs::path& candidate : {prefix / "lib" / file, prefix / REPRISE_INSTALL_LIBDIR / file}) {
    if (fs::exists(candidate)) {
      return candidate;
    }
  }
  return Error{ErrorKind::kMachine,
               fmt::format("{} {} is not there; build or install all of Reprise", what, (prefix / "lib" / file).string())};
}

template <typename T>
bool read_at(std::ifstream& file, uint64_t offset, T* out, size_t count = 1) {
  file.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(file.read(reinterpret_cast<char*>(out), static_cast<std::streamsize>(sizeof(T) * count)));
}

/// The GNU build id within one note segment, in hex, or empty. Layout: the ELF gABI's "Note Section".
std::string build_id_in_notes(const std::vector<char>& notes) {
  size_t at = 0;
  while (at + sizeof(Elf64_Nhdr) <= notes.size()) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data() + at, sizeof note);
    const size_t name = at + sizeof note;
    const size_t description = name + ((size_t{note.n_namesz} + 3) & ~size_t{3});
    const size_t end = description + note.n_descsz;
    if (end > notes.size()) {
      return {};
    }
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(notes.data() + name, "GNU", 4) == 0) {
      std::string hex;
      for (size_t i = description; i < end; ++i) {
        hex += fmt::format("{:02x}", static_cast<unsigned char>(notes[i]));
      }
      return hex;
    }
    at = description + ((size_t{note.n_descsz} + 3) & ~size_t{3});
  }
  return {};
}

}  // namespace

std::string elf_build_id(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  Elf64_Ehdr header;
  if (!read_at(in, 0, &header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phnum > 64) {
    return {};
  }
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(in, header.e_phoff + i * sizeof segment, &segment)) {
      return {};
    }
    if (segment.p_type != PT_NOTE || segment.p_filesz > 65536) {
      continue;
    }
    std::vector<char> notes(segment.p_filesz);
    if (!read_at(in, segment.p_offset, notes.data(), notes.size())) {
      return {};
    }
    if (std::string id = build_id_in_notes(notes); !id.empty()) {
      return id;
    }
  }
  return {};
}

Result<QemuProgram> find_qemu(std::chrono::milliseconds limit) {
  const char* chosen = std::getenv("REPRISE_QEMU");
  const fs::path path = chosen != nullptr ? fs::path(chosen) : find_in_path("qemu-system-x86_64");
  if (path.empty() || access(path.c_str(), X_OK) != 0) {
    return Error{ErrorKind::kMachine, chosen != nullptr ? fmt::format("REPRISE_QEMU={}: no such program", chosen)
                                                        : fmt::format("no qemu-system-x86_64 in PATH; {}", kRemedy)};
  }
  ASSIGN_OR_RETURN(std::string version, first_line_of_version(path, limit));
  constexpr const char* kPrefix = "QEMU emulator version ";
  if (version.rfind(std::string(kPrefix) + kTestedVersion, 0) != 0) {
    return Error{ErrorKind::kMachine, fmt::format("{}: '{}' is not a tested version (10.0); {}", path.string(), version, kRemedy)};
  }
  return QemuProgram{path, std::move(version), elf_build_id(fs::canonical(path)), find_firmware(fs::canonical(path))};
}

Result<fs::path> find_plugin() {
  if (const char* chosen = std::getenv("REPRISE_PLUGIN"); chosen != nullptr) {
    std::error_code ignored;
    if (!fs::is_regular_file(chosen, ignored)) {
      return Error{ErrorKind::kMachine, fmt::format("REPRISE_PLUGIN={}: no such file", chosen)};
    }
    return fs::path(chosen);
  }
  return find_own_file("the QEMU plugin", "reprise/reprise_qemu_hooks.so");
}

Result<fs::path> find_process_host() {
  return find_own_file("the process host", "reprise/reprise_process_host");
}

Result<fs::path> find_gateway() {
  return find_own_file("the gateway", "reprise/reprise_gateway");
}

fs::path programs_folder() {
  if (const char* chosen = std::getenv("REPRISE_PROGRAMS"); chosen != nullptr) {
    return chosen;
  }
  const Result<fs::path> host = find_process_host();
  return host.ok() ? host->parent_path() / "examples" : fs::path();
}

fs::path guests_folder() {
  const char* chosen = std::getenv("REPRISE_GUESTS");
  return chosen != nullptr ? fs::path(chosen) : own_folder().parent_path() / "guests";
}

}  // namespace reprise
