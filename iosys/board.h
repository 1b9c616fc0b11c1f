/* iosys/board.h: the boards: their memory maps, and everything on them but the cpus and the RAM. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The constants are for guests/ too (C and assembler): include with __ASSEMBLER__ defined or not.
 *
 * RAM is not the board's, it is mmu/'s: the board answers only for the rest. On every board, for `ram` bytes of memory:
 *   gpa 0x00000000 .. min(ram, 256 MiB)   RAM from its byte 0
 *   gpa 0x20000000 .. ram                 RAM from its byte 512 MiB, when ram > 512 MiB
 *   gpa 0x80000000 .. 0x80000000 + ram    all of RAM again (an alias; 2 GiB at most)
 * All else goes to io_board_read/io_board_write (= io_bus_read/io_bus_write on the board's root bus). */
#ifndef IOSYS_BOARD_H
#define IOSYS_BOARD_H

#define BOARD_RAM_LOW_SIZE 0x10000000 /* RAM that is always at 0 */
#define BOARD_RAM_HOLE_END 0x20000000 /* from here RAM goes on, at the same offset */
#define BOARD_RAM_HIGH     0x80000000 /* all of RAM, again */
#define BOARD_RAM_MAX      0x80000000

/* --- malta --- */

/* Guest-physical addresses. For those of the PCI side: as the firmware leaves the windows (io_board_firmware). */
#define BOARD_PCI_MEM0      0x10000000 /* PCI memory, 128 MiB, bus address = gpa */
#define BOARD_PCI_MEM0_SIZE 0x08000000
#define BOARD_GT_RESET      0x14000000 /* GT-64120 registers after reset */
#define BOARD_PCI_IO        0x18000000 /* PCI and ISA ports: port 0 is here */
#define BOARD_PCI_IO_SIZE   0x00200000
#define BOARD_PCI_MEM1      0x18200000
#define BOARD_PCI_MEM1_SIZE 0x03c00000
#define BOARD_GT            0x1be00000 /* GT-64120 registers as firmware moves them */
#define BOARD_GT_SIZE       0x00001000
#define BOARD_FLASH         0x1e000000
#define BOARD_FLASH_SIZE    0x00400000
#define BOARD_FPGA          0x1f000000
#define BOARD_FPGA_SIZE     0x00001000
#define BOARD_UART2         0x1f000900 /* CBUS 16550, registers 8 bytes apart */
#define BOARD_BOOT          0x1fc00000 /* the flash again, read-only */
#define BOARD_REVISION      0x1fc00010
#define BOARD_REVISION_ID   0x00000420 /* Malta, CoreLV with a GT-64120 */

/* FPGA registers, from BOARD_FPGA; 32 bits wide. */
#define BOARD_FPGA_SWITCH   0x200
#define BOARD_FPGA_STATUS   0x208
#define BOARD_FPGA_JMPRS    0x210
#define BOARD_FPGA_LEDBAR   0x408
#define BOARD_FPGA_ASCIIW   0x410
#define BOARD_FPGA_ASCII0   0x418 /* eight digits, 8 bytes apart */
#define BOARD_FPGA_SOFTRES  0x500
#define BOARD_SOFTRES_MAGIC 0x42

/* Port numbers, from BOARD_PCI_IO. */
#define BOARD_PORT_DMA0    0x0000
#define BOARD_PORT_PIC0    0x0020
#define BOARD_PORT_PIT     0x0040
#define BOARD_PORT_KBD     0x0060
#define BOARD_PORT_SPEAKER 0x0061
#define BOARD_PORT_RTC     0x0070
#define BOARD_PORT_DMAPAGE 0x0080
#define BOARD_PORT_PIC1    0x00a0
#define BOARD_PORT_DMA1    0x00c0
#define BOARD_PORT_IDE1    0x0170
#define BOARD_PORT_IDE0    0x01f0
#define BOARD_PORT_UART1   0x02f8
#define BOARD_PORT_UART0   0x03f8
#define BOARD_PORT_ELCR    0x04d0
#define BOARD_PORT_RESET   0x0cf9
#define BOARD_PORT_SMBUS   0x1100 /* as the firmware sets PIIX4's SMBBA and PMBA */
#define BOARD_PORT_PM      0x1000

#define BOARD_UART0 0x180003f8 /* = BOARD_PCI_IO + BOARD_PORT_UART0 */
#define BOARD_UART1 0x180002f8

