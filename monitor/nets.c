/* monitor/nets.c: the configured networks: opened, put into the board, listened to, closed, and what passed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const cards[] = {[MB_NET_VIRTIO] = "virtio", [MB_NET_PCNET] = "pcnet"};
static const char *const kinds[] = {[MB_NET_NAT] = "nat", [MB_NET_SUBNET] = "subnet"};

enum { CARDS = sizeof cards / sizeof *cards, KINDS = sizeof kinds / sizeof *kinds };

static int check_net(struct mb_machine *m, const struct mb_net *n, unsigned number) {
  if ((unsigned)n->kind >= KINDS || (unsigned)n->card >= CARDS || n->forwards > MB_FORWARDS_MAX ||
      (n->kind == MB_NET_SUBNET) != (n->subnet && *n->subnet))
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "network %u is not described", number);
  for (unsigned i = 0; i < n->forwards; i++)
    if (!n->forward[i].host || !n->forward[i].guest)
      return mon_fail(&m->error, MB_ERR_ARGUMENT, "network %u: no port has the number 0", number);
  if (n->kind == MB_NET_SUBNET && (n->forwards || n->restricted))
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "network %u: a subnet leads nowhere else", number);
  return MB_OK;
}

/* Cards of all kinds share the board's connectors. */
static int check_connectors(struct mb_machine *m, unsigned nets) {
  const struct mb_config *c = &m->config;
  unsigned others = c->seed != 0; /* the random numbers are a card, too */
  for (unsigned i = 0; i < c->disks; i++) others += c->disk[i].bus == MB_DISK_VIRTIO;
  if (!nets || nets + others <= m->board->connectors) return MB_OK;
  return mon_fail(&m->error, MB_ERR_ARGUMENT,
                  "a %s board has %u connectors, too few for %u virtio networks beside virtio disks and --seed",
                  m->board->name, m->board->connectors, nets);
}

static int check(struct mb_machine *m) {
  const struct mb_config *c = &m->config;
  const unsigned most[CARDS] = {[MB_NET_VIRTIO] = m->board->virtio_nets, [MB_NET_PCNET] = m->board->pcnets};
  unsigned n[CARDS] = {0};
  if (c->nets > MB_NETS_MAX) return mon_fail(&m->error, MB_ERR_ARGUMENT, "more than %d networks", MB_NETS_MAX);
  for (unsigned i = 0; i < c->nets; i++) {
    int code = check_net(m, &c->net[i], i + 1);
    if (code) return code;
    if (++n[c->net[i].card] > most[c->net[i].card])
      return mon_fail(&m->error, MB_ERR_ARGUMENT, "network %u: a %s board takes %u virtio cards and %u pcnet", i + 1,
                      m->board->name, most[MB_NET_VIRTIO], most[MB_NET_PCNET]);
  }
  return check_connectors(m, n[MB_NET_VIRTIO]);
}

/* --- opening --- */

static int open_nat(struct mb_machine *m, unsigned number) {
  const struct mb_net *n = &m->config.net[number];
  struct io_nat_forward forward[MB_FORWARDS_MAX];
  struct io_nat_config c = {.forward = forward, .forwards = n->forwards, .restricted = n->restricted};
  for (unsigned i = 0; i < n->forwards; i++)
    forward[i] = (struct io_nat_forward){n->forward[i].udp, n->forward[i].host, n->forward[i].guest};
  unsigned bad;
  const char *why = io_nat_init(&m->net[number].nat, &c, &bad);
  if (!why) return MB_OK;
  if (bad == n->forwards) return mon_fail(&m->error, MB_ERR_MEMORY, "network %u: %s", number + 1, why);
  return mon_fail(&m->error, MB_ERR_ARGUMENT, "network %u: %s port %u of this host %s: forward another one", number + 1,
                  forward[bad].udp ? "UDP" : "TCP", forward[bad].host, why);
}

/* The number of the first net of the same subnet. */
static unsigned first_of(const struct mb_machine *m, unsigned number) {
  const struct mb_net *net = m->config.net;
  unsigned i = 0;
  while (net[i].kind != MB_NET_SUBNET || strcmp(net[i].subnet, net[number].subnet)) i++;
  return i;
}

