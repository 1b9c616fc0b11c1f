/* iosys/switch.h: a virtual ethernet: stations, and a switch that learns who is where. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A station is where one network card is plugged in; it may belong to any machine of this process. What one sends is
 * due at the others at a time that follows from the two machines' virtual clocks alone, so that machines that run by
 * deterministic turns see deterministic traffic. There is no MTU: whoever agrees on one up to 64 KiB may use it.
 * One thread at a time. */
#ifndef IOSYS_SWITCH_H
#define IOSYS_SWITCH_H
#include "iosys/wire.h"

enum { IO_SWITCH_STATIONS = 64, IO_SWITCH_ADDRESSES = 1024 };

struct io_switch;
struct io_station {
  struct io_switch *at; /* NULL: not plugged in */
  struct io_wire wire;  /* towards the card */
  uint64_t frames, bytes;
  struct io_net_pages pages; /* of the frame that is being handed over */
};

struct io_switch {
  struct io_station *station[IO_SWITCH_STATIONS]; /* borrowed; NULL: free */
  struct {
    uint8_t mac[6];
    struct io_station *at; /* NULL: a free row */
  } learned[IO_SWITCH_ADDRESSES];
  uint64_t flooded; /* frames that went to all, because their address was not known or everybody's */
};

/* A zeroed switch is an empty one. Plug in a machine's card, whose time is `clock`'s. Returns IO_OK, or IO_ERR_FULL. */
__attribute__((warn_unused_result)) int io_switch_join(struct io_switch *s, struct io_station *station,
                                                       struct io_clock *clock);
/* Stations are known by the order in which they have joined. */
void io_switch_state(struct io_switch *w, struct snap *s);
void io_station_state(struct io_station *station, struct snap *s);
/* Pull it out. Twice is harmless, and so is a zeroed one. */
void io_switch_leave(struct io_station *station);
/* What the card is handed; its MAC address is for the caller to set. */
struct io_net io_station_net(struct io_station *station);
#endif
