/* monitor/moncall.h: monitor calls: what a guest that knows of the monitor may ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* As guests/include/mirrorball-calls.h tells guests. The registers are in the CBUS gap of the FPGA, on every board. */
#ifndef MONITOR_MONCALL_H
#define MONITOR_MONCALL_H
#include "monitor/hostcall.h"
#include "monitor/monitor.h"

/* A 32-bit store to MON_CALL_GPA of the guest-physical address of a struct mon_call_block makes the call before the
 * next instruction. It reads as MON_CALL_MARK. */
#define MON_CALL_GPA  0x1f000a04
#define MON_CALL_MARK 0x4d424331 /* "MBC1" */
enum { MON_CALL_ARGS = 4, MON_CALL_PAGES = 1 << 18 /* of a call, at most */ };
/* In the guest's byte order; 8-byte aligned. */
struct mon_call_block {
  uint32_t call, error; /* enum mon_call_error */
  uint64_t arg[MON_CALL_ARGS], result;
};
enum mon_call {
  MON_CALL_NOTHING,
  MON_CALL_ZERO_PAGES, /* guest-physical address, pages: they are zeros */
  MON_CALL_FREE_PAGES, /* likewise: nobody wants what they hold (they are zeros, too) */
  MON_CALL_REMAP,      /* to, from, pages: the one have what the others have */
  MON_CALL_CONSOLE,    /* virtual address, bytes */
  MON_CALL_EXIT,       /* verdict: 0 is good */
  MON_CALL_FIND,       /* virtual address of a host function's name: its number */
  MON_CALL_HOST,       /* number, virtual address of arguments, 4 or 8: bytes of a slot */
  MON_CALLS
};

/* A store to it, when the host has called a function of the guest, means that it has returned. From the boot flash: */
#define MON_RETURN_GPA 0x1f000a08
enum { MON_ROM_RETURN = 0x40 };

/* moncall.c: the call register's device; the guest's memory, by virtual address. */
extern const struct dev_ops mon_call_ops;
struct mon_host_memory mon_guest_memory(struct mb_vm *vm);
/* guestcall.c */
extern const struct dev_ops mon_return_ops;
void mon_guest_functions_free(struct mb_vm *vm);
#endif
