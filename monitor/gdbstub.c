/* monitor/gdbstub.c: what gdb asks of a stopped VM, packet by packet. */
/* SPDX-License-Identifier: Apache-2.0 */
/* "Debugging with GDB", appendix "GDB Remote Serial Protocol". A thread is a vcpu, numbered from 1 on. What is not
 * known is answered by an empty packet, as the protocol wants it; what is wrong, by E and a number. */
#include "monitor/gdbstub.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { REG_BYTES_MAX = 8, MEMORY_MAX = GDB_PACKET_MAX / 2 };

void gdb_reply(struct mon_gdb *g, const char *text) {
  gdb_wire_send(&g->wire, text, strlen(text));
}

static void ok(struct mon_gdb *g) {
  gdb_reply(g, "OK");
}
static void wrong(struct mon_gdb *g) {
  gdb_reply(g, "E16"); /* EINVAL */
}

struct cpu *gdb_cpu(const struct mon_gdb *g, unsigned thread) {
  return &g->vm->cpu[thread < g->vm->vcpus ? thread : 0];
}

/* A thread: -1: all, 0: any, else a vcpu. */
static bool thread_at(const struct mon_gdb *g, const char **at, int *thread) {
  uint64_t n;
  if (!strncmp(*at, "-1", 2)) return *at += 2, *thread = -1, true;
  if (!gdb_number(at, &n) || n > g->vm->vcpus) return false;
  *thread = (int)n;
  return true;
}

/* --- registers --- */

/* In the guest's byte order; returns where it ended. */
static char *put_register(struct mon_gdb *g, struct cpu *c, unsigned n, char *hex) {
  unsigned bytes = gdb_register_bytes(c);
  uint64_t v = gdb_register(c, n);
  uint8_t raw[REG_BYTES_MAX];
  (void)g;
  for (unsigned i = 0; i < bytes; i++) raw[i] = (uint8_t)(v >> 8 * (mips_big(c) ? bytes - 1 - i : i));
  gdb_hex(raw, bytes, hex);
  return hex + 2 * bytes;
}

static bool take_register(struct cpu *c, unsigned n, const char *hex, size_t digits) {
  unsigned bytes = gdb_register_bytes(c);
  uint8_t raw[REG_BYTES_MAX];
  uint64_t v = 0;
  if (gdb_unhex(hex, digits, raw, bytes) < bytes) return false;
  for (unsigned i = 0; i < bytes; i++) v |= (uint64_t)raw[i] << 8 * (mips_big(c) ? bytes - 1 - i : i);
  gdb_register_set(c, n, v);
  return true;
}

static void read_all(struct mon_gdb *g, const char *at) {
  char hex[GDB_PACKET_MAX], *end = hex;
  struct cpu *c = gdb_cpu(g, g->about);
  (void)at;
  for (unsigned i = 0; i < gdb_registers(c); i++) end = put_register(g, c, i, end);
  gdb_wire_send(&g->wire, hex, (size_t)(end - hex));
}

static void write_all(struct mon_gdb *g, const char *at) {
  struct cpu *c = gdb_cpu(g, g->about);
  size_t digits = 2 * gdb_register_bytes(c), left = strlen(at);
  for (unsigned i = 0; i < gdb_registers(c) && left >= digits; i++, at += digits, left -= digits)
    if (!take_register(c, i, at, digits)) return wrong(g);
  ok(g);
}

static void read_one(struct mon_gdb *g, const char *at) {
  struct cpu *c = gdb_cpu(g, g->about);
  char hex[2 * REG_BYTES_MAX + 1];
  uint64_t n;
  if (!gdb_number(&at, &n) || n >= gdb_registers(c)) return wrong(g);
  put_register(g, c, (unsigned)n, hex);
  gdb_reply(g, hex);
}

static void write_one(struct mon_gdb *g, const char *at) {
  struct cpu *c = gdb_cpu(g, g->about);
  uint64_t n;
  if (!gdb_number(&at, &n) || *at++ != '=' || n >= gdb_registers(c) || !take_register(c, (unsigned)n, at, strlen(at)))
    return wrong(g);
  ok(g);
}

