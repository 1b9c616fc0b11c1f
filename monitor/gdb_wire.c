/* monitor/gdb_wire.c: packets of gdb's remote serial protocol, over anything that carries bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/gdb_wire.h"
#include <string.h>

static const char digits[] = "0123456789abcdef";

static int digit(int ch) {
  const char *d = ch ? strchr(digits, ch >= 'A' && ch <= 'F' ? ch + 'a' - 'A' : ch) : NULL;
  return d ? (int)(d - digits) : -1;
}

size_t gdb_unhex(const char *hex, size_t n, uint8_t *bytes, size_t room) {
  size_t i = 0;
  for (; i < n / 2 && i < room; i++) {
    int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) break;
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  return i;
}

void gdb_hex(const uint8_t *bytes, size_t n, char *hex) {
  for (size_t i = 0; i < n; i++) {
    *hex++ = digits[bytes[i] >> 4];
    *hex++ = digits[bytes[i] & 15];
  }
  *hex = 0;
}

bool gdb_number(const char **at, uint64_t *out) {
  uint64_t v = 0;
  int d, n = 0;
  for (; (d = digit(**at)) >= 0; n++, ++*at) {
    if (v >> 60) return false;
    v = v << 4 | (unsigned)d;
  }
  *out = v;
  return n > 0;
}

void gdb_wire_reset(struct gdb_wire *w) {
  w->no_acks = false;
  w->in_at = w->in_n = w->n = w->out_n = 0;
  w->state = GDB_OUTSIDE;
}

static void put(struct gdb_wire *w, const char *bytes, size_t n) {
  w->to.put(w->to.ctx, (const uint8_t *)bytes, n);
}

void gdb_wire_send(struct gdb_wire *w, const char *bytes, size_t n) {
  uint8_t sum = 0;
  size_t at = 0;
  w->out[at++] = '$';
  for (size_t i = 0; i < n && i < GDB_PACKET_MAX; i++) {
    char ch = bytes[i];
    if (ch == '#' || ch == '$' || ch == '}' || ch == '*') {
      sum = (uint8_t)(sum + '}');
      w->out[at++] = '}';
      ch ^= 0x20;
    }
    sum = (uint8_t)(sum + (uint8_t)ch);
    w->out[at++] = ch;
  }
  w->out[at++] = '#';
  w->out[at++] = digits[sum >> 4];
  w->out[at++] = digits[sum & 15];
  w->out_n = at;
  put(w, w->out, at);
}

/* --- bytes in --- */

static void body(struct gdb_wire *w, uint8_t byte) {
  if (byte == '#') {
    w->state = GDB_SUM_HIGH;
    return;
  }
  w->sum = (uint8_t)(w->sum + byte);
  if (byte == '}' && !w->escaped) {
    w->escaped = true;
    return;
  }
  if (w->n == GDB_PACKET_MAX)
    w->overlong = true;
  else
    w->packet[w->n++] = (char)(w->escaped ? byte ^ 0x20 : byte);
  w->escaped = false;
}

static enum gdb_event end(struct gdb_wire *w, int low) {
  w->state = GDB_OUTSIDE;
  bool sound = low >= 0 && w->told != UINT8_MAX && (w->told << 4 | low) == w->sum;
  if (!w->no_acks) put(w, sound ? "+" : "-", 1);
  if (!sound) return GDB_NOTHING;
  if (w->overlong) w->n = 0; /* nothing that we know */
  w->packet[w->n] = 0;
  return GDB_PACKET;
}

static enum gdb_event take(struct gdb_wire *w, uint8_t byte) {
  if (byte == '$' && w->state != GDB_OUTSIDE) w->state = GDB_OUTSIDE; /* the rest of the last one was lost */
  switch (w->state) {
  case GDB_OUTSIDE:
    if (byte == 3) return GDB_INTERRUPT;
    if (byte == '-' && w->out_n && !w->no_acks) put(w, w->out, w->out_n);
    if (byte != '$') break;
    w->state = GDB_BODY;
    w->n = w->sum = 0;
    w->escaped = w->overlong = false;
    break;
  case GDB_BODY: body(w, byte); break;
  case GDB_SUM_HIGH:
    w->told = (uint8_t)digit(byte);
    w->state = GDB_SUM_LOW;
    break;
  case GDB_SUM_LOW: return end(w, digit(byte));
  }
  return GDB_NOTHING;
}

enum gdb_event gdb_wire_next(struct gdb_wire *w, int wait_ms) {
  for (;;) {
    while (w->in_at < w->in_n) {
      enum gdb_event e = take(w, w->in[w->in_at++]);
      if (e != GDB_NOTHING) return e;
    }
    int n = w->to.get(w->to.ctx, w->in, sizeof w->in, wait_ms);
    if (n < 0) return GDB_GONE;
    if (!n) return GDB_NOTHING;
    w->in_at = 0;
    w->in_n = (size_t)n;
    wait_ms = 0; /* the rest of a packet comes with the next look */
  }
}
