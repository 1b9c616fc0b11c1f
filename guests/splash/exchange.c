/* guests/splash/exchange.c: two machines on a subnet send each other pages, which must be as they were sent. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The pages lie whole and aligned at both ends, so a monitor may let both machines see the same memory. One machine
 * sends (sends=1); the other looks, writes to some of what it got, and sends all of it back into other pages. Then each
 * looks at what it has sent: it must be what it was, and stay so while the other writes. */
#include "splash.h"

const char splash_name[] = "exchange";
static unsigned sends, rounds = 4, pages = 8;
const struct param splash_params[] = {
    {"sends", &sends, 0, 1}, {"rounds", &rounds, 1, 1000}, {"pages", &pages, 1, NET_PAGES}, {0}};

enum { WORDS = 1024 };
static void *given[NET_PAGES], *got[NET_PAGES];
static uint8_t head[NET_HEAD], head_got[NET_HEAD];

/* What is in word i of page p in a round, before and after the receiver has written to it. */
static uint32_t word(unsigned round, unsigned p, unsigned i, bool after) {
  uint32_t v = (uint32_t)mix((uint64_t)round << 32 | p << 16 | i);
  return after && p % 2 && i % 64 == p ? ~v : v;
}

static void fill(void *const page[], unsigned round) {
  for (unsigned p = 0; p < pages; p++)
    for (unsigned i = 0; i < WORDS; i++) ((uint32_t *)page[p])[i] = word(round, p, i, false);
}

static void change(void *const page[]) {
  for (unsigned p = 1; p < pages; p += 2)
    for (unsigned i = p; i < WORDS; i += 64) ((uint32_t *)page[p])[i] = ~((uint32_t *)page[p])[i];
}

static unsigned wrong(const char *what, void *const page[], unsigned round, bool after) {
  unsigned n = 0;
  for (unsigned p = 0; p < pages; p++)
    for (unsigned i = 0; i < WORDS; i++) n += ((const uint32_t *)page[p])[i] != word(round, p, i, after);
  if (n) print("exchange: round %u: %s: %u words are WRONG\n", round, what, n);
  return n;
}

static unsigned send_round(unsigned round) {
  unsigned bad;
  fill(given, round);
  net_offer(head_got, got, pages);
  net_send(head, given, pages);
  net_await();
  bad = wrong("what came back", got, round, true) + wrong("what was sent", given, round, false);
  change(got);
  return bad + wrong("what was sent, later", given, round, false);
}

static unsigned answer_round(unsigned round) {
  unsigned bad;
  net_await();
  bad = wrong("what came", got, round, false);
  change(got);
  bad += wrong("what was written", got, round, true);
  for (unsigned p = 0; p < pages; p++) { /* the next frame is not to come into what is being sent */
    void *other = given[p];
    given[p] = got[p];
    got[p] = other;
  }
  if (round + 1 < rounds) net_offer(head_got, got, pages);
  net_send(head, given, pages);
  return bad;
}

int splash_main(void) {
  unsigned bad = 0;
  if (!net_open()) {
    print("exchange: there is no network card: this wants --net subnet=NAME\n");
    return 2;
  }
  for (unsigned i = 0; i < NET_HEAD; i++) head[i] = i < 6 ? 0xff : (uint8_t)(i == 6 ? 2 : i == 11 ? sends : 0);
  for (unsigned p = 0; p < pages; p++) {
    given[p] = take_memory(WORDS * 4);
    got[p] = take_memory(WORDS * 4);
  }
  if (!sends) net_offer(head_got, got, pages);
  for (unsigned round = 0; round < rounds; round++) bad += sends ? send_round(round) : answer_round(round);
  print("exchange: %u rounds of %u pages: %s\n", rounds, pages, bad ? "WRONG" : "right");
  return bad != 0;
}