/* Inputs of the i8259 pair (ISA IRQs). */
#define BOARD_IRQ_PIT   0
#define BOARD_IRQ_KBD   1
#define BOARD_IRQ_UART1 3
#define BOARD_IRQ_UART0 4
#define BOARD_IRQ_RTC   8
#define BOARD_IRQ_PM    9
#define BOARD_IRQ_PCI0  10 /* PIRQA, PIRQB */
#define BOARD_IRQ_PCI1  11 /* PIRQC, PIRQD */
#define BOARD_IRQ_MOUSE 12
#define BOARD_IRQ_IDE0  14
#define BOARD_IRQ_IDE1  15
/* Inputs of the cpu: hardware interrupt n is Cause.IP(n + 2). */
#define BOARD_HW_PIC   0
#define BOARD_HW_SMI   1
#define BOARD_HW_UART2 2
#define BOARD_HW_GT    3 /* "CoreHi" */
#define BOARD_HW_TIMER 5 /* the cpu's own Count/Compare: the board never drives it */

/* PCI slots (device numbers on bus 0). */
#define BOARD_SLOT_GT    0
#define BOARD_SLOT_PIIX4 10
#define BOARD_SLOT_PCNET 11
#define BOARD_SLOT_FIRST 18 /* four connectors: 18..21 */
#define BOARD_SLOT_LAST  21

/* --- disco: monitor devices, described to the guest by a device tree. Guest-physical addresses: --- */
#define DISCO_GCR          0x16100000 /* coherence manager; its L2-only sync page stands behind it */
#define DISCO_GCR_SIZE     0x00009000
#define DISCO_GIC          0x16120000
#define DISCO_GIC_SIZE     0x00020000
#define DISCO_CPC          0x16200000
#define DISCO_CPC_SIZE     0x00008000
#define DISCO_UART0        0x16300000 /* ns16550a, registers 4 bytes apart */
#define DISCO_UART1        0x16301000
#define DISCO_UART_SIZE    0x00000020
#define DISCO_RTC          0x16310000
#define DISCO_RTC_SIZE     0x00000020
#define DISCO_SYSCON       0x16320000
#define DISCO_SYSCON_SIZE  0x00001000
#define DISCO_VIRTIO       0x16400000 /* slot n: + n * DISCO_VIRTIO_SIZE */
#define DISCO_VIRTIO_SIZE  0x00001000
#define DISCO_VIRTIO_SLOTS 16

/* Registers from DISCO_SYSCON, 32 bits wide, little-endian. */
#define DISCO_SYSCON_POWER 0x0
#define DISCO_POWER_OFF    0x5555
#define DISCO_POWER_RESET  0x7777
#define DISCO_SYSCON_ID    0x4
#define DISCO_ID           0x6d62636f
#define DISCO_SYSCON_VCPUS 0x8 /* how many there are */

/* Shared inputs of the GIC. */
#define DISCO_IRQ_UART0  0
#define DISCO_IRQ_UART1  1
#define DISCO_IRQ_RTC    2
#define DISCO_IRQ_VIRTIO 8 /* + slot */

#ifndef __ASSEMBLER__
#include "iosys/devices.h"
#include "iosys/disco.h"
#include "iosys/pcnet.h"
#include "iosys/virtio.h"
#include <stddef.h>

/* Hardware interrupt n (0..5) of a cpu, as a number for irq_line.set. */
#define IO_CPU_LINE(vcpu, n) ((vcpu) << 3 | (n))

/* What a device tree tells the guest beyond what the board always is. */
struct io_board_tree {
  uint64_t ram;
  unsigned vcpus;
  uint32_t mhz;
  const char *bootargs;
  uint64_t initrd, initrd_bytes; /* where it lies; none: 0 bytes */
  const void *seed;              /* random bytes; none: 0 bytes */
  unsigned seed_bytes;
};

struct io_board;
struct io_board_row;
struct io_board_part;
/* What distinguishes one board from another. */
struct io_board_kind {
  const char *name, *about;
  const char *cpu32, *cpu64; /* names of the cpu models it comes with */
  unsigned vcpus;            /* at most */
  uint32_t mhz;              /* at most */
  uint8_t virtio_disks, ide_disks, virtio_nets, pcnets;
  uint8_t connectors; /* for virtio cards */
  uint64_t gcr;       /* the coherence manager's registers; 0: there is none */
  const struct io_board_row *rows;
  unsigned n_rows;
  const struct io_board_part *parts; /* all that has state */
  unsigned n_parts;
  /* What the board does beyond its rows, called by the functions below. init may leave all to fini when it fails. */
  int (*init)(struct io_board *b);
  void (*fini)(struct io_board *b);
  void (*reset)(struct io_board *b);
  void (*firmware)(struct io_board *b);
  /* Write the flattened device tree that a kernel is started with. Returns its bytes, or IO_ERR_FULL. NULL: a kernel is
   * started as YAMON does it. */
  int (*tree)(const struct io_board_tree *t, void *to, unsigned room);
};
extern const struct io_board_kind io_board_malta, io_board_disco;
/* Row i of the boards, the default one first; by name. NULL: there is none. */
const struct io_board_kind *io_board_kind(size_t i);
const struct io_board_kind *io_board_find(const char *name);

