/* monitor/cpus.h: which vcpu has which of the machine's modelled cpus, and when. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Unless a scheduler is asked for each vcpu has a cpu to itself. With one, cpus are given out anew at the beginning of
 * each round of the machine (1 ms of virtual time), so that who runs follows from virtual time alone. A vcpu without a
 * cpu that has something to do is kept waiting: its time passes, and it does nothing. One that idles needs none; it has
 * one that nobody wants, if there is any, and then wakes at once, else at the next round. */
#ifndef MONITOR_CPUS_H
#define MONITOR_CPUS_H
#include "mirrorball.h"
#include "numa-model/snap.h"
#include <stdbool.h>
#include <stdint.h>

struct json_t;

enum { MON_SLICE = 10 /* rounds that a vcpu may go on while another waits for its cpu */, MON_NO_CPU = UINT16_MAX };

/* A vcpu. */
struct mon_seat {
  uint16_t vm, vcpu;
  uint16_t pin; /* MON_NO_CPU: none */
  uint16_t cpu; /* that it has, or had last */
  bool ready;   /* it has something to do: to be set before cpus are given out */
  bool has_cpu; /* in this round */
  bool fresh;   /* it has it, and another had it before, or it another */
  bool was_ready;
  uint64_t had;                  /* rounds that count when it is decided whose turn it is: idling is not saved up */
  uint32_t slice, waited;        /* rounds in a row that it has run, or waited for a cpu */
  uint64_t ran, kept;            /* rounds in all: it ran; it waited */
  uint32_t switches, moves, far; /* times that it got a cpu that another had had; from another cpu; from another node */
};

struct mon_cpus {
  enum mb_sched how;
  unsigned cpus, per_node;
  struct mon_seat *seat; /* owned; by VM, then by vcpu */
  unsigned seats;
  uint16_t *tenant; /* by cpu: the seat that has it in this round, then: that had it last; MON_NO_CPU: nobody */
  uint16_t *last;
  uint64_t round;
  uint64_t due; /* virtual ns */
};
/* `vcpus[i]`: how many VM i has. Seats are pinned afterwards. 0 or -1 (no memory). _fini takes a zeroed one, too. */
__attribute__((warn_unused_result)) int mon_cpus_init(struct mon_cpus *s, enum mb_sched how, unsigned cpus,
                                                      unsigned per_node, const unsigned *vcpus, unsigned vms);
void mon_cpus_fini(struct mon_cpus *s);
/* Give out the cpus for a round, by what each seat says of `ready`. No cpu has two seats; none has another than the one
 * it is pinned to. */
void mon_cpus_assign(struct mon_cpus *s);

/* Who has which, and had; pins are the configuration's. */
void mon_cpus_state(struct mon_cpus *s, struct snap *snap);

/* For a machine: as its configuration says. 0 or an error. */
__attribute__((warn_unused_result)) int mon_cpus_start(struct mb_machine *m);
/* Between two rounds: all VMs have lived to `now` (virtual ns). */
void mon_cpus_round(struct mb_machine *m, uint64_t now);
/* The seat of a vcpu; NULL: there is no scheduler. */
struct mon_seat *mon_seat(const struct mb_vm *vm, unsigned vcpu);
/* Has vcpu vm->turn no cpu? Then its time has passed, to the end of the VM's round. */
bool mon_is_kept_waiting(struct mb_vm *vm);
/* A new JSON object. */
struct json_t *mon_seat_json(const struct mon_seat *s);
#endif
