/* monitor/nets.c: the configured networks: opened, put into the board, listened to, closed, and what passed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const cards[] = {[MB_NET_VIRTIO] = "virtio", [MB_NET_PCNET] = "pcnet"};
static const char *const kinds[] = {[MB_NET_NAT] = "nat", [MB_NET_SUBNET] = "subnet"};

enum { CARDS = sizeof cards / sizeof *cards, KINDS = sizeof kinds / sizeof *kinds };

static int check_net(struct mb_vm *vm, const struct mb_net *n, unsigned number) {
  if ((unsigned)n->kind >= KINDS || (unsigned)n->card >= CARDS || n->forwards > MB_FORWARDS_MAX ||
      (n->kind == MB_NET_SUBNET) != (n->subnet && *n->subnet))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "network %u is not described", number);
  for (unsigned i = 0; i < n->forwards; i++)
    if (!n->forward[i].host || !n->forward[i].guest)
      return mon_fail(vm->error, MB_ERR_ARGUMENT, "network %u: no port has the number 0", number);
  if (n->kind == MB_NET_SUBNET && (n->forwards || n->restricted))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "network %u: a subnet leads nowhere else", number);
  return MB_OK;
}

/* Cards of all kinds share the board's connectors. */
static int check_connectors(struct mb_vm *vm, unsigned nets) {
  const struct mb_config *c = &vm->config;
  unsigned others = c->seed != 0; /* the random numbers are a card, too */
  for (unsigned i = 0; i < c->disks; i++) others += c->disk[i].bus == MB_DISK_VIRTIO;
  if (!nets || nets + others <= vm->kind->connectors) return MB_OK;
  return mon_fail(vm->error, MB_ERR_ARGUMENT,
                  "a %s board has %u connectors, too few for %u virtio networks beside virtio disks and --seed",
                  vm->kind->name, vm->kind->connectors, nets);
}

static int check(struct mb_vm *vm) {
  const struct mb_config *c = &vm->config;
  const unsigned most[CARDS] = {[MB_NET_VIRTIO] = vm->kind->virtio_nets, [MB_NET_PCNET] = vm->kind->pcnets};
  unsigned n[CARDS] = {0};
  if (c->nets > MB_NETS_MAX) return mon_fail(vm->error, MB_ERR_ARGUMENT, "more than %d networks", MB_NETS_MAX);
  for (unsigned i = 0; i < c->nets; i++) {
    int code = check_net(vm, &c->net[i], i + 1);
    if (code) return code;
    if (++n[c->net[i].card] > most[c->net[i].card])
      return mon_fail(vm->error, MB_ERR_ARGUMENT, "network %u: a %s board takes %u virtio cards and %u pcnet", i + 1,
                      vm->kind->name, most[MB_NET_VIRTIO], most[MB_NET_PCNET]);
  }
  return check_connectors(vm, n[MB_NET_VIRTIO]);
}

/* --- opening --- */

static int open_nat(struct mb_vm *vm, unsigned number) {
  const struct mb_net *n = &vm->config.net[number];
  struct io_nat_forward forward[MB_FORWARDS_MAX];
  struct io_nat_config c = {
      .forward = forward, .forwards = n->forwards, .restricted = n->restricted, .absent = vm->machine->replay != NULL};
  for (unsigned i = 0; i < n->forwards; i++)
    forward[i] = (struct io_nat_forward){n->forward[i].udp, n->forward[i].host, n->forward[i].guest};
  unsigned bad;
  const char *why = io_nat_init(&vm->net[number].nat, &c, &bad);
  if (!why) return MB_OK;
  if (bad == n->forwards) return mon_fail(vm->error, MB_ERR_MEMORY, "network %u: %s", number + 1, why);
  return mon_fail(vm->error, MB_ERR_ARGUMENT, "network %u: %s port %u of this host %s: forward another one", number + 1,
                  forward[bad].udp ? "UDP" : "TCP", forward[bad].host, why);
}

/* NULL: there is none of this name. */
static struct io_switch *find_subnet(const struct mb_machine *m, const char *name) {
  for (unsigned i = 0; i < m->subnets; i++)
    if (!strcmp(m->subnet[i].name, name)) return m->subnet[i].at;
  return NULL;
}

static int make_subnet(struct mb_machine *m, const char *name) {
  if (find_subnet(m, name)) return MB_OK;
  struct mon_subnet *more = realloc(m->subnet, (m->subnets + 1) * sizeof *more);
  if (more) m->subnet = more;
  struct mon_subnet made = {.name = strdup(name), .at = calloc(1, sizeof *made.at)};
  if (more && made.name && made.at) {
    m->subnet[m->subnets++] = made;
    return MB_OK;
  }
  free(made.name);
  free(made.at);
  return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the subnet %s", name);
}

void mon_subnets_free(struct mb_machine *m) {
  for (unsigned i = 0; i < m->subnets; i++) {
    free(m->subnet[i].name);
    free(m->subnet[i].at);
  }
  free(m->subnet);
  io_polls_fini(&m->polls);
}

