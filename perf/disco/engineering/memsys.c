/* perf/disco/engineering/memsys.c: a simulator of a memory system: processors' caches, kept coherent by a directory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* memsys [REFERENCES [SEED]]: made-up references of eight processors, some to what all use, most to what each has. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CPUS = 8, SETS = 1024, WAYS = 4, LINE_BITS = 7, LINES = 1 << 16, NETWORK = 50, MEMORY = 30, HIT = 1 };
enum state { INVALID, SHARED, OWNED };

struct way {
  uint32_t line, used;
  enum state state;
};
struct directory {
  uint8_t sharers; /* bit by cpu */
  uint8_t owner;   /* cpu + 1; 0: none */
};
struct counts {
  uint64_t hits, misses, upgrades, invalidations, writebacks, remote, cycles;
};

static struct way cache[CPUS][SETS][WAYS];
static struct directory directory[LINES];
static struct counts counts[CPUS];
static uint32_t now;

static uint64_t state;
static uint32_t any(void) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(state >> 33);
}

static struct way *find(unsigned cpu, uint32_t line) {
  struct way *set = cache[cpu][line % SETS];
  for (int i = 0; i < WAYS; i++)
    if (set[i].state != INVALID && set[i].line == line) return &set[i];
  return NULL;
}

static void drop(unsigned cpu, uint32_t line) {
  struct way *w = find(cpu, line);
  if (!w) return;
  counts[cpu].writebacks += w->state == OWNED;
  w->state = INVALID;
}

static struct way *make_room(unsigned cpu, uint32_t line) {
  struct way *set = cache[cpu][line % SETS], *oldest = set;
  for (int i = 0; i < WAYS; i++) {
    if (set[i].state == INVALID) return &set[i];
    if (set[i].used < oldest->used) oldest = &set[i];
  }
  struct directory *d = &directory[oldest->line];
  d->sharers &= (uint8_t) ~(1u << cpu);
  if (d->owner == cpu + 1) d->owner = 0;
  drop(cpu, oldest->line);
  return oldest;
}

/* Everybody else gives a line up, or only the right to write it. */
static void ask_others(unsigned cpu, uint32_t line, int write) {
  struct directory *d = &directory[line];
  for (unsigned other = 0; other < CPUS; other++) {
    if (other == cpu || !(d->sharers >> other & 1)) continue;
    if (write) {
      drop(other, line);
      d->sharers &= (uint8_t) ~(1u << other);
      counts[cpu].invalidations++;
    } else if (d->owner == other + 1) {
      find(other, line)->state = SHARED;
      counts[other].writebacks++;
    }
  }
  if (d->owner && d->owner != cpu + 1) {
    d->owner = 0;
    counts[cpu].cycles += NETWORK;
  }
}

static void reference(unsigned cpu, uint32_t line, int write) {
  struct counts *c = &counts[cpu];
  struct directory *d = &directory[line];
  struct way *w = find(cpu, line);
  now++;
  c->cycles += HIT;
  if (w && (!write || w->state == OWNED)) {
    c->hits++;
    w->used = now;
    return;
  }
  ask_others(cpu, line, write);
  if (w) {
    c->upgrades++;
  } else {
    c->misses++;
    w = make_room(cpu, line);
  }
  if (line % CPUS != cpu) c->remote++, c->cycles += NETWORK;
  c->cycles += MEMORY;
  *w = (struct way){line, now, write ? OWNED : SHARED};
  d->sharers |= (uint8_t)(1u << cpu);
  if (write) d->owner = (uint8_t)(cpu + 1);
}

int main(int argc, char **argv) {
  uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000, sum = 0;
  uint32_t place[CPUS];
  state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  for (unsigned cpu = 0; cpu < CPUS; cpu++) place[cpu] = any() % LINES;
  for (uint64_t i = 0; i < n; i++) {
    unsigned cpu = (unsigned)(i % CPUS);
    uint32_t r = any();
    if (r % 16 == 0)
      place[cpu] = r >> 8;
    else
      place[cpu] += r % 3 == 0;
    uint32_t line = r % 5 == 0 ? (r >> 6) % 512 : (cpu * (LINES / CPUS) + place[cpu] % (LINES / CPUS)) % LINES;
    reference(cpu, line, r % 4 == 1);
  }
  for (unsigned cpu = 0; cpu < CPUS; cpu++) {
    const struct counts *c = &counts[cpu];
    printf("cpu %u: %llu hits, %llu misses, %llu far, %llu upgrades, %llu invalidations, %llu written back\n", cpu,
           (unsigned long long)c->hits, (unsigned long long)c->misses, (unsigned long long)c->remote,
           (unsigned long long)c->upgrades, (unsigned long long)c->invalidations, (unsigned long long)c->writebacks);
    sum += c->cycles;
  }
  printf("%llu cycles\n", (unsigned long long)sum);
  return 0;
}
