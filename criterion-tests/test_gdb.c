/* criterion-tests/test_gdb.c: the gdb stub, packet by packet, on a fake transport; and what garbage does to it. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "criterion-tests/harness.h"
#include "monitor/gdbstub.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* At 0x80100000, 32 bits: counts in $16 and stores the count at 0x80200000, for ever. */
static const uint32_t program[] = {
    0x3c118020,             /* 00: lui $17, 0x8020 */
    0x24100000,             /* 04: addiu $16, $0, 0 */
    0x26100001,             /* 08: addiu $16, $16, 1 */
    0xae300000,             /* 0c: sw $16, 0($17) */
    0x8e320000,             /* 10: lw $18, 0($17) */
    0x1000fffc, 0x00000000, /* 14: b 08; nop */
};

/* What a client says: texts, one packet each, unless raw; and what it has heard, packets one a line. */
struct client {
  const char *const *say;
  uint64_t seed; /* not 0: it says garbage, so many times: */
  unsigned garbage;
  bool sent, gone;
  char heard[1 << 16];
  size_t n;
};

static bool there(void *ctx, int wait_ms) {
  const struct client *c = ctx;
  (void)wait_ms;
  return !c->gone;
}

static size_t packet(const char *text, size_t n, uint8_t *to) {
  uint8_t sum = 0;
  for (size_t i = 0; i < n; i++) sum = (uint8_t)(sum + (uint8_t)text[i]);
  return (size_t)sprintf((char *)to, "$%.*s#%02x", (int)n, text, sum);
}

static const char *const words[] = {"?",
                                    "g",
                                    "G",
                                    "p25",
                                    "P25=80100008",
                                    "m80100000,40",
                                    "M80200000,4:00000000",
                                    "X80200000,4:}}ab",
                                    "qSupported:swbreak+",
                                    "vCont;s:1;c",
                                    "vCont;r80100008,80100018:1",
                                    "vCont;c",
                                    "vCont;c",
                                    "vCont?",
                                    "Z0,80100008,4",
                                    "z0,80100008,4",
                                    "Z1,80100010,4",
                                    "Z2,80200000,4",
                                    "z2,80200000,4",
                                    "Z3,80200000,ffffffffffffffff",
                                    "Z4,80200002,1",
                                    "z4,80200002,1",
                                    "Hg1",
                                    "Hc-1",
                                    "T1",
                                    "qfThreadInfo",
                                    "qsThreadInfo",
                                    "qThreadExtraInfo,1",
                                    "qC",
                                    "qXfer:features:read:target.xml:0,fff",
                                    "qXfer:features:read:target.xml:1000000,10",
                                    "qRcmd,746c62",
                                    "qRcmd,68656c70",
                                    "qRcmd,706d6170203830313030303030",
                                    "qRcmd,637030",
                                    "qRcmd,6261636b7472616365",
                                    "c",
                                    "s",
                                    "c80100000",
                                    "C05",
                                    "mffffffffffffffff,ffffffff",
                                    "m0,0",
                                    "p",
                                    "P",
                                    "Z9,1,1",
                                    "\003",
                                    "D",
                                    "k",
                                    "vKill;1"};
enum { WORDS = sizeof words / sizeof *words };

static size_t garbage(struct client *c, uint8_t *bytes) {
  char text[512];
  const char *word = words[rig_below(&c->seed, WORDS)];
  size_t n = strlen(word);
  if (*word == 3) return bytes[0] = 3, 1;
  memcpy(text, word, n);
  for (unsigned i = rig_below(&c->seed, 4); i && n; i--) {
    unsigned at = rig_below(&c->seed, (unsigned)n);
    switch (rig_below(&c->seed, 4)) {
    case 0: text[at] = (char)rig_random(&c->seed); break;
    case 1: n = at; break;
    case 2: text[at] = "0123456789abcdef:;,#$}*-"[rig_below(&c->seed, 24)]; break;
    default: memmove(text + at + 1, text + at, n - at), n++; break;
    }
  }
  for (size_t i = 0; i < n; i++) text[i] = text[i] ? text[i] : '0'; /* sprintf's */
  n = packet(text, n, bytes);
  if (rig_below(&c->seed, 16) == 0) n = rig_below(&c->seed, (unsigned)n); /* cut off */
  return n;
}