int mon_nets_open(struct mb_vm *vm) {
  int code = check(vm);
  for (unsigned i = 0; !code && i < vm->config.nets; i++)
    code = vm->config.net[i].kind == MB_NET_NAT ? open_nat(vm, i) : make_subnet(vm->machine, vm->config.net[i].subnet);
  return code;
}

/* 02:...: administered by nobody but us. */
static void set_mac(struct io_net *net, unsigned vm, unsigned card) {
  const uint8_t mac[6] = {0x02, 0x6d, 0x62, 0, (uint8_t)vm, (uint8_t)card};
  memcpy(net->mac, mac, sizeof mac);
}

int mon_nets_attach(struct mb_vm *vm, struct io_board_config *board) {
  unsigned virtio = 0, own = 0; /* on a subnet VMs are told apart; behind NAT each is the run that it is alone */
  while (vm->machine->vm[own] != vm) own++;
  for (unsigned i = 0; i < vm->config.nets; i++) {
    const struct mb_net *n = &vm->config.net[i];
    struct io_net *at = n->card == MB_NET_PCNET ? &board->pcnet : &board->virtio_net[virtio++];
    if (n->kind == MB_NET_NAT) {
      *at = io_nat_net(&vm->net[i].nat, &vm->clock);
    } else {
      if (io_switch_join(find_subnet(vm->machine, n->subnet), &vm->net[i].station, &vm->clock)) return -1;
      *at = io_station_net(&vm->net[i].station);
    }
    set_mac(at, n->kind == MB_NET_SUBNET ? own : 0, i + 1);
  }
  return 0;
}

void mon_nets_close(struct mb_vm *vm) {
  for (unsigned i = 0; i < MB_NETS_MAX; i++) {
    io_nat_fini(&vm->net[i].nat);
    io_switch_leave(&vm->net[i].station);
  }
}

/* --- running --- */

static bool is_nat(const struct mb_vm *vm, unsigned number) {
  return vm->config.net[number].kind == MB_NET_NAT;
}

void mon_nets_look(struct mb_vm *vm) {
  for (unsigned i = 0; i < vm->config.nets; i++)
    if (is_nat(vm, i)) io_nat_look(&vm->net[i].nat);
}

bool mon_nets_hurry(const struct mb_vm *vm) {
  bool hurry = vm->machine->net_ready;
  for (unsigned i = 0; i < vm->config.nets; i++) hurry |= vm->net[i].nat.eager;
  return hurry;
}

bool mon_nets_joined(const struct mb_vm *vm) {
  bool joined = false;
  for (unsigned i = 0; i < vm->config.nets; i++) joined |= !is_nat(vm, i);
  return joined;
}

void mon_nets_sockets(struct mb_vm *vm, struct io_polls *to) {
  for (unsigned i = 0; i < vm->config.nets; i++)
    if (is_nat(vm, i)) io_nat_sockets(&vm->net[i].nat, to);
}

bool mb_nets_outside(const struct mb_machine *m) {
  bool outside = false;
  for (unsigned k = 0; k < m->vms && !m->replay; k++)
    for (unsigned i = 0; i < m->vm[k]->config.nets; i++) {
      const struct mb_net *n = &m->vm[k]->config.net[i];
      outside |= is_nat(m->vm[k], i) && (!n->restricted || n->forwards);
    }
  return outside;
}

/* Pages of memory in frames: see struct io_virtio_net. */
static void add_pages(json_t *o, const struct io_virtio_net *card) {
  json_object_set_new(o, "pages_sent", json_integer((json_int_t)card->pages_sent));
  json_object_set_new(o, "pages_aligned", json_integer((json_int_t)card->pages_met));
  json_object_set_new(o, "pages_shared", json_integer((json_int_t)card->pages_shared));
}

struct json_t *mon_nets_json(const struct mb_vm *vm) {
  json_t *all = json_array();
  unsigned virtio = 0;
  for (unsigned i = 0; i < vm->config.nets; i++) {
    const struct mb_net *n = &vm->config.net[i];
    const struct io_nat *nat = &vm->net[i].nat;
    const struct io_station *s = &vm->net[i].station;
    const struct io_wire *w = is_nat(vm, i) ? &nat->wire : &s->wire;
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "kind", kinds[n->kind], "card", cards[n->card],
                          "frames_sent", (json_int_t)(nat->frames + s->frames), "bytes_sent",
                          (json_int_t)(nat->bytes + s->bytes), "frames_received", (json_int_t)w->frames,
                          "bytes_received", (json_int_t)w->bytes, "frames_lost", (json_int_t)w->lost);
    if (is_nat(vm, i))
      json_object_set_new(o, "frames_from_outside", json_integer((json_int_t)nat->from_outside));
    else
      json_object_set_new(o, "subnet", json_string(n->subnet));
    if (n->card == MB_NET_VIRTIO) add_pages(o, &vm->board.virtio_net[virtio++]);
    json_array_append_new(all, o);
  }
  return all;
}
