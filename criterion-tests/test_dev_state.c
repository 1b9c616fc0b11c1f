/* criterion-tests/test_dev_state.c: the state of every device: saved and restored, byte by byte; and damaged on
 * purpose. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A board that has been through random accesses is saved, copied as bytes, built anew in the same place and restored:
 * then every byte of it that is not listed as scratch must be what it was. A device whose state function lacks a field
 * fails here. */
#include "criterion-tests/harness.h"
#include "iosys/board.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 1 << 20, DISK = 1 << 18, ACCESSES = 50000, ROUNDS = 8 };

static const struct io_board_kind *const kinds[] = {&io_board_malta, &io_board_disco};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* All that a board borrows. */
static struct world {
  uint64_t seed;
  struct io_clock clock;
  struct io_board *board;
  uint8_t *memory, *disk;
} w;

static int any_key(void *ctx) {
  (void)ctx;
  return rig_below(&w.seed, 3) ? -1 : (int)rig_below(&w.seed, 256);
}
static void any_put(void *ctx, uint8_t byte) {
  (void)ctx, (void)byte;
}
static uint64_t dma_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  (void)ctx;
  for (uint64_t i = 0; i < n; i++) ((uint8_t *)to)[i] = w.memory[(at + i) % MEMORY];
  return n;
}
static uint64_t dma_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  (void)ctx;
  for (uint64_t i = 0; i < n; i++) w.memory[(at + i) % MEMORY] = ((const uint8_t *)from)[i];
  return n;
}
static int disk_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  (void)ctx;
  if (at > DISK || n > DISK - at) return -1;
  memcpy(to, w.disk + at, n);
  return 0;
}
static int disk_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  (void)ctx;
  if (at > DISK || n > DISK - at) return -1;
  memcpy(w.disk + at, from, n);
  return 0;
}
static void net_send(void *ctx, const uint8_t *frame, unsigned n) {
  (void)ctx, (void)frame, (void)n;
}
static unsigned net_recv(void *ctx, uint8_t *frame, unsigned room) {
  unsigned n = rig_below(&w.seed, 4) ? 0 : 60 + rig_below(&w.seed, 1400);
  (void)ctx;
  if (n > room) return 0;
  memset(frame, 0xff, n); /* to everybody */
  return n;
}
static void no_power(void *ctx, enum io_power what) {
  (void)ctx, (void)what;
}

static void build(const struct io_board_kind *kind) {
  const struct io_disk disk = {.read = disk_read, .write = disk_write, .size = DISK};
  const struct io_net net = {.send = net_send, .recv = net_recv, .mac = {2, 0, 0, 0, 0, 1}};
  const struct io_tty tty = {any_key, any_put, NULL};
  const struct io_board_config c = {.kind = kind,
                                    .vcpus = kind->vcpus < 4 ? kind->vcpus : 4,
                                    .clock = &w.clock,
                                    .ram = 64 << 20,
                                    .tty = {tty, tty, tty},
                                    .uart_timed = true,
                                    .power = {no_power, NULL},
                                    .dma = {.read = dma_read, .write = dma_write},
                                    .ide = {disk, disk, disk},
                                    .virtio_blk = {disk},
                                    .virtio_rng = true,
                                    .seed = 7,
                                    .virtio_console = true,
                                    .virtio_tty = tty,
                                    .pcnet = net,
                                    .virtio_net = {net}};
  io_clock_init(&w.clock, 200);
  cr_assert_eq(io_board_init(w.board, &c), IO_OK);
}

static void begin(const struct io_board_kind *kind, uint64_t seed) {
  w = (struct world){.seed = seed, .board = malloc(sizeof *w.board), .memory = malloc(MEMORY), .disk = calloc(1, DISK)};
  for (unsigned i = 0; i < MEMORY; i++) w.memory[i] = (uint8_t)rig_random(&w.seed);
  build(kind);
}
static void end(void) {
  io_board_fini(w.board);
  free(w.board);
  free(w.memory);
  free(w.disk);
}

/* One access somewhere in a row of a bus; most of them low in a block, where registers are. */
static void access_any(struct io_bus *bus) {
  const struct io_bus_row *r = bus->used ? &bus->row[rig_below(&w.seed, bus->used)] : NULL;
  if (!r || !r->size) return;
  int size = 1 << rig_below(&w.seed, 3);
  uint64_t block = r->size >= 0x1000 ? rig_random(&w.seed) % (r->size >> 12) << 12 : 0, in_block = r->size - block;
  if (in_block > 0x100 && rig_below(&w.seed, 4)) in_block = 0x100;
  uint64_t at = r->base + block + (rig_random(&w.seed) % in_block & ~(uint64_t)(size - 1));
  if (r->child && rig_below(&w.seed, 8)) return;
  if (rig_below(&w.seed, 3))
    io_bus_write(bus, at, rig_below(&w.seed, 2) ? rig_below(&w.seed, 256) : rig_random(&w.seed), size);
  else
    (void)io_bus_read(bus, at, size);
}