enum { IO_BOARD_NETS = 2 };

struct io_board_config {
  const struct io_board_kind *kind; /* NULL: malta */
  unsigned vcpus;                   /* 0: 1 */
  struct io_clock *clock;           /* borrowed; outlives the board */
  bool big_endian;
  uint64_t ram; /* bytes; only reported to the guest (SPD EEPROM), see above */
  /* [0], [1]: SuperIO 16550s (Linux ttyS0, ttyS1), [2]: CBUS UART. A zeroed one: nothing plugged in. */
  struct io_tty tty[3];
  bool uart_timed;         /* characters take the time their baud rate says; otherwise none */
  struct irq_line cpu_irq; /* set(ctx, n + IO_CPU_LINE(vcpu, line), level) */
  struct io_power_line power;
  struct io_vcpu_line vcpu;
  struct io_dma dma;
  int64_t rtc_start;     /* Unix seconds at power-on; 0: a fixed date (2024-01-01) */
  const uint8_t *flash;  /* image mapped at BOARD_FLASH and BOARD_BOOT, borrowed; NULL: erased. Bytes, as stored */
  uint32_t flash_size;   /* <= BOARD_FLASH_SIZE, the rest reads erased */
  struct io_disk ide[4]; /* primary master, slave, secondary master, slave; size 0: absent */
  struct io_disk virtio_blk[2]; /* size 0: no such card */
  bool virtio_rng;              /* a card whose numbers follow from seed */
  uint64_t seed;
  bool virtio_console;
  struct io_tty virtio_tty;
  struct io_net pcnet; /* malta's own AMD 79C973; nothing plugged in: it is not there, so as not to be eth0 */
  struct io_net virtio_net[IO_BOARD_NETS]; /* the same */
  /* Diagnostics (see bus.h), all optional. */
  void (*log)(void *ctx, const char *msg);
  void (*trace)(void *ctx, const char *dev, uint64_t gpa, int size, uint64_t v, bool write);
  void *hook_ctx; /* passed to both */
};

struct io_board {
  const struct io_board_kind *kind;
  struct io_bus bus;   /* guest-physical */
  struct io_bus ports; /* PCI I/O space, ISA ports in its first 64 KiB */
  struct io_bus mem;   /* PCI memory space */
  struct io_pci pci;
  struct io_board_config config; /* a copy */
  struct io_gt64120 gt;
  struct io_piix4 piix4;
  struct io_pics pics;
  struct io_pit pit;
  struct io_rtc rtc;
  struct io_i8042 kbd;
  struct io_dma8237 dma8237;
  struct io_ide ide;
  struct io_uart uart[3];
  struct io_fpga fpga;
  struct io_flash flash;
  struct io_superio superio;
  struct io_pcnet pcnet;
  struct io_virtio_blk virtio_blk[2]; /* the cards are in the slots only if the config asks for them */
  struct io_virtio_rng virtio_rng;
  struct io_virtio_console virtio_console;
  struct io_virtio_net virtio_net[IO_BOARD_NETS];
  struct io_disco disco;
};

/* Build the machine, powered on: every register at its reset value. Borrows config's pointers, copies the rest.
 * Returns IO_OK, or an error (a table too small for the config). fini() of a half-built or zeroed board works. */
__attribute__((warn_unused_result)) int io_board_init(struct io_board *b, const struct io_board_config *config);
void io_board_fini(struct io_board *b);
/* The reset button: registers to their reset values; CMOS, RTC and clock run on. */
void io_board_reset(struct io_board *b);
/* Do what the firmware does before it starts a kernel. Call after init/reset when there is no boot ROM code to do it.
 */
void io_board_firmware(struct io_board *b);

/* The state of everything on it, but for the clock's. Restored into a board that io_board_init() has made of the same
 * config, and that nobody has touched since; its interrupt lines are not driven meanwhile. */
void io_board_state(struct io_board *b, struct snap *s);

static inline uint64_t io_board_read(struct io_board *b, uint64_t gpa, int size) {
  return io_bus_read(&b->bus, gpa, size);
}
static inline void io_board_write(struct io_board *b, uint64_t gpa, uint64_t v, int size) {
  io_bus_write(&b->bus, gpa, v, size);
}
/* Text for people: the eight digits of the front panel (NUL-terminated), and its LED bar. */
const char *io_board_display(const struct io_board *b, uint8_t *leds);
/* Name of the PCI and port map rows, one per line, into buf (always terminated); for `status` and docs. */
void io_board_describe(const struct io_board *b, char *buf, unsigned size);
#endif
#endif
