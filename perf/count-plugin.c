/* perf/count-plugin.c: a plugin for QEMU that counts guest instructions into a shared file. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks are counted when entered, so what an exception cuts off is counted too: a little more than were executed.
 * The few declarations used of QEMU's plugin interface are written out, since Debian packages no header of it; they
 * are the same in all versions of the interface so far. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION 1
#endif

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned vcpu, void *ctx), int flags,
                                          void *ctx);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

static uint64_t unshared, *count = &unshared;

static void entered(unsigned vcpu, void *insns) {
  (void)vcpu;
  *count += (uintptr_t)insns;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, entered, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(tb));
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "count=", 6)) return 1;
    int fd = open(argv[i] + 6, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) count = map;
    if (fd >= 0) close(fd);
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
