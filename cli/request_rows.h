/* cli/request_rows.h: the options of mirrorball run, as rows of a table. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REQUEST_ROWS_H
#define CLI_REQUEST_ROWS_H
#include "cli/request.h"

enum row {
  O_KERNEL,
  O_INITRD,
  O_APPEND,
  O_DISK,
  O_NET,
  O_CPU,
  O_MEM,
  O_BOARD,
  O_VCPUS,
  O_PARALLEL,
  O_ENDIAN,
  O_LOAD,
  O_ENTRY,
  O_TIER,
  O_MODE,
  O_MACHINE_TLB,
  O_L2TLB,
  O_MHZ,
  O_PACE,
  O_JOBS,
  O_MERGE,
  O_STATUS,
  O_RTC,
  O_SEED,
  O_UNTIL,
  O_TIMEOUT,
  O_TYPE,
  O_STATS,
  O_PROFILE,
  O_EXACT,
  O_EVERY,
  O_COVERAGE,
  O_DEBUG_INFO,
  O_EVENTS,
  O_TRACE,
  O_SYMBOLS,
  O_CONSOLE,
  O_TIMESTAMPS,
  O_HOST_CALLS,
  O_GDB,
  O_CHECK,
  O_CHECK_ALLOW,
  O_CODE_CACHE,
  O_CODE_STORE,
  O_BOOT_STORE,
  O_NUMA,
  O_NUMA_SAMPLE,
  O_NUMA_MACHINE,
  O_CHECKPOINT,
  O_FROM,
  O_RECORD,
  O_REPLAY,
  O_REPLAY_TO,
  O_PLACE,
  O_POLICY,
  O_POLICY_SET,
  O_POLICY_FEED,
  O_PAGE_LOG,
  O_SCHED,
  O_CPUS,
  O_PIN,
  O_MACHINE,
  O_PRINT,
  O_HELP
};

/* What a row describes. KEY: one VM, as does REPEATS, which may be given several times. ALL: one or all. RUN: how it is
 * all run. MACHINE: what VMs are put into. */
enum request_kind { KEY, REPEATS, ALL, RUN, MACHINE, MACHINE_REPEATS };
enum request_kind request_kind(int row);
#endif