/* --- memory --- */

static bool range_at(const char **at, uint64_t *va, uint64_t *n) {
  return gdb_number(at, va) && *(*at)++ == ',' && gdb_number(at, n);
}

static void read_memory(struct mon_gdb *g, const char *at) {
  uint8_t bytes[MEMORY_MAX];
  char hex[2 * MEMORY_MAX + 1];
  uint64_t va, n;
  if (!range_at(&at, &va, &n)) return wrong(g);
  if (n > MEMORY_MAX) n = MEMORY_MAX;
  size_t had = gdb_memory_read(g, gdb_cpu(g, g->about), va, bytes, n);
  if (n && !had) return gdb_reply(g, "E14"); /* EFAULT */
  gdb_hex(bytes, had, hex);
  gdb_reply(g, hex);
}

static void store(struct mon_gdb *g, uint64_t va, const uint8_t *bytes, uint64_t n) {
  if (gdb_memory_write(g, gdb_cpu(g, g->about), va, bytes, n) < n) return gdb_reply(g, "E14");
  ok(g);
}

static void write_memory(struct mon_gdb *g, const char *at) {
  uint8_t bytes[MEMORY_MAX];
  uint64_t va, n;
  if (!range_at(&at, &va, &n) || *at++ != ':' || n > MEMORY_MAX || gdb_unhex(at, strlen(at), bytes, n) < n)
    return wrong(g);
  store(g, va, bytes, n);
}

static void write_binary(struct mon_gdb *g, const char *at) {
  uint64_t va, n;
  if (!range_at(&at, &va, &n) || *at++ != ':' || n != g->wire.n - (size_t)(at - g->wire.packet)) return wrong(g);
  store(g, va, (const uint8_t *)at, n);
}

/* --- breakpoints and watchpoints --- */

/* What Z and z are about: a kind, an address, a length. False: it has been answered. */
static bool place(struct mon_gdb *g, const char *at, int *kind, uint64_t *va, uint64_t *n) {
  *kind = *at - '0';
  if (*kind < 0 || *kind > 4) return gdb_reply(g, ""), false;
  at++;
  if (*at++ != ',' || !range_at(&at, va, n)) return wrong(g), false;
  *va = gdb_address(g, *va);
  if (*kind < 2) *va &= ~UINT64_C(3);
  return true;
}

/* By kind: 0 and 1 are breakpoints. */
static const unsigned placed[] = {MIPS_BREAK_SOFT, MIPS_BREAK_HARD, MIPS_WATCH_WRITE, MIPS_WATCH_READ,
                                  MIPS_WATCH_READ | MIPS_WATCH_WRITE};

static void insert(struct mon_gdb *g, const char *at) {
  struct cpu *c = gdb_cpu(g, 0);
  uint64_t va, n;
  int kind;
  if (!place(g, at, &kind, &va, &n)) return;
  if (kind < 2 ? mips_debug_break(c, va, placed[kind]) : mips_debug_watch(c, va, n, placed[kind]))
    return gdb_reply(g, "E12"); /* ENOMEM */
  ok(g);
}

static void take_out(struct mon_gdb *g, const char *at) {
  struct cpu *c = gdb_cpu(g, 0);
  uint64_t va, n;
  int kind;
  if (!place(g, at, &kind, &va, &n)) return;
  if (kind < 2)
    mips_debug_unbreak(c, va, placed[kind]);
  else
    mips_debug_unwatch(c, va, n, placed[kind]);
  ok(g);
}

/* --- going on --- */

static void step(struct mon_gdb *g, int thread, uint64_t from, uint64_t to) {
  g->step.on = true;
  g->step.vcpu = thread > 0 ? (unsigned)thread - 1 : g->vm->turn;
  g->step.from = from;
  g->step.to = to;
}

