/* guests/splash/chatter.c: machines on a subnet send each other frames whenever they like; all follows from when they
 * come. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody waits for anybody: while a machine computes it looks whether a frame has come, and how far it was then decides
 * what it does from there on. So a frame that comes an instruction earlier makes another run, which its words at the
 * end tell. Frames that find no room are lost. With disk=1 it remembers what it was on a disk, too. */
#include "splash.h"

const char splash_name[] = "chatter";
static unsigned seed, frames = 100, work = 4000, disk;
const struct param splash_params[] = {
    {"seed", &seed, 0, 1000}, {"frames", &frames, 1, 100000}, {"work", &work, 10, 1000000}, {"disk", &disk, 0, 1}, {0}};

static uint8_t head[NET_HEAD], head_got[NET_HEAD];
static uint64_t state;
static unsigned heard;

/* Compute so long; take what comes. */
static void compute(unsigned steps) {
  for (unsigned i = 0; i < steps; i++) {
    if (!net_has_come()) continue;
    for (unsigned k = 12; k < NET_HEAD; k++) state = mix(state ^ head_got[k]);
    state = mix(state ^ i);
    heard++;
    net_offer(head_got, NULL, 0);
  }
}

static void send(void) {
  for (unsigned i = 0; i < NET_HEAD; i++)
    head[i] = i < 6 ? 0xff : i < 12 ? (uint8_t)(i == 6 ? 2 : i == 11 ? seed : 0) : (uint8_t)(state >> i % 8 * 8);
  net_send(head, NULL, 0);
}

/* A word of the disk, one of few in both of its first blocks, comes in and is another from now on. */
static bool remember(void) {
  static uint32_t block[2048];
  uint32_t *word = &block[state % 16 * 128];
  if (!disk_read(block, sizeof block)) return false;
  state = mix(state ^ *word);
  *word = (uint32_t)state;
  return disk_write(block, sizeof block);
}

int splash_main(void) {
  if (!net_open()) {
    print("chatter: there is no network card: this wants --net subnet=NAME\n");
    return 2;
  }
  state = mix(seed + 1);
  net_offer(head_got, NULL, 0);
  for (unsigned i = 0; i < frames; i++) {
    state = mix(state);
    compute((unsigned)(state >> 20) % work * (state % 8 ? 1 : 8));
    if (state % 5 == 0) state = mix(state ^ now());
    if (state % 7 == 0) print("%x ", (unsigned)(state >> 32));
    send();
    if (disk && !remember()) {
      print("chatter: there is no disk: this wants --disk FILE\n");
      return 2;
    }
  }
  print("\nchatter: %u frames sent, %u heard: %lx\n", frames, heard, (unsigned long)state);
  return 0;
}
