/* monitor/gdb_wire.h: packets of gdb's remote serial protocol, over anything that carries bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Source: "Debugging with GDB", appendix "GDB Remote Serial Protocol", sections Overview and Packets. What is no
 * packet is dropped; a damaged one is asked for again. */
#ifndef MONITOR_GDB_WIRE_H
#define MONITOR_GDB_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client, or the lack of one. */
struct gdb_transport {
  /* Is there a client? Waits so long for one. */
  bool (*there)(void *ctx, int wait_ms);
  /* Bytes from it: how many; 0: none within that time; -1: it has gone. */
  int (*get)(void *ctx, uint8_t *bytes, size_t room, int wait_ms);
  /* All of them, to it. One that has gone is noticed by get(). */
  void (*put)(void *ctx, const uint8_t *bytes, size_t n);
  void (*hang_up)(void *ctx);
  void *ctx;
};

enum gdb_event {
  GDB_NOTHING,   /* in that time */
  GDB_PACKET,    /* packet and n are it */
  GDB_INTERRUPT, /* Ctrl-C */
  GDB_GONE,
};

enum { GDB_PACKET_MAX = 16384 };

struct gdb_wire {
  struct gdb_transport to;
  bool no_acks;
  uint8_t in[4096]; /* not looked at yet */
  size_t in_at, in_n;
  enum { GDB_OUTSIDE, GDB_BODY, GDB_SUM_HIGH, GDB_SUM_LOW } state;
  bool escaped, overlong;
  uint8_t sum, told;
  char packet[GDB_PACKET_MAX + 1]; /* with a 0 behind it */
  size_t n;
  char out[2 * GDB_PACKET_MAX + 8]; /* the last reply, as it was sent */
  size_t out_n;
};

/* For a new client. */
void gdb_wire_reset(struct gdb_wire *w);
/* What has come next from the client that is there. */
enum gdb_event gdb_wire_next(struct gdb_wire *w, int wait_ms);
/* Send a packet; at most GDB_PACKET_MAX bytes, more are cut off. */
void gdb_wire_send(struct gdb_wire *w, const char *bytes, size_t n);

/* Hexadecimal, as packets have it: how many bytes could be read of at most `room`. */
size_t gdb_unhex(const char *hex, size_t digits, uint8_t *bytes, size_t room);
/* Writes 2 * n digits and a 0. */
void gdb_hex(const uint8_t *bytes, size_t n, char *hex);
/* A number from *at on, which moves behind it. False: there is none, or it is too large. */
bool gdb_number(const char **at, uint64_t *out);
#endif