/* c, s, C, S: with an address to go on at, perhaps behind a signal, which a machine cannot be given. */
static void old_resume(struct mon_gdb *g, const char *at) {
  char how = g->wire.packet[0];
  uint64_t v;
  if (how == 'C' || how == 'S') {
    if (!gdb_number(&at, &v)) return wrong(g);
    if (*at == ';') at++;
  }
  if (*at) {
    if (!gdb_number(&at, &v)) return wrong(g);
    gdb_register_set(gdb_cpu(g, g->moved), 37, v); /* the pc */
  }
  if (how == 's' || how == 'S') step(g, (int)g->moved + 1, 0, 0);
  gdb_go_on(g);
}

/* The first action that steps a vcpu is done; all else goes on, as the machine is one. */
static void resume(struct mon_gdb *g, const char *at) {
  bool stepping = false;
  while (*at == ';') {
    char how = *++at;
    uint64_t v, from = 0, to = 0;
    int thread = 0;
    at += how != 0;
    if (!how || !strchr("cCsSr", how)) return wrong(g);
    if ((how == 'C' || how == 'S') && !gdb_number(&at, &v)) return wrong(g);
    if (how == 'r' && !range_at(&at, &from, &to)) return wrong(g);
    if (*at == ':' && (at++, !thread_at(g, &at, &thread))) return wrong(g);
    if (how == 'c' || how == 'C' || stepping) continue;
    stepping = true;
    step(g, thread, gdb_address(g, from), gdb_address(g, to));
  }
  if (*at) return wrong(g);
  gdb_go_on(g);
}

/* --- threads --- */

static void choose(struct mon_gdb *g, const char *at) {
  char what = *at++;
  int thread;
  if ((what != 'g' && what != 'c') || !thread_at(g, &at, &thread)) return wrong(g);
  unsigned n = thread > 0 ? (unsigned)thread - 1 : g->vm->turn;
  *(what == 'g' ? &g->about : &g->moved) = n;
  ok(g);
}

static void is_alive(struct mon_gdb *g, const char *at) {
  int thread;
  if (!thread_at(g, &at, &thread) || thread < 1) return wrong(g);
  ok(g);
}

static void threads(struct mon_gdb *g, const char *at) {
  char text[8 * IO_VCPUS + 2] = "m";
  size_t n = 1;
  (void)at;
  for (unsigned i = 0; i < g->vm->vcpus; i++)
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%x", i ? "," : "", i + 1);
  gdb_reply(g, text);
}

static void no_more_threads(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_reply(g, "l");
}

static void present_thread(struct mon_gdb *g, const char *at) {
  char text[16];
  (void)at;
  snprintf(text, sizeof text, "QC%x", g->about + 1);
  gdb_reply(g, text);
}

static void about_thread(struct mon_gdb *g, const char *at) {
  static const char *const mode[] = {"kernel", "supervisor", "user", "?"};
  char text[80], hex[2 * sizeof text + 1];
  int thread;
  if (!thread_at(g, &at, &thread) || thread < 1) return wrong(g);
  const struct cpu *c = gdb_cpu(g, (unsigned)thread - 1);
  const struct mon_vcpu *v = &g->vm->vcpu[thread - 1];
  int n = snprintf(text, sizeof text, "vcpu %d, %s%s", thread - 1,
                   !v->up       ? "off"
                   : c->dead    ? "dead"
                   : c->waiting ? "waits, "
                                : "",
                   v->up && !c->dead ? mode[c->j.mode & MODE_PRIV] : "");
  gdb_hex((const uint8_t *)text, (size_t)n, hex);
  gdb_reply(g, hex);
}

/* --- about the stub --- */

static void supported(struct mon_gdb *g, const char *at) {
  char text[200];
  /* That it cannot go back is better said when it is asked to, with the reason. */
  g->swbreak = strstr(at, "swbreak+");
  g->hwbreak = strstr(at, "hwbreak+");
  snprintf(text, sizeof text,
           "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+;"
           "ReverseStep+;ReverseContinue+",
           GDB_PACKET_MAX);
  gdb_reply(g, text);
}

