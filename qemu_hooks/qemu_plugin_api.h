// The part of QEMU's official plugin API that the plugin uses, declared here because Debian ships no header for it.
// Source: include/qemu/qemu-plugin.h and docs/devel/tcg-plugins of QEMU 10.0, API version 4. C linkage, so unnamespaced.
#pragma once

#include <glib.h>

#include <cstdint>

extern "C" {

using qemu_plugin_id_t = uint64_t;
struct qemu_plugin_register;

struct qemu_system_info {
  int smp_vcpus;
  int max_vcpus;
};
struct qemu_info_t {
  const char* target_name;
  struct {
    int min;
    int cur;
  } version;
  bool system_emulation;
  union {
    qemu_system_info system;
  };
};

struct qemu_plugin_reg_descriptor {
  qemu_plugin_register* handle;
  const char* name;
  const char* feature;
};

using qemu_plugin_vcpu_simple_cb_t = void (*)(qemu_plugin_id_t, unsigned);

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb);
/// Valid in a vCPU's context; the array and the descriptors are the caller's to keep.
GArray* qemu_plugin_get_registers(void);
/// Appends the register's bytes to `buffer`; returns their count, or -1.
int qemu_plugin_read_register(qemu_plugin_register* handle, GByteArray* buffer);
}
