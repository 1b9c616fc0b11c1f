/* monitor/trace.c: the trace file, and the lines devices write to it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

int mon_trace_open(struct mb_vm *vm) {
  const char *path = vm->config.trace_file;
  if (!path || !vm->config.trace) return MB_OK;
  vm->trace = fopen(path, "we");
  if (!vm->trace) return mon_fail(vm->error, MB_ERR_FILE, "trace %s: %s", path, strerror(errno));
  return MB_OK;
}

void mon_trace_device(void *ctx, const char *dev, uint64_t at, int size, uint64_t v, bool write) {
  struct mb_vm *vm = ctx;
  if (vm->trace)
    fprintf(vm->trace, "dev %12" PRIu64 " %-10s %s%-2d 0x%08" PRIx64 " 0x%0*" PRIx64 "\n", vm->clock.now, dev,
            write ? "st" : "ld", size * 8, at, size * 2, v);
}

void mon_trace_note(void *ctx, const char *text) {
  struct mb_vm *vm = ctx;
  if (vm->trace) fprintf(vm->trace, "dev %12" PRIu64 " %s\n", vm->clock.now, text);
}
