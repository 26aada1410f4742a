#include "launcher/qemu_command.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

GuestMachine machine() {
  return {.name = "alice",
          .address = "10.0.0.1/24",
          .kernel = "/images/vmlinux",
          .initrd = "/images/guest.cpio",
          .append = "quick=1 name=a,b",
          .memory_mib = 96,
          .mac = "52:54:00:00:00:01",
          .icount_shift = 3};
}

std::string lines(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += word + "\n";
  }
  return text;
}

// A change of the command line makes every older trace refuse to replay: it must be meant.
constexpr const char* kGolden = R"(-nodefaults
-no-user-config
-no-reboot
-display
none
-monitor
none
-serial
null
-machine
pc
-smp
1
-m
96M
-cpu
qemu64,-svm,-monitor
-accel
tcg,thread=single
-icount
shift=3,sleep=off,align=off
-rtc
base=2024-01-01T00:00:00,clock=vm
-seed
77
-netdev
hubport,id=n0,hubid=0
-device
DEVICE,netdev=n0,mac=52:54:00:00:00:01,romfile=
-kernel
${kernel}
-initrd
${initrd}
-append
console=ttyS0 panic=-1 reboot=t quiet acpi=off nolapic_timer tsc=reliable tsc_early_khz=1000000 nokaslr cryptomgr.notests initcall_blacklist=trace_eval_init,tracer_init_tracefs ip4=10.0.0.1/24 quick=1 name=a,b
)";

std::string golden(const std::string& device) {
  std::string text = kGolden;
  const std::string placeholder = "DEVICE";
  return text.replace(text.find(placeholder), placeholder.size(), device);
}

TEST(QemuCommand, WholeCommandLineOfEachNic) {
  GuestMachine guest = machine();
  EXPECT_EQ(lines(qemu_arguments(guest, 77)), golden("e1000"));
  guest.nic = NicModel::kVmxnet3;
  EXPECT_EQ(lines(qemu_arguments(guest, 77)), golden("vmxnet3"));
  guest.nic = NicModel::kVirtioNet;
  EXPECT_EQ(lines(qemu_arguments(guest, 77)), golden("virtio-net-pci,ioeventfd=off,tx=timer"));
}

TEST(QemuCommand, LeavesOutWhatTheGuestDoesNotHave) {
  GuestMachine guest = machine();
  guest.initrd.clear();
  guest.address.clear();
  guest.append.clear();
  const std::string text = lines(qemu_arguments(guest, 77));
  EXPECT_EQ(text.find("initrd"), std::string::npos);
  EXPECT_EQ(text.find("ip4="), std::string::npos);
  EXPECT_TRUE(text.ends_with("tracer_init_tracefs\n")) << text;
}

GuestMachine machine_with_images() {
  GuestMachine guest = machine();
  guest.root = "/images/debian.ext4";
  guest.root_bytes = 1025 * kImageGrain;  // more than 2 GiB
  guest.seed = "/images/alice.iso";
  guest.seed_bytes = kImageGrain;
  return guest;
}

