/* monitor/trace.c: the trace file, and the lines devices write to it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

int mon_trace_open(struct mb_machine *m) {
  const char *path = m->config.trace_file;
  if (!path || !m->config.trace) return MB_OK;
  m->trace = fopen(path, "we");
  if (!m->trace) return mon_fail(&m->error, MB_ERR_FILE, "trace %s: %s", path, strerror(errno));
  return MB_OK;
}

void mon_trace_device(void *machine, const char *dev, uint64_t at, int size, uint64_t v, bool write) {
  struct mb_machine *m = machine;
  if (m->trace)
    fprintf(m->trace, "dev %12" PRIu64 " %-10s %s%-2d 0x%08" PRIx64 " 0x%0*" PRIx64 "\n", m->vm.clock.now, dev,
            write ? "st" : "ld", size * 8, at, size * 2, v);
}

void mon_trace_note(void *machine, const char *text) {
  struct mb_machine *m = machine;
  if (m->trace) fprintf(m->trace, "dev %12" PRIu64 " %s\n", m->vm.clock.now, text);
}