/* As firmware does: give each function of PCI its places, and let it answer there. */
static void map_cards(struct io_pci *pci) {
  for (unsigned devfn = 0; devfn < 256; devfn++) {
    if (!pci->dev[devfn]) continue;
    for (unsigned i = 0; i < 6; i++)
      io_pci_config_write(pci, 0, devfn, PCI_BAR0 + 4 * i, 4,
                          pci->dev[devfn]->bar[i].kind == PCI_BAR_IO ? 0x2000 + 0x100 * devfn
                                                                     : 0x10000000 + (devfn << 16));
    io_pci_config_write(pci, 0, devfn, PCI_COMMAND, 2, 7);
  }
}

static void live(unsigned accesses) {
  struct io_board *b = w.board;
  struct io_bus *const buses[] = {&b->bus, &b->ports, &b->mem};
  while (accesses--) {
    if (accesses % 10000 == 9999) map_cards(&b->pci);
    b->bus.master = rig_below(&w.seed, b->config.vcpus);
    access_any(buses[rig_below(&w.seed, 3)]);
    if (!rig_below(&w.seed, 4)) io_clock_advance(&w.clock, w.clock.now + rig_below(&w.seed, 100000));
  }
}

/* What takes a driver that knows what it does. */
static void reach_the_rest(void) {
  struct io_board *b = w.board;
  struct io_virtio *const cards[] = {&b->virtio_blk[0].virtio, &b->virtio_rng.virtio, &b->virtio_console.virtio,
                                     &b->virtio_net[0].virtio};
  if (b->kind == &io_board_malta) {
    b->rtc.phase = 12345678;
    b->piix4.smb_at = 77;
    b->ide.ch[1].sector = 99;
  }
  b->virtio_rng.state = 0x1234567890;
  b->virtio_net[0].n_sent = 11;
  b->uart[1].tx_done = UINT64_C(1) << 40;
  for (unsigned i = 0; i < 4; i++)
    for (uint16_t q = 0; q < IO_VIRTIO_QUEUES; q++) cards[i]->q[q].next_avail = cards[i]->q[q].next_used = q + 5;
}

static void state(struct snap *s) {
  io_clock_state(&w.clock, s);
  io_board_state(w.board, s);
}

/* What no guest can tell: buffers between two uses, and where on a bus a row stands. */
static const struct scratch {
  size_t at, n;
} scratch[] = {
#define FIELD(member)                                                                                                  \
  { offsetof(struct io_board, member), sizeof(((struct io_board *)0)->member) }
#define BUS(bus) FIELD(bus.row), FIELD(bus.used), FIELD(bus.logged), FIELD(bus.n_logged)
#define BARS(dev)                                                                                                      \
  FIELD(dev.bar[0].slot), FIELD(dev.bar[1].slot), FIELD(dev.bar[2].slot), FIELD(dev.bar[3].slot),                      \
      FIELD(dev.bar[4].slot), FIELD(dev.bar[5].slot)
    BUS(bus),
    BUS(ports),
    BUS(mem),
    FIELD(ports.n_reads), /* counted on the root bus */
    FIELD(ports.n_writes),
    FIELD(mem.n_reads),
    FIELD(mem.n_writes),
    FIELD(ports.n_unknown),
    FIELD(mem.n_unknown),
    BARS(gt.pci),
    BARS(piix4.isa),
    BARS(piix4.usb),
    BARS(piix4.pm),
    BARS(ide.pci),
    BARS(pcnet.pci),
    BARS(virtio_blk[0].virtio.pci),
    BARS(virtio_rng.virtio.pci),
    BARS(virtio_console.virtio.pci),
    BARS(virtio_net[0].virtio.pci),
    FIELD(gt.self),
    FIELD(gt.window),
    FIELD(piix4.pm_slot),
    FIELD(piix4.smb_slot),
    FIELD(ide.ch[0].slots),
    FIELD(ide.ch[1].slots),
    FIELD(pcnet.frame),
    FIELD(pcnet.arrived),
    FIELD(virtio_blk[0].buffer),
    FIELD(virtio_net[0].leaving),
    FIELD(virtio_net[0].arrived),
    FIELD(virtio_net[0].arrived_pages),
};

static bool is_scratch(size_t at) {
  for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++)
    if (at - scratch[i].at < scratch[i].n) return true;
  return false;
}

/* Leave something on the stack for padding to pick up. */
__attribute__((noinline)) static void soil(uint8_t with) {
  volatile uint8_t stack[16384];
  for (size_t i = 0; i < sizeof stack; i++) stack[i] = with;
}