TEST(QemuCommand, ImagesAreMemoryThatIsMappedCopyOnWrite) {
  const std::string text = lines(qemu_arguments(machine_with_images(), 77));
  for (const char* part : {
           "-machine\npc,nvdimm=on\n",
           "-m\n96M,slots=2,maxmem=4192M\n",
           "-object\nmemory-backend-file,id=root-memory,share=off,readonly=on,rom=off,size=2149580800,mem-path=${root}\n"
           "-device\nnvdimm,id=root,memdev=root-memory,addr=0x100000000\n"
           "-object\nmemory-backend-file,id=seed-memory,share=off,readonly=on,rom=off,size=2097152,mem-path=${seed}\n"
           "-device\nnvdimm,id=seed,memdev=seed-memory,addr=0x1c0000000\n",
           "tracer_init_tracefs memmap=0x80200000!0x100000000 memmap=0x200000!0x1c0000000 ip4=",
       }) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(QemuCommand, ImagesLieAboveTheGuestsMemory) {
  GuestMachine guest = machine_with_images();
  for (const auto& [memory_mib, address] :
       {std::pair{3583U, "0x100000000"}, {3584U, "0x140000000"}, {4096U, "0x140000000"}, {4097U, "0x180000000"}}) {
    guest.memory_mib = memory_mib;
    EXPECT_NE(lines(qemu_arguments(guest, 77)).find(std::string("memdev=root-memory,addr=") + address + "\n"), std::string::npos)
        << memory_mib;
  }
}

TEST(QemuCommand, SeedFitsQemu) {
  const std::string text = lines(qemu_arguments(machine(), 0x1'0000'0005));
  EXPECT_NE(text.find("-seed\n5\n"), std::string::npos) << "QEMU takes 32 bits";
}

TEST(QemuCommand, NicNames) {
  EXPECT_EQ(nic_name(NicModel::kE1000), "e1000");
  EXPECT_EQ(nic_name(NicModel::kVmxnet3), "vmxnet3");
  EXPECT_EQ(nic_name(NicModel::kVirtioNet), "virtio-net");
}

TEST(QemuCommand, ExpandsOnlyWholeArguments) {
  const std::vector<ImageInfo> images = {{"kernel", "/a/${initrd}", {}, 0}, {"initrd", "/b,c/guest.cpio", {}, 0}};
  const std::vector<std::string> arguments = {"-kernel", "${kernel}", "-initrd", "${initrd}", "-append", "x=${kernel}", "${unknown}"};
  EXPECT_EQ(expand_images(arguments, images),
            (std::vector<std::string>{"-kernel", "/a/${initrd}", "-initrd", "/b,c/guest.cpio", "-append", "x=${kernel}", "${unknown}"}));
}

TEST(QemuCommand, ExpandsAnImageInTheOptionsOfAMemoryBackendOnly) {
  const std::vector<ImageInfo> images = {{"root", "/b,c/d.ext4", {}, 0}};
  EXPECT_EQ(expand_images({"memory-backend-file,size=1,mem-path=${root}", "x,mem-path=${root}", "memory-backend-file,id=${root}"}, images),
            (std::vector<std::string>{"memory-backend-file,size=1,mem-path=/b,,c/d.ext4", "x,mem-path=${root}",
                                      "memory-backend-file,id=${root}"}));
}

TEST(QemuCommand, PluginOfARecording) {
  EXPECT_EQ(
      plugin_argument("/lib/hooks.so",
                      {.channel = 5, .guest = 2, .icount_shift = 1, .stream_folder = "/t/x.trace.partial", .console = "/c/alice.log"}),
      "file=/lib/hooks.so,mode=live,channel=5,guest=2,icount_shift=1,stream_folder=/t/x.trace.partial,console=/c/alice.log");
}

TEST(QemuCommand, PluginOfARecordingWithoutTrace) {
  EXPECT_EQ(plugin_argument("/lib/hooks.so", {.channel = 5}), "file=/lib/hooks.so,mode=live,channel=5,guest=0,icount_shift=0");
}

TEST(QemuCommand, PluginOfEncryptedTraces) {
  const std::vector<AgeRecipient> recipients = {recipient_of(generate_age_identity()), recipient_of(generate_age_identity())};
  EXPECT_EQ(plugin_argument("/h.so", {.channel = 5, .stream_folder = "/t", .recipients = recipients}),
            "file=/h.so,mode=live,channel=5,guest=0,icount_shift=0,stream_folder=/t,recipient=" + text(recipients[0]) +
                ",recipient=" + text(recipients[1]));
  EXPECT_EQ(plugin_argument("/h.so", {.replay = true, .channel = 5, .trace = "/t", .identities = {"/a,b", "/c"}}),
            "file=/h.so,mode=replay,channel=5,guest=0,icount_shift=0,trace=/t,identity=/a,,b,identity=/c");
}

TEST(QemuCommand, CommasInPathsReachThePluginAsCommas) {
  EXPECT_EQ(plugin_argument("/a,b/hooks.so", {.replay = true, .channel = 7, .trace = "/c,,d/x,trace=y"}),
            "file=/a,,b/hooks.so,mode=replay,channel=7,guest=0,icount_shift=0,trace=/c,,,,d/x,,trace=y");
}

TEST(QemuCommand, PathsOfThePluginAreAbsolute) {
  const std::string text = plugin_argument("/hooks.so", {.replay = true, .channel = 7, .trace = "x.trace"});
  EXPECT_TRUE(text.ends_with(",trace=" + (std::filesystem::current_path() / "x.trace").string())) << text;
}

}  // namespace
}  // namespace reprise
