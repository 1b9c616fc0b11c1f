/* monitor/gdbstub.h: gdb at a VM: what its parts ask of each other. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Everything happens on the thread that takes the VM's turn: while gdb has the VM stopped, in there. The VM runs as a
 * whole, in its own order, whatever gdb would like to hold back: a vcpu is a thread to gdb, and to step one is to run
 * until it has done its next instruction. */
#ifndef MONITOR_GDBSTUB_H
#define MONITOR_GDBSTUB_H
#include "monitor/gdb_wire.h"
#include "monitor/monitor.h"

enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5, GDB_SIGABRT = 6, GDB_SIGTERM = 15 }; /* as the protocol numbers them */

struct mon_gdb {
  struct mb_vm *vm;
  struct gdb_wire wire;
  struct mips_debug debug; /* of all vcpus */
  bool attached;           /* a client is there */
  bool stopped;            /* and has the VM stopped; or the VM waits for one */
  bool wait;               /* for a client at the beginning */
  bool ended;              /* the client knows that the VM has ended */
  bool swbreak, hwbreak;   /* it wants to be told which breakpoint it was */
  unsigned about, moved;   /* threads that registers and old ways to step are about (Hg, Hc), from 0 on */
  char stop[128];          /* why it is stopped, as a packet */
  uint64_t looked;         /* wall ns */
  struct gdb_back *back;   /* gdb_back.c; NULL: there is no way back yet */
  struct {
    bool on;
    unsigned vcpu;
    uint64_t from, to;          /* goes on while its pc is in there */
    uint64_t begun, interrupts; /* its instructions, and interrupts taken, before */
    bool away;                  /* an interrupt came: goes on when that has returned here: */
    uint64_t back, sp;
  } step;
  /* the transport of mb_gdb_open() */
  char *where, *command;
  bool is_path; /* of a Unix socket; else TCP */
  int listener, client;
};

/* gdbstub.c: with the VM stopped, answer a packet. */
void gdb_answer(struct mon_gdb *g);
/* Stop it, and, if `tell`, say why: a signal, and more words for the packet or "". */
void gdb_stop(struct mon_gdb *g, unsigned signal, const char *words, bool tell);
void gdb_go_on(struct mon_gdb *g);
/* Stop it where this was hit, and say so. */
void gdb_stop_hit(struct mon_gdb *g, const struct mips_hit *h);
/* The client has gone, or goes: breakpoints and all are forgotten, the VM runs on. */
void gdb_detach(struct mon_gdb *g);
void gdb_reply(struct mon_gdb *g, const char *text);
/* The vcpu as gdb's thread, from 0 on. */
struct cpu *gdb_cpu(const struct mon_gdb *g, unsigned thread);

/* gdb_regs.c: registers by gdb's number for them. */
unsigned gdb_registers(const struct cpu *c);
unsigned gdb_register_bytes(const struct cpu *c);
uint64_t gdb_register(struct cpu *c, unsigned n);
void gdb_register_set(struct cpu *c, unsigned n, uint64_t v);
/* The name of a register of coprocessor 0 that gdb has no own feature for; NULL past the last. */
const char *gdb_cp0(struct cpu *c, unsigned i, uint64_t *value);
/* The description of the cpu, as XML: at most `room` bytes and a 0. Returns how many it has. */
size_t gdb_description(struct cpu *c, char *xml, size_t room);

/* gdb_memory.c: an address as the guest has it: gdb drops the sign of a 32-bit program's. */
uint64_t gdb_address(const struct mon_gdb *g, uint64_t va);
/* As the kernel of the vcpu would see it, RAM and the boot flash. Returns the bytes that could be
 * reached. */
size_t gdb_memory_read(struct mon_gdb *g, const struct cpu *c, uint64_t va, uint8_t *to, size_t n);
size_t gdb_memory_write(struct mon_gdb *g, const struct cpu *c, uint64_t va, const uint8_t *from, size_t n);

/* gdb_monitor.c: "monitor COMMAND": writes its answer as text. */
void gdb_monitor(struct mon_gdb *g, const char *command, FILE *to);

/* gdb_back.c: keep a moment to go back to, if it is time. */
void gdb_back_look(struct mon_gdb *g);
void gdb_back_free(struct mon_gdb *g);
/* It has run some way, or ended. */
void gdb_back_ran(struct mon_gdb *g);
/* It is on its way to somewhere in the past: nothing stops it. */
bool gdb_back_busy(const struct mon_gdb *g);
uint64_t gdb_back_cut(const struct mon_gdb *g);
/* Packets: one instruction back; to the last breakpoint or watchpoint. */
void gdb_back_step(struct mon_gdb *g);
void gdb_back_continue(struct mon_gdb *g);

/* gdb_open.c: let clients of `to` debug the VM, which is not started yet; `wait`: it waits for one at its first
 * instruction. vm->gdb, which mon_gdb_free() frees. */
__attribute__((warn_unused_result)) int mon_gdb_new(struct mb_vm *vm, const struct gdb_transport *to, bool wait);
#endif