static int get(void *ctx, uint8_t *bytes, size_t room, int wait_ms) {
  struct client *c = ctx;
  (void)room;
  if (c->seed && c->garbage) {
    c->garbage--;
    return (int)garbage(c, bytes);
  }
  if (c->seed || !*c->say) return c->gone = true, -1;
  if (!wait_ms) return 0; /* it waits for answers */
  const char *text = *c->say++;
  if (*text == '!') return (int)strlen(strcpy((char *)bytes, text + 1));
  return (int)packet(text, strlen(text), bytes);
}

static void put(void *ctx, const uint8_t *bytes, size_t n) {
  struct client *c = ctx;
  if (c->seed) return; /* nobody reads it */
  cr_assert_lt(c->n + n + 1, sizeof c->heard);
  memcpy(c->heard + c->n, bytes, n);
  c->n += n;
  c->heard[c->n] = 0;
}

static void hang_up(void *ctx) {
  struct client *c = ctx;
  c->gone = true;
}

static struct mb_machine *machine(struct client *c, bool big, bool wide, enum mb_tier tier, struct mb_vm **vm) {
  const struct gdb_transport to = {there, get, put, hang_up, c};
  uint32_t code[sizeof program / 4];
  char path[64];
  struct mb_machine *m;
  int fd = memfd_create("kernel", 0);
  for (size_t i = 0; i < sizeof program / 4; i++) code[i] = big ? __builtin_bswap32(program[i]) : program[i];
  cr_assert_eq(write(fd, code, sizeof code), (ssize_t)sizeof code);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct mb_config config = {.endian = big ? MB_ENDIAN_BIG : MB_ENDIAN_LITTLE,
                             .memory = 16 << 20,
                             .tier = tier,
                             .cpu = wide ? "MIPS64R2-generic" : "24Kf"};
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.pace = MB_PACE_MAX}), MB_OK);
  cr_assert_eq(mb_vm_add(m, vm, &config), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_load_kernel(*vm, path, &(struct mb_raw){0}), MB_OK, "%s", mb_error_text(m));
  close(fd);
  if (c) cr_assert_eq(mon_gdb_new(*vm, &to, true), MB_OK);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  mb_vm_limit(*vm, 100000);
  return m;
}

/* Run a session; the client leaves at its end. What it has heard. */
static const char *session(const char *const *say, bool big, bool wide, enum mb_tier tier, uint64_t *hash) {
  static struct client c;
  struct mb_vm *vm;
  c = (struct client){.say = say};
  struct mb_machine *m = machine(&c, big, wide, tier, &vm);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
  *hash = mb_state_hash(vm);
  mb_machine_free(m);
  return c.heard;
}

static uint64_t plain_hash(bool big, bool wide) {
  struct mb_vm *vm;
  struct mb_machine *m = machine(NULL, big, wide, MB_TIER_EVAL, &vm);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
  uint64_t hash = mb_state_hash(vm);
  mb_machine_free(m);
  return hash;
}

/* The packets in it, without framing. */
static void check_heard(const char *heard, const char *const *wanted) {
  for (; *wanted; wanted++) {
    const char *dollar = strchr(heard, '$'), *hash = dollar ? strchr(dollar, '#') : NULL;
    cr_assert(hash, "nothing more was heard, wanted %s", *wanted);
    cr_assert(!strncmp(dollar + 1, *wanted, strlen(*wanted)) && (size_t)(hash - dollar - 1) == strlen(*wanted),
              "heard %.*s, wanted %s", (int)(hash - dollar + 3), dollar, *wanted);
    heard = hash + 3;
  }
}

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A register as a packet has it: sign-extended where it is wide. */
static const char *reg(char *to, uint32_t v, bool big, bool wide) {
  uint64_t full = wide ? (uint64_t)(int64_t)(int32_t)v : v;
  for (unsigned i = 0, n = wide ? 8 : 4; i < n; i++)
    sprintf(to + 2 * i, "%02x", (unsigned)(full >> 8 * (big ? n - 1 - i : i)) & 0xff);
  return to;
}

