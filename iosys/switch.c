/* iosys/switch.c: a virtual ethernet: stations, and a switch that learns who is where. */
/* SPDX-License-Identifier: Apache-2.0 */
/* An address has one row it can be in, by a hash; a newer address there replaces it. Then frames for the older one go
 * to everybody until it sends again: slower, never wrong. */
#include "iosys/switch.h"
#include "iosys/bus.h"
#include <string.h>

static unsigned row_of(const uint8_t *mac) {
  uint32_t h = 2166136261u; /* FNV-1a */
  for (int i = 0; i < 6; i++) h = (h ^ mac[i]) * 16777619u;
  return (h ^ h >> 16) % IO_SWITCH_ADDRESSES;
}

static bool is_group(const uint8_t *mac) {
  return mac[0] & 1;
}

static void learn(struct io_switch *s, const uint8_t *mac, struct io_station *from) {
  unsigned row = row_of(mac);
  if (is_group(mac)) return; /* nobody's own address */
  memcpy(s->learned[row].mac, mac, 6);
  s->learned[row].at = from;
}

/* NULL: everybody. */
static struct io_station *find(const struct io_switch *s, const uint8_t *mac) {
  unsigned row = row_of(mac);
  return !is_group(mac) && !memcmp(s->learned[row].mac, mac, 6) ? s->learned[row].at : NULL;
}

static void station_send(void *station, const uint8_t *frame, unsigned n) {
  struct io_station *from = station;
  struct io_switch *s = from->at;
  struct io_net_pages pages = from->pages;
  from->pages.n = 0;
  if (!s || from->wire.cut || n < IO_NET_HEADER || n > IO_NET_FRAME_MAX) return;
  uint64_t now = io_clock_ns(from->wire.clock);
  from->frames++;
  from->bytes += n;
  learn(s, frame + 6, from);
  struct io_station *to = find(s, frame);
  if (to) {
    if (to != from) io_wire_put(&to->wire, frame, n, now, &pages);
    return;
  }
  s->flooded++;
  for (unsigned i = 0; i < IO_SWITCH_STATIONS; i++)
    if (s->station[i] && s->station[i] != from) io_wire_put(&s->station[i]->wire, frame, n, now, &pages);
}

static unsigned station_recv(void *station, uint8_t *frame, unsigned room) {
  struct io_station *s = station;
  return io_wire_get(&s->wire, frame, room, &s->pages);
}

static void station_listen(void *station, void (*arrived)(void *card), void *card) {
  io_wire_listen(&((struct io_station *)station)->wire, arrived, card);
}

struct io_net io_station_net(struct io_station *station) {
  return (struct io_net){
      .send = station_send, .recv = station_recv, .listen = station_listen, .ctx = station, .pages = &station->pages};
}

int io_switch_join(struct io_switch *s, struct io_station *station, struct io_clock *clock) {
  unsigned i = 0;
  while (i < IO_SWITCH_STATIONS && s->station[i]) i++;
  if (i == IO_SWITCH_STATIONS) return IO_ERR_FULL;
  *station = (struct io_station){.at = s};
  io_wire_init(&station->wire, clock);
  s->station[i] = station;
  return IO_OK;
}

void io_switch_leave(struct io_station *station) {
  struct io_switch *s = station->at;
  for (unsigned i = 0; s && i < IO_SWITCH_STATIONS; i++)
    if (s->station[i] == station) s->station[i] = NULL;
  for (unsigned i = 0; s && i < IO_SWITCH_ADDRESSES; i++)
    if (s->learned[i].at == station) s->learned[i].at = NULL;
  io_wire_fini(&station->wire);
  station->at = NULL;
}

/* --- state --- */

void io_station_state(struct io_station *station, struct snap *s) {
  SNAP(s, station->frames);
  SNAP(s, station->bytes);
  io_wire_state(&station->wire, s);
}

/* A station by its place, 0: none. */
static uint32_t place_of(const struct io_switch *w, const struct io_station *station) {
  uint32_t i = 0;
  while (i < IO_SWITCH_STATIONS && w->station[i] != station) i++;
  return station ? i + 1 : 0;
}

void io_switch_state(struct io_switch *w, struct snap *s) {
  SNAP(s, w->flooded);
  for (unsigned i = 0; i < IO_SWITCH_ADDRESSES; i++) {
    uint32_t at = place_of(w, w->learned[i].at);
    snap_bytes(s, w->learned[i].mac, sizeof w->learned[i].mac);
    SNAP(s, at);
    if (!snap_check(s, at <= IO_SWITCH_STATIONS && (!at || w->station[at - 1]))) return;
    w->learned[i].at = at ? w->station[at - 1] : NULL;
  }
}