int mon_nets_open(struct mb_machine *m) {
  int code = check(m);
  for (unsigned i = 0; !code && i < m->config.nets; i++) {
    if (m->config.net[i].kind == MB_NET_NAT)
      code = open_nat(m, i);
    else if (first_of(m, i) == i && !(m->subnet[i] = calloc(1, sizeof *m->subnet[i])))
      code = mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the subnet %s", m->config.net[i].subnet);
  }
  return code;
}

/* 02:...: administered by nobody but us. */
static void set_mac(struct io_net *net, unsigned card) {
  const uint8_t mac[6] = {0x02, 0x6d, 0x62, 0, 0, (uint8_t)card};
  memcpy(net->mac, mac, sizeof mac);
}

int mon_nets_attach(struct mb_machine *m, struct io_board_config *board) {
  unsigned virtio = 0;
  for (unsigned i = 0; i < m->config.nets; i++) {
    const struct mb_net *n = &m->config.net[i];
    struct io_net *at = n->card == MB_NET_PCNET ? &board->pcnet : &board->virtio_net[virtio++];
    if (n->kind == MB_NET_NAT) {
      *at = io_nat_net(&m->net[i].nat, &m->vm.clock);
    } else {
      if (io_switch_join(m->subnet[first_of(m, i)], &m->net[i].station, &m->vm.clock)) return -1;
      *at = io_station_net(&m->net[i].station);
    }
    set_mac(at, i + 1);
  }
  return 0;
}

void mon_nets_close(struct mb_machine *m) {
  for (unsigned i = 0; i < MB_NETS_MAX; i++) {
    io_nat_fini(&m->net[i].nat);
    io_switch_leave(&m->net[i].station);
  }
  for (unsigned i = 0; i < MB_NETS_MAX; i++) free(m->subnet[i]);
  io_polls_fini(&m->polls);
}

/* --- running --- */

static bool is_nat(const struct mb_machine *m, unsigned number) {
  return m->config.net[number].kind == MB_NET_NAT;
}

void mon_nets_look(struct mb_machine *m) {
  m->net_ready = false;
  for (unsigned i = 0; i < m->config.nets; i++)
    if (is_nat(m, i)) io_nat_look(&m->net[i].nat);
}

bool mon_nets_hurry(const struct mb_machine *m) {
  bool hurry = m->net_ready;
  for (unsigned i = 0; i < m->config.nets; i++) hurry |= m->net[i].nat.eager;
  return hurry;
}

void mon_nets_sockets(struct mb_machine *m) {
  for (unsigned i = 0; i < m->config.nets; i++)
    if (is_nat(m, i)) io_nat_sockets(&m->net[i].nat, &m->polls);
}

bool mb_nets_outside(const struct mb_machine *m) {
  bool outside = false;
  for (unsigned i = 0; i < m->config.nets; i++)
    outside |= is_nat(m, i) && (!m->config.net[i].restricted || m->config.net[i].forwards);
  return outside;
}

struct json_t *mon_nets_json(const struct mb_machine *m) {
  json_t *all = json_array();
  for (unsigned i = 0; i < m->config.nets; i++) {
    const struct mb_net *n = &m->config.net[i];
    const struct io_nat *nat = &m->net[i].nat;
    const struct io_station *s = &m->net[i].station;
    const struct io_wire *w = is_nat(m, i) ? &nat->wire : &s->wire;
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "kind", kinds[n->kind], "card", cards[n->card],
                          "frames_sent", (json_int_t)(nat->frames + s->frames), "bytes_sent",
                          (json_int_t)(nat->bytes + s->bytes), "frames_received", (json_int_t)w->frames,
                          "bytes_received", (json_int_t)w->bytes, "frames_lost", (json_int_t)w->lost);
    if (is_nat(m, i))
      json_object_set_new(o, "frames_from_outside", json_integer((json_int_t)nat->from_outside));
    else
      json_object_set_new(o, "subnet", json_string(n->subnet));
    json_array_append_new(all, o);
  }
  return all;
}
