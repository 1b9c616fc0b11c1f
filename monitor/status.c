/* monitor/status.c: what a running machine answers to those who ask, over a Unix socket or by a key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/status.h"
#include "monitor/listen.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct mon_status {
  char *path;
  int fd, client; /* listening; who asks, -1: nobody does */
  char *text;     /* the answer; NULL: none yet */
  size_t n, sent;
};

/* --- what there is to say --- */

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

static const char *vcpu_state(const struct mb_vm *vm, unsigned i) {
  const struct cpu *c = &vm->cpu[i];
  if (!vm->vcpu[i].up) return "off";
  if (vm->vcpu[i].start) return "starts";
  if (c->dead) return "dead";
  return mips_waits(c) ? "waits" : "runs";
}

static json_t *vcpus_json(struct mb_vm *vm) {
  json_t *all = json_array();
  char symbol[128];
  for (unsigned i = 0; i < vm->vcpus; i++) {
    uint64_t pc = vm->cpu[i].j.pc;
    json_array_append_new(all, json_pack("{s:s, s:I, s:s}", "state", vcpu_state(vm, i), "instructions",
                                         (json_int_t)mips_instructions(&vm->cpu[i]), "at",
                                         mb_symbol(vm, pc, symbol, sizeof symbol)));
  }
  return all;
}

/* What is a VM doing, and if nothing: what does it wait for? */
static void describe(const struct mb_vm *vm, char *text, size_t n) {
  uint64_t next, now = vm->clock.now;
  if (vm->stopping)
    snprintf(text, n, "stopped: %s", mb_stop_name(vm->why));
  else if (!mon_all_wait(vm))
    snprintf(text, n, "runs");
  else if ((next = mon_next_event(vm)) == UINT64_MAX)
    snprintf(text, n, "waits for input");
  else
    snprintf(text, n, "waits for a timer%s, due in %.3f virtual ms", vm->machine->pace.anchored ? ", in real time" : "",
             next > now ? (double)mon_ns(vm, next - now) / 1e6 : 0.0);
}

static json_t *vm_json(struct mb_vm *vm) {
  struct mb_stats s;
  char state[120];
  mb_get_stats(vm, &s);
  json_t *memory = mon_memory_json(vm); /* learns the kernel's symbols, if need be */
  describe(vm, state, sizeof state);
  json_t *o = json_object();
  json_object_set_new(o, "name", vm->config.name ? json_string(vm->config.name) : json_null());
  json_object_set_new(o, "state", json_string(state));
  json_object_set_new(o, "instructions", number(s.instructions));
  json_object_set_new(o, "virtual_ns", number(s.virtual_ns));
  json_object_set_new(o, "cycles", number(s.cycles));
  json_object_set_new(o, "idle_cycles", number(s.idle_cycles));
  json_object_set_new(o, "tiers", mon_tiers_json(&s));
  json_object_set_new(o, "kernel", json_string(vm->kernel_path));
  json_object_set_new(o, "board", json_string(vm->kind->name));
  json_object_set_new(o, "cpu", json_string(vm->model->name));
  json_object_set_new(o, "parallel", json_boolean(vm->threads));
  json_object_set_new(o, "mode", json_string(mon_mode_name(vm->config.mode)));
  json_object_set_new(o, "vcpus", vcpus_json(vm));
  json_object_set_new(o, "memory_use", memory);
  return o;
}

static json_t *machine_json(struct mb_machine *m) {
  json_t *o = json_object(), *vms = json_array();
  for (unsigned i = 0; i < m->vms; i++) json_array_append_new(vms, vm_json(m->vm[i]));
  json_object_set_new(o, "pid", number((uint64_t)getpid()));
  json_object_set_new(o, "version", json_string(mb_version()));
  json_object_set_new(o, "wall_seconds", json_real((double)(m->wall_ns + (mon_wall_ns() - m->begun)) / 1e9));
  json_object_set_new(o, "running", number(m->running));
  json_object_set_new(o, "max_rss", number(mon_max_rss()));
  json_object_set_new(o, "memory_use", mon_memory_sum_json(m));
  json_object_set_new(o, "vms", vms);
  return o;
}

/* --- the socket --- */

static void hang_up(struct mon_status *s) {
  if (s->client >= 0) close(s->client);
  s->client = -1;
  free(s->text);
  s->text = NULL;
  s->n = s->sent = 0;
}

static void send_on(struct mon_status *s) {
  while (s->sent < s->n) {
    ssize_t k = send(s->client, s->text + s->sent, s->n - s->sent, MSG_NOSIGNAL);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0 && errno == EAGAIN) return;
    if (k <= 0) break;
    s->sent += (size_t)k;
  }
  hang_up(s);
}

bool mon_status_asked(struct mb_machine *m) {
  struct mon_status *s = m->status;
  if (!s) return false;
  if (s->text) send_on(s);
  if (s->client < 0) s->client = mon_accept(s->fd);
  return s->client >= 0 && !s->text;
}

void mon_status_answer(struct mb_machine *m) {
  struct mon_status *s = m->status;
  if (!s || s->client < 0 || s->text) return;
  json_t *o = machine_json(m);
  s->text = o ? json_dumps(o, JSON_COMPACT) : NULL;
  s->n = s->text ? strlen(s->text) : 0;
  json_decref(o);
  send_on(s); /* of nothing, if the host is out of memory: then it is hung up */
}

void mon_status_polls(const struct mb_machine *m, struct io_polls *to) {
  const struct mon_status *s = m->status;
  /* without memory for it the sleep ends in time all the same */
  if (s) (void)io_polls_add(to, s->text ? s->client : s->fd, s->text ? POLLOUT : POLLIN);
}

int mb_status_listen(struct mb_machine *m, const char *path) {
  if (m->status) return mon_fail(&m->error, MB_ERR_STATE, "the machine can be asked at %s already", m->status->path);
  struct mon_status *s = calloc(1, sizeof *s);
  char *copy = strdup(path);
  if (!s || !copy) return free(s), free(copy), mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  *s = (struct mon_status){.path = copy, .fd = mon_listen(path, 8), .client = -1};
  if (s->fd >= 0) return m->status = s, MB_OK;
  int code = mon_fail(&m->error, MB_ERR_FILE, "status socket %s: %s", path, mon_listen_why());
  return free(copy), free(s), code;
}

void mon_status_free(struct mon_status *s) {
  if (!s) return;
  hang_up(s);
  close(s->fd);
  unlink(s->path);
  free(s->path);
  free(s);
}
