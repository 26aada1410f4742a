#include "launcher/qemu_program.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "tests/launcher/test_files.h"

namespace reprise {
namespace {

using testing::ScopedVariable;
using testing::TestFolder;

Result<QemuProgram> find_stub(const std::string& script, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const TestFolder folder;
  const ScopedVariable chosen("REPRISE_QEMU", folder.program("qemu", script).string());
  return find_qemu(limit);
}

TEST(QemuProgram, TakesATestedVersion) {
  const TestFolder folder;
  const auto path = folder.program("qemu", "echo 'QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)'; echo 'Copyright (c)'");
  const ScopedVariable chosen("REPRISE_QEMU", path.string());
  const auto qemu = find_qemu();
  ASSERT_TRUE(qemu.ok()) << qemu.error().message;
  EXPECT_EQ(qemu->path, path);
  EXPECT_EQ(qemu->version, "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)");
  EXPECT_EQ(qemu->build_id, "") << "a script has none";
}

TEST(QemuProgram, FindsTheFirmwareBesideIt) {
  const TestFolder folder;
  for (const char* part : {"bin", "share/qemu", "share/seabios"}) {
    std::filesystem::create_directories(folder.path() / part);
  }
  const auto path = folder.program("bin/qemu", "echo 'QEMU emulator version 10.0.2'");
  const auto bios = folder.file("share/seabios/bios-256k.bin", "bios");
  const auto loader = folder.file("share/qemu/pvh.bin", "loader");
  const ScopedVariable chosen("REPRISE_QEMU", path.string());
  const auto qemu = find_qemu();
  ASSERT_TRUE(qemu.ok()) << qemu.error().message;
  const std::vector<std::pair<std::string, std::filesystem::path>> expected = {{"firmware", bios}, {"kernel loader", loader}};
  EXPECT_EQ(qemu->firmware, expected);
  std::filesystem::remove(bios);
  EXPECT_EQ(find_qemu()->firmware.size(), 1U) << "what is not there is left out";
}

TEST(QemuProgram, RefusesOtherVersionsWithTheRemedy) {
  for (const char* version : {"QEMU emulator version 7.2.0", "QEMU emulator version 10.1.0", "QEMU emulator version 10.01.0",
                              "QEMU emulator version 110.0.1", "bash, version 10.0.1", "", "xQEMU emulator version 10.0.2"}) {
    const auto qemu = find_stub(std::string("echo '") + version + "'");
    ASSERT_FALSE(qemu.ok()) << version;
    EXPECT_EQ(qemu.error().kind, ErrorKind::kMachine);
    EXPECT_NE(qemu.error().message.find(std::string("'") + version + "' is not a tested version (10.0); install QEMU 10.0"),
              std::string::npos)
        << qemu.error().message;
  }
}

TEST(QemuProgram, SaysWhatAFailingProgramSaid) {
  const auto qemu = find_stub("echo 'libfoo.so: cannot open' >&2; exit 127");
  ASSERT_FALSE(qemu.ok());
  EXPECT_EQ(qemu.error().kind, ErrorKind::kMachine);
  EXPECT_NE(qemu.error().message.find("--version exited with code 127: libfoo.so: cannot open"), std::string::npos) << qemu.error().message;
}

TEST(QemuProgram, DoesNotWaitForEverForAHangingProgram) {
  const auto qemu = find_stub("exec sleep 1000", std::chrono::milliseconds(5));
  ASSERT_FALSE(qemu.ok());
  EXPECT_NE(qemu.error().message.find("--version does not end"), std::string::npos) << qemu.error().message;
}

TEST(QemuProgram, MissingPrograms) {
  const TestFolder folder;
  {
    const ScopedVariable chosen("REPRISE_QEMU", (folder.path() / "qemu").string());
    const auto qemu = find_qemu();
    ASSERT_FALSE(qemu.ok());
    EXPECT_EQ(qemu.error().kind, ErrorKind::kMachine);
    EXPECT_EQ(qemu.error().message, "REPRISE_QEMU=" + (folder.path() / "qemu").string() + ": no such program");
  }
  const ScopedVariable none("REPRISE_QEMU", std::nullopt);
  for (const std::optional<std::string>& path : {std::optional(folder.path().string()), std::optional<std::string>()}) {
    const ScopedVariable empty("PATH", path);
    const auto qemu = find_qemu();
    ASSERT_FALSE(qemu.ok());
    EXPECT_TRUE(qemu.error().message.starts_with("no qemu-system-x86_64 in PATH; install QEMU 10.0")) << qemu.error().message;
  }
}

TEST(QemuProgram, FirstInPathThatCanBeRun) {
  const TestFolder first;
  const TestFolder second;
  static_cast<void>(first.file("qemu-system-x86_64", "not executable"));
  const auto program = second.program("qemu-system-x86_64", "echo 'QEMU emulator version 10.0.9'");
  const ScopedVariable none("REPRISE_QEMU", std::nullopt);
  const ScopedVariable path("PATH", ":" + first.path().string() + "::" + second.path().string());
  const auto qemu = find_qemu();
  ASSERT_TRUE(qemu.ok()) << qemu.error().message;
  EXPECT_EQ(qemu->path, program);
}

TEST(QemuProgram, PluginAndGuestsCanBeChosen) {
  const TestFolder folder;
  const std::string file = folder.file("hooks.so", "").string();
  const ScopedVariable plugin("REPRISE_PLUGIN", file.c_str());
  const ScopedVariable guests("REPRISE_GUESTS", "/b/guests");
  EXPECT_EQ(*find_plugin(), file);
  EXPECT_EQ(guests_folder(), "/b/guests");
}

TEST(QemuProgram, AChosenPluginThatIsNotThere) {
  const ScopedVariable plugin("REPRISE_PLUGIN", "/a/hooks.so");
  const auto found = find_plugin();
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, ErrorKind::kMachine);
  EXPECT_EQ(found.error().message, "REPRISE_PLUGIN=/a/hooks.so: no such file");
}

TEST(QemuProgram, GuestsAreBesideTheProgramsFolder) {
  const ScopedVariable none("REPRISE_GUESTS", std::nullopt);
  EXPECT_EQ(guests_folder(), std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "guests");
}

// An ELF file of nothing but a header, program headers and notes.
struct Note {
  uint32_t type;
  std::string name;  ///< with its zero
  std::string description;
};

template <typename T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string padded(std::string text) {
  text.resize((text.size() + 3) & ~size_t{3});
  return text;
}

std::string segment_of(const std::vector<Note>& notes) {
  std::string bytes;
  for (const Note& note : notes) {
    Elf64_Nhdr header{};
    header.n_namesz = static_cast<Elf64_Word>(note.name.size());
    header.n_descsz = static_cast<Elf64_Word>(note.description.size());
    header.n_type = note.type;
    bytes += bytes_of(header) + padded(note.name) + padded(note.description);
  }
  return bytes;
}

std::string elf(const std::vector<std::pair<uint32_t, std::string>>& segments) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_phoff = sizeof header;
  header.e_phnum = static_cast<Elf64_Half>(segments.size());
  std::string headers = bytes_of(header);
  std::string bodies;
  for (const auto& [type, body] : segments) {
    Elf64_Phdr segment{};
    segment.p_type = type;
    segment.p_offset = sizeof header + segments.size() * sizeof segment + bodies.size();
    segment.p_filesz = body.size();
    headers += bytes_of(segment);
    bodies += body;
  }
  return headers + bodies;
}