/* A breakpoint that is not taken out stops at once again, as gdb expects it. */
Test(gdb, stops_where_it_is_told_in_every_tier) {
  for (int i = 0; i < 16; i++) {
    enum mb_tier tier = (enum mb_tier)(i % 4);
    bool big = i & 4, wide = i & 8;
    uint64_t hash;
    char pc[4][20], count[4][20], word[20];
    if (!mb_has_tier(tier)) continue;
    const char *heard = session(
        TEXTS("?", "Z0,80100008,4", "c", "p25", "c", "z0,80100008,4", "s", "Z1,80100008,4", "vCont;c",
              "p10", /* a round */
              "z1,80100008,4", "Z2,80200002,1", "c", "p25", "m80200000,4", "z2,80200002,1", "s",
              "m80200000,4",                                                                       /* a store */
              "Z3,80200000,2", "c", "p25", "z3,80200000,2", "Z4,80200003,1", "vCont;s:1;c", "p25", /* a load, twice */
              "z4,80200003,1", "vCont;s:1;c", "vCont;r80100008,80100014:1", "p10", "p25"), /* round to the branch */
        big, wide, tier, &hash);
    const char *at8 = reg(pc[0], 0x80100008, big, wide), *at_c = reg(pc[1], 0x8010000c, big, wide),
               *at10 = reg(pc[2], 0x80100010, big, wide), *at14 = reg(pc[3], 0x80100014, big, wide);
    check_heard(heard,
                TEXTS("T05thread:1;", "OK", "T05thread:1;", at8, "T05thread:1;", "OK", "T05thread:1;", "OK",
                      "T05thread:1;", reg(count[0], 1, big, wide), "OK", "OK", "T05thread:1;watch:ffffffff80200002;",
                      at_c, reg(word, 1, big, false), "OK", "T05thread:1;", reg(count[1], 2, big, false), "OK",
                      "T05thread:1;rwatch:ffffffff80200000;", at10, "OK", "OK", "T05thread:1;awatch:ffffffff80200003;",
                      at10, "OK", "T05thread:1;", "T05thread:1;", reg(count[2], 3, big, wide), at14));
    cr_assert_eq(hash, plain_hash(big, wide), "big %d, wide %d, tier %d", big, wide, tier);
  }
}

Test(gdb, answers_or_says_it_does_not_know) {
  uint64_t hash;
  const char *heard =
      session(TEXTS("vMustReplyEmpty", "qC", "qfThreadInfo", "qsThreadInfo", "Hg1", "Hg2", "T1", "T7", "m80100000,8",
                    "mc0000000,4", "mbfc00000,8", "M80200000,2:1234", "m80200000,4", "X80200000,0:", "P11=01000000",
                    "p11", "P99999=00", "P11=0", "Z5,1,1", "Z0,zz,4", "vCont;x", "vCont;s:9",
                    "qXfer:features:read:other.xml:0,10", "qAttached", "M80200000,8:12"),
              false, false, MB_TIER_AUTO, &hash);
  check_heard(heard,
              TEXTS("", "QC1", "m1", "l", "OK", "E16", "OK", "E16", "2080113c00001024", "E14", "ffff001000000000", "OK",
                    "12340000", "OK", "OK", "01000000", "E16", "E16", "", "E16", "E16", "E16", "E00", "1", "E16"));
}

Test(gdb, asks_again_for_what_is_damaged) {
  uint64_t hash;
  const char *heard = session(TEXTS("!$qC#00", "!noise", "!$q$qC#b4", "!-", "QStartNoAckMode", "qC"), false, false,
                              MB_TIER_AUTO, &hash);
  cr_assert_str_eq(heard, "-+$QC1#c5$QC1#c5+$OK#9a$QC1#c5");
}

Test(gdb, garbage_harms_nobody) {
  uint64_t rounds = rig_setting("MB_ROUNDS", 60);
  for (uint64_t seed = 1; seed <= rounds; seed++) {
    static struct client c;
    struct mb_vm *vm;
    c = (struct client){.seed = seed, .garbage = 300};
    struct mb_machine *m = machine(&c, seed & 1, seed & 2, MB_TIER_AUTO, &vm);
    for (unsigned i = 0; i < 4 && mb_machine_run(m) != MB_STOP_LIMIT; i++) {
    }
    cr_assert_lt(mon_instructions(vm), 100002u, "seed %lu", (unsigned long)seed);
    mb_machine_free(m);
  }
}