static void no_acks(struct mon_gdb *g, const char *at) {
  (void)at;
  ok(g);
  g->wire.no_acks = true;
}

static void description(struct mon_gdb *g, const char *at) {
  static const char name[] = "target.xml:";
  char xml[GDB_PACKET_MAX];
  uint64_t from, n;
  if (strncmp(at, name, sizeof name - 1)) return gdb_reply(g, "E00");
  at += sizeof name - 1;
  if (!range_at(&at, &from, &n)) return wrong(g);
  size_t all = gdb_description(gdb_cpu(g, 0), xml + 1, sizeof xml - 1);
  if (from > all) return wrong(g);
  if (n > GDB_PACKET_MAX / 2) n = GDB_PACKET_MAX / 2; /* what must be escaped takes two bytes */
  if (n > all - from) n = all - from;
  xml[from] = from + n < all ? 'm' : 'l';
  gdb_wire_send(&g->wire, xml + from, (size_t)n + 1);
}

static void monitor(struct mon_gdb *g, const char *at) {
  char command[256], out[GDB_PACKET_MAX], *text = NULL;
  size_t had = gdb_unhex(at, strlen(at), (uint8_t *)command, sizeof command - 1), n = 0;
  command[had] = 0;
  FILE *to = open_memstream(&text, &n);
  if (!to) return gdb_reply(g, "E12");
  gdb_monitor(g, command, to);
  if (fclose(to)) n = 0;
  for (size_t done = 0, part; done < n; done += part) {
    part = n - done < 4096 ? n - done : 4096;
    out[0] = 'O';
    gdb_hex((const uint8_t *)text + done, part, out + 1);
    gdb_reply(g, out);
  }
  free(text);
  ok(g);
}

static void why(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_reply(g, g->stop);
}

static void attached(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_reply(g, "1"); /* gdb that leaves lets it run on */
}

static void actions(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_reply(g, "vCont;c;C;s;S;r");
}

static void detach(struct mon_gdb *g, const char *at) {
  (void)at;
  ok(g);
  gdb_detach(g);
}

static void end_it(struct mon_gdb *g, const char *at) {
  (void)at;
  if (g->wire.packet[0] == 'v') ok(g);
  gdb_detach(g);
  mon_stop(g->vm, MB_STOP_INTERRUPTED);
}

static void back_step(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_back_step(g);
}

static void back_continue(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_back_continue(g);
}

static void unknown(struct mon_gdb *g, const char *at) {
  (void)at;
  gdb_reply(g, "");
}

/* By how they begin; the first that does counts. */
static const struct {
  const char *begins;
  void (*answer)(struct mon_gdb *g, const char *at); /* at: what stands behind that */
} packets[] = {
    {"qSupported", supported},
    {"QStartNoAckMode", no_acks},
    {"qXfer:features:read:", description},
    {"qRcmd,", monitor},
    {"qfThreadInfo", threads},
    {"qsThreadInfo", no_more_threads},
    {"qThreadExtraInfo,", about_thread},
    {"qAttached", attached},
    {"qC", present_thread},
    {"q", unknown},
    {"Q", unknown},
    {"vCont?", actions},
    {"vCont", resume},
    {"vKill", end_it},
    {"v", unknown},
    {"?", why},
    {"g", read_all},
    {"G", write_all},
    {"p", read_one},
    {"P", write_one},
    {"m", read_memory},
    {"M", write_memory},
    {"X", write_binary},
    {"Z", insert},
    {"z", take_out},
    {"bs", back_step},
    {"bc", back_continue},
    {"c", old_resume},
    {"C", old_resume},
    {"s", old_resume},
    {"S", old_resume},
    {"H", choose},
    {"T", is_alive},
    {"D", detach},
    {"k", end_it},
    {"", unknown},
};

void gdb_answer(struct mon_gdb *g) {
  const char *packet = g->wire.packet;
  unsigned i = 0;
  while (strncmp(packet, packets[i].begins, strlen(packets[i].begins))) i++;
  packets[i].answer(g, packet + strlen(packets[i].begins));
}