/* Which bytes belong to no field? Those that come out differently. */
static bool *find_padding(const struct io_board_kind *kind) {
  bool *padding = calloc(sizeof *w.board, sizeof *padding);
  struct io_board *one = malloc(sizeof *one);
  begin(kind, 0);
  for (unsigned i = 0; i < 2; i++) {
    io_board_fini(w.board);
    soil(i ? 0xff : 0);
    build(kind);
    if (!i) memcpy(one, w.board, sizeof *one);
  }
  for (size_t i = 0; i < sizeof *one; i++) padding[i] = ((uint8_t *)one)[i] != ((uint8_t *)w.board)[i];
  free(one);
  end();
  return padding;
}

Test(dev_state, every_byte_of_every_device_comes_back) {
  bool *padding[KINDS];
  for (unsigned i = 0; i < KINDS; i++) padding[i] = find_padding(kinds[i]);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const struct io_board_kind *kind = kinds[round % KINDS];
    struct snap saved = {0}, back, again = {0};
    begin(kind, round);
    if (round % 4 < 2) io_board_firmware(w.board);
    live(ACCESSES);
    reach_the_rest();
    state(&saved);
    cr_assert(!saved.bad);
    struct io_board *before = malloc(sizeof *before);
    struct io_clock clock = w.clock;
    memcpy(before, w.board, sizeof *before);
    io_board_fini(w.board);
    build(kind);
    snap_open(&back, saved.bytes, saved.n);
    state(&back);
    cr_assert(!back.bad && back.at == back.n, "%s: %s", kind->name, back.trouble);
    cr_assert_eq(memcmp(&clock, &w.clock, sizeof clock), 0, "%s: the clock, and the order of its timers", kind->name);
    for (size_t i = 0; i < sizeof *before; i++)
      cr_assert(padding[round % KINDS][i] || is_scratch(i) || ((uint8_t *)before)[i] == ((uint8_t *)w.board)[i],
                "board %s, round %u: byte %zu of struct io_board was %u, is %u", kind->name, round, i,
                ((uint8_t *)before)[i], ((uint8_t *)w.board)[i]);
    state(&again);
    cr_assert(again.n == saved.n && !memcmp(again.bytes, saved.bytes, saved.n), "saved twice it is the same");
    snap_free(&saved);
    snap_free(&again);
    free(before);
    end();
  }
  for (unsigned i = 0; i < KINDS; i++) free(padding[i]);
}

/* A file can be made with the right digest and the wrong contents: restored or refused, the device never leaves its own
 * memory. To be run under the sanitizers. */
Test(dev_state, nothing_in_a_file_breaks_a_device) {
  unsigned refused = 0;
  for (unsigned round = 0; round < 10 * ROUNDS; round++) {
    const struct io_board_kind *kind = kinds[round % KINDS];
    struct snap saved = {0}, back;
    begin(kind, round);
    io_board_firmware(w.board);
    live(200);
    state(&saved);
    for (unsigned i = rig_below(&w.seed, 20); i--;)
      saved.bytes[rig_random(&w.seed) % saved.n] = (uint8_t)(rig_below(&w.seed, 2) ? 0xff : rig_random(&w.seed));
    io_board_fini(w.board);
    build(kind);
    snap_open(&back, saved.bytes, round % 8 ? saved.n : rig_below(&w.seed, (unsigned)saved.n));
    state(&back);
    refused += back.bad;
    if (!back.bad && w.clock.now < UINT64_C(1) << 62) live(1000);
    snap_free(&saved);
    end();
  }
  cr_assert(refused > ROUNDS && refused < 10 * ROUNDS, "%u were refused", refused);
}

Test(dev_state, parts_have_names_and_versions) {
  struct snap s = {0}, back;
  uint32_t n = 5;
  bool b = true;
  snap_begin(&s, "one", 3);
  SNAP(&s, n);
  SNAP(&s, b);
  snap_end(&s);
  const struct {
    const char *name;
    uint32_t version;
    bool more, less;
    const char *trouble;
  } rows[] = {{"one", 3, false, false, NULL},
              {"two", 3, false, false, "two: is not where it should be"},
              {"one", 2, false, false, "one: was written by a newer mirrorball"},
              {"one", 4, false, false, "one: was written by an older mirrorball"},
              {"one", 3, true, false, "one: is too short"},
              {"one", 3, false, true, "one: has more in it than is known"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    snap_open(&back, s.bytes, s.n);
    n = 0;
    snap_begin(&back, rows[i].name, rows[i].version);
    SNAP(&back, n);
    if (!rows[i].less) SNAP(&back, b);
    if (rows[i].more) SNAP(&back, n);
    snap_end(&back);
    cr_assert_eq(back.bad, rows[i].trouble != NULL);
    if (rows[i].trouble)
      cr_assert_str_eq(back.trouble, rows[i].trouble);
    else
      cr_assert_eq(n, 5);
  }
  snap_free(&s);
}