const std::string kGnu("GNU\0", 4);
const Note kId{NT_GNU_BUILD_ID, kGnu, "\x01\xab\xff"};

std::string build_id_of(const std::string& bytes) {
  const TestFolder folder;
  return elf_build_id(folder.file("elf", bytes));
}

TEST(ElfBuildId, FoundWhereverItIs) {
  EXPECT_EQ(build_id_of(elf({{PT_NOTE, segment_of({kId})}})), "01abff");
  const Note other_type{NT_GNU_ABI_TAG, kGnu, "12345"};
  const Note other_name{NT_GNU_BUILD_ID, std::string("XYZ\0", 4), "12345"};
  const Note long_name{NT_GNU_BUILD_ID, std::string("GNU\0++", 6), "1"};
  EXPECT_EQ(build_id_of(elf({{PT_NOTE, segment_of({other_type, other_name, long_name, kId})}})), "01abff");
  EXPECT_EQ(build_id_of(elf({{PT_LOAD, "code"}, {PT_NOTE, segment_of({other_type})}, {PT_NOTE, segment_of({kId})}})), "01abff");
}

TEST(ElfBuildId, NoneIsEmpty) {
  EXPECT_EQ(build_id_of(elf({})), "");
  EXPECT_EQ(build_id_of(elf({{PT_LOAD, segment_of({kId})}})), "");
  EXPECT_EQ(elf_build_id("/no/such/file"), "");
  EXPECT_EQ(build_id_of(""), "");
  EXPECT_EQ(build_id_of("#!/bin/sh\n" + std::string(200, 'x')), "");
}

TEST(ElfBuildId, GarbageIsNoTrouble) {
  const std::string good = elf({{PT_NOTE, segment_of({kId})}});
  for (size_t size = 0; size < good.size() - 1; ++size) {  // the last byte is padding
    EXPECT_EQ(build_id_of(good.substr(0, size)), "") << size;
  }
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(0xff);
    EXPECT_LE(build_id_of(bad).size(), 131'072U) << i;  // mostly: it returns
  }
}

TEST(ElfBuildId, OfThisVeryProgramAsReadelfSays) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  FILE* readelf = popen(("readelf -n '" + self.string() + "' 2>/dev/null").c_str(), "r");
  ASSERT_NE(readelf, nullptr);
  std::string text;
  std::array<char, 4096> buffer;
  for (size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), readelf)) > 0;) {
    text.append(buffer.data(), n);
  }
  ASSERT_EQ(pclose(readelf), 0) << "readelf comes with the compiler (binutils)";
  const std::string label = "Build ID: ";
  const size_t at = text.find(label);
  const std::string expected = at == std::string::npos ? "" : text.substr(at + label.size(), text.find('\n', at) - at - label.size());
  EXPECT_EQ(elf_build_id(self), expected);
}

}  // namespace
}  // namespace reprise
