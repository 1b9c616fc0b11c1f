/* monitor/tape.h: what comes to a VM from outside, and when: kept, and played again. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A run follows from its machine and from what comes from outside. That comes at few places: typed bytes, where the
 * guest asks for one or between two rounds; what a visit to a NAT has led to; and idle time that ended when somebody
 * slept enough; and what functions of the host (--host-calls) gave. Each is an item here, with where it came: in a run
 * that is the same so far, that is a place to find again. An item that is not met where it was left says that the run
 * is another one.
 *
 * A tape is its VM's, and used by the thread that takes its turn, or between rounds. */
#ifndef MONITOR_TAPE_H
#define MONITOR_TAPE_H
#include "monitor/hostcall.h"
#include "monitor/monitor.h"

/* Where. BY_COUNT: at that many questions for a key, visits to that network, or calls of the host's functions, since
 * the tape began; the key is that count. IDLE: when idle time from that cycle on was to be skipped. Else a cycle of the
 * VM's clock: ROUND: as a round began then; SKIP: when idle time had been skipped; BETWEEN: between two rounds of VMs.
 */
enum mon_place { MON_BY_COUNT, MON_AT_IDLE, MON_AT_ROUND, MON_AT_SKIP, MON_BETWEEN, MON_PLACES };
enum mon_what {
  MON_KEYS,     /* bytes */
  MON_KEYS_END, /* no more will ever be typed */
  MON_NET,      /* bytes, as a struct io_nat_tape has them */
  MON_NET_LOOK, /* the same, from host sockets */
  MON_HOST,     /* bytes: what a function gave */
  MON_IDLE,     /* it ended at cycle `value` */
  MON_MARK,     /* all so far is on the tape; `value` instructions have been run */
  MON_WHATS
};
struct mon_item {
  uint8_t place, what, net; /* enum mon_place, enum mon_what; the number of the network */
  uint64_t key, value;
  uint32_t n;
  uint8_t *bytes; /* owned */
};

/* How a recorded run ended. */
enum mon_end {
  MON_END_OPEN,  /* nobody knows: the record was cut off, and holds up to its last mark */
  MON_END_OWN,   /* by itself */
  MON_END_COUNT, /* by somebody's wish, after so many instructions */
  MON_END_PLACE, /* likewise, when the VM was at this place */
  MON_ENDS
};
struct mon_tape_end {
  uint8_t kind, why, place; /* enum mon_end, enum mb_stop, enum mon_place */
  uint64_t key, instructions, cycle, hash;
};

struct mon_tape_count {
  uint64_t gets, hosts, visit[MB_NETS_MAX];
};

struct mon_tape {
  struct mb_vm *vm;
  bool plays;           /* what comes is what is on it, and nobody else is heard */
  bool keeps;           /* as items; */
  bool writes;          /* as bytes, for a file */
  bool failed;          /* no memory: it is not whole */
  enum mon_place where; /* what comes now comes there */
  struct mon_item *item;
  size_t n, room, at; /* played up to `at` */
  struct mon_tape_count count;
  struct snap out; /* what has not been written to the file */
  bool keyboard;   /* the guest can be typed to */
  bool over;       /* and nobody ever will, from the beginning */
  struct mon_tape_end end;
  struct {
    bool there;
    enum mon_place place;
    uint64_t key;
  } stop;              /* where all VMs were stopped together */
  uint64_t strange_at; /* the run is another one: known after 1 + so many instructions; 0: it is not */
};

/* A tape for a VM, before that is started. vm->tape, which mon_tape_free() frees. */
__attribute__((warn_unused_result)) int mon_tape_new(struct mb_vm *vm);
void mon_tape_free(struct mb_vm *vm);
/* The VM is started: its devices are listened to. */
void mon_tape_attach(struct mb_vm *vm);

/* In all of these vm->tape may be NULL. Something has come. */
void mon_tape_put(struct mb_vm *vm, enum mon_what what, unsigned net, uint64_t value, const void *bytes, size_t n);
/* For idle time that has ended early: as a replay of it. */
void mon_tape_put_idle(struct mb_vm *vm, uint64_t from, uint64_t to);
/* What comes until the next call comes there. */
static inline void mon_tape_where(struct mon_tape *t, enum mon_place place) {
  if (t) t->where = place;
}
/* Let come what came there. */
void mon_tape_play(struct mb_vm *vm, enum mon_place place);
/* When idle time from `from` on ended; `to`: when it does unless the tape says otherwise, `last`: at the latest. */
uint64_t mon_tape_idle(struct mb_vm *vm, uint64_t from, uint64_t to, uint64_t last);
/* Who is asked, and told, of what functions of the host give. */
struct mon_host_outside mon_tape_host(struct mb_vm *vm);
/* All VMs are stopped here. */
void mon_tape_stopped(struct mb_vm *vm);
static inline bool mon_tape_plays(const struct mon_tape *t) {
  return t && t->plays;
}

/* An item as bytes, and back, behind what is there already; `s` says whether they make sense. */
void mon_item_state(struct mon_item *i, struct snap *s);
/* Append: the bytes change hands. False: no memory. */
bool mon_tape_append(struct mon_tape *t, const struct mon_item *i);
void mon_tape_end_state(struct mon_tape_end *e, struct snap *s);
/* How the VM has ended just now. */
struct mon_tape_end mon_tape_end(struct mb_vm *vm);

/* record.c. */
/* At a look at the host: write what has come, now and then. */
void mon_record_look(struct mb_machine *m);
void mon_record_free(struct mon_record *r);
/* The machine has been started: the file can begin. */
__attribute__((warn_unused_result)) int mon_record_begin(struct mb_machine *m);
/* replay.c: likewise. */
__attribute__((warn_unused_result)) int mon_replay_begin(struct mb_machine *m);
#endif
