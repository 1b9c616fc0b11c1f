/* iosys/devices.h: the structs, constructors and ops tables of the Malta board's own devices. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Everything here is embedded by value in struct io_board; a device borrows its clock and its lines, owns nothing on
 * the heap, and is ready after its _init (which also resets it). Its _state is all that the guest can tell of it. Other
 * rooms read the fields for display only. */
#ifndef IOSYS_DEVICES_H
#define IOSYS_DEVICES_H
#include "iosys/bus.h"
#include "iosys/pci.h"

/* --- 16550A UART (dev_uart.c; National PC16550D data sheet) --- */
enum { IO_UART_FIFO = 16 };
struct io_uart {
  struct io_clock *clock;
  struct irq_line line;
  struct io_tty tty;
  uint32_t clock_hz; /* of the baud generator's input */
  uint8_t shift;     /* registers are 1 << shift bytes apart */
  bool timed;        /* characters take the time the divisor says; otherwise they leave at once */
  uint8_t ier, lcr, mcr, scr, fcr, msr_delta, lsr_errors;
  uint16_t divisor;
  uint8_t rx[IO_UART_FIFO], rx_first, rx_n;
  bool rx_looped;                     /* the FIFO holds loop-back bytes, not typed ones */
  bool rx_timeout;                    /* character time-out interrupt pending */
  bool thr_empty_irq;                 /* THRE interrupt pending */
  uint8_t idle_polls;                 /* LSR reads in a row that found nothing to do */
  uint8_t kept[IO_UART_FIFO], kept_n; /* typed bytes a FIFO reset would have lost; they arrive again */
  uint64_t tx_done;                   /* timed: ns at which the last character has left */
  struct io_timer rx_timer, tx_timer;
  uint64_t n_tx, n_rx;
};
extern const struct dev_ops uart_ops;
struct io_uart_config {
  struct io_clock *clock;
  struct irq_line line;
  struct io_tty tty;
  uint32_t clock_hz;
  uint8_t shift;
  bool timed;
};
void io_uart_init(struct io_uart *u, const struct io_uart_config *config);
void io_uart_state(void *uart, struct snap *s);

/* --- two i8259 interrupt controllers (dev_i8259.c; Intel 8259A data sheet) --- */
struct io_pic {
  uint8_t irr, isr, imr, level; /* level: state of the input pins */
  uint8_t elcr, elcr_mask;      /* 1: level-triggered; which bits exist */
  uint8_t vector, lowest;       /* ICW2 base; the input with the lowest priority */
  uint8_t icw, icw3;            /* which ICW is expected next, 0: running */
  bool need_icw4, single, auto_eoi, rotate_auto, special_mask, nested, poll, read_isr;
};
struct io_pics {
  struct io_pic chip[2]; /* master, slave */
  struct irq_line out;   /* INTR */
};
extern const struct dev_ops pic0_ops, pic1_ops, elcr_ops; /* dev = struct io_pics */
void io_pics_init(struct io_pics *p, struct irq_line out);
void io_pics_state(void *pics, struct snap *s);
/* ISA input n (0..15): usable as irq_line.set with ctx = struct io_pics. */
void io_pics_irq(void *pics, int n, int level);
/* The INTA cycles: returns the vector (a spurious one when nothing is pending). */
int io_pics_ack(struct io_pics *p);

/* --- i8254 timer and the port 0x61 speaker gate (dev_i8254.c; Intel 8254 data sheet) --- */
struct io_pit_channel {
  uint32_t count; /* as loaded, 1..65536 */
  uint64_t start; /* ns the counting began */
  uint16_t latched;
  uint8_t mode, rw, bcd, status;
  bool latch_full, status_full, gate, null_count, counting;
  bool read_high, write_high; /* byte phase of a two-byte access */
  uint8_t low;                /* the first byte written */
  uint16_t held;              /* count while the gate is low */
};
struct io_pit {
  struct io_clock *clock;
  struct irq_line line; /* OUT0 */
  struct io_pit_channel ch[3];
  struct io_timer timer;
  uint8_t port61;
};
extern const struct dev_ops pit_ops, speaker_ops;
void io_pit_init(struct io_pit *p, struct io_clock *clock, struct irq_line line);
void io_pit_state(void *pit, struct snap *s);

/* --- MC146818 real-time clock (dev_rtc.c; Motorola MC146818 data sheet) --- */
struct io_rtc {
  struct io_clock *clock;
  struct irq_line line;
  int64_t start;  /* Unix seconds at virtual time 0; moves when the guest sets the time */
  uint64_t phase; /* ns within the second at virtual time 0 */
  uint8_t index;
  uint8_t cmos[128]; /* 0..9 only meaningful while SET or for the alarm bytes */
  uint64_t seen;     /* ns up to which flags in register C have been worked out */
  struct io_timer timer;
};
extern const struct dev_ops rtc_ops;
void io_rtc_init(struct io_rtc *r, struct io_clock *clock, struct irq_line line, int64_t start);
void io_rtc_state(void *rtc, struct snap *s);

/* --- i8042 keyboard controller with a keyboard and a mouse nobody touches (dev_i8042.c) --- */
struct io_i8042 {
  struct irq_line kbd, aux;
  void (*reset_cpu)(void *ctx); /* output port bit 0 pulled low */
  void *ctx;
  uint8_t command_byte, out_port, pending; /* pending: controller command waiting for its data byte */
  uint8_t kbd_pending, aux_pending;        /* keyboard or mouse command waiting for its argument */
  uint8_t aux_setting[2];                  /* resolution, sample rate */
  uint8_t ram[32], scancode_set;
  uint8_t queue[16], tags[16], first, n; /* bytes for port 0x60 and the status bits they show */
  bool command_last;                     /* status bit 3 */
};
extern const struct dev_ops i8042_ops, i8042_command_ops; /* ports 0x60 and 0x64 */
void io_i8042_init(struct io_i8042 *k, struct irq_line kbd, struct irq_line aux, void (*reset_cpu)(void *), void *ctx);
void io_i8042_state(void *i8042, struct snap *s);

/* --- two 8237 DMA controllers with page registers: registers only, nothing on ISA asks (dev_dma8237.c) --- */
struct io_dma8237 {
  uint16_t base[2][4][2], now[2][4][2]; /* chip, channel, {address, count} */
  uint8_t mode[2][4], mask[2], command[2], page[16];
  bool high[2]; /* byte flip-flop */
};
extern const struct dev_ops dma0_ops, dma1_ops, dma_page_ops; /* dev = struct io_dma8237 */
void io_dma8237_init(struct io_dma8237 *d);
void io_dma8237_state(void *dma8237, struct snap *s);

/* --- SMSC FDC37M817 SuperIO configuration ports 0x3f0/0x3f1 (dev_superio.c) --- */
struct io_superio {
  bool open; /* between the 0x55 and 0xaa keys */
  uint8_t index, device, global[48], local[16][208];
};
extern const struct dev_ops superio_ops;
void io_superio_init(struct io_superio *s);
void io_superio_state(void *superio, struct snap *s);

/* --- Malta FPGA: LEDs, switches, soft reset, I2C pins (dev_fpga.c; Malta User's Manual 7) --- */
struct io_fpga {
  struct io_power_line power;
  bool big_endian;
  char digits[9];
  uint8_t leds, brkres, gpout, i2c_oe, i2c_out, i2c_sel;
};
extern const struct dev_ops fpga_ops, revision_ops; /* dev = struct io_fpga */
void io_fpga_init(struct io_fpga *f, struct io_power_line power, bool big_endian);
void io_fpga_state(void *fpga, struct snap *s);

/* --- monitor flash: 28F320-like command set, contents fixed (dev_flash.c) --- */
struct io_flash {
  const uint8_t *image; /* borrowed */
  uint32_t size;        /* of image; the rest of the part is erased */
  uint8_t command, status;
};
extern const struct dev_ops flash_ops, boot_ops; /* dev = struct io_flash */
void io_flash_init(struct io_flash *f, const uint8_t *image, uint32_t size);
void io_flash_state(void *flash, struct snap *s);

/* --- IDE function of PIIX4 with up to four ATA disks (dev_ide.c; ATA/ATAPI-5, 82371AB 2.2) --- */
struct io_ide;
struct io_ide_drive {
  struct io_disk disk;
  uint8_t multiple; /* sectors a READ/WRITE MULTIPLE block has */
  uint8_t heads, sectors;
  bool cache; /* writes count as done before they are stable */
};
struct io_ide_channel {
  struct io_ide *ide; /* back pointer for the ops tables */
  struct io_ide_drive drive[2];
  struct io_ide_drive *active;             /* whose command is under way, whichever is selected meanwhile */
  uint8_t feature[2], count[2], lba[3][2]; /* last index: 0 as last written, 1 before that (48-bit commands) */
  uint8_t select, status, error, control, command;
  uint8_t buffer[16 * 512]; /* one block of a multiple command, or one DMA stretch */
  unsigned at, end;         /* data port window into buffer */
  uint64_t sector;          /* next sector of the command under way */
  unsigned left;            /* sectors still to move */
  unsigned block;           /* sectors per interrupt */
  bool writing, dma;
  bool fua; /* the write under way must be stable when it is done */
  bool irq; /* INTRQ before nIEN gates it */
  uint8_t bm_command, bm_status;
  uint32_t bm_table;
  struct irq_line line;
  int slots[2]; /* rows on the ports bus while decoded */
};
struct io_ide {
  struct io_pci_dev pci;
  struct io_bus *ports;
  struct io_dma dma;
  struct io_ide_channel ch[2];
};
void io_ide_init(struct io_ide *i, struct io_bus *ports, struct io_dma dma, const struct io_disk disk[4],
                 const struct irq_line line[2]);
void io_ide_state(void *ide, struct snap *s);

/* --- PIIX4: ISA bridge, USB stub, power management and SMBus (dev_piix4.c; Intel 82371AB data sheet) --- */
struct io_piix4 {
  struct io_pci_dev isa, usb, pm;
  struct io_clock *clock;
  struct io_bus *ports;
  struct io_power_line power;
  struct irq_line irq; /* set(ctx, n + ISA irq, level) */
  uint8_t pirq_level;  /* bit per PIRQ */
  uint16_t isa_level;  /* bit per ISA irq as last driven by PIRQs and the PM block */
  uint8_t reset_control, port92;
  uint8_t pm_regs[64];
  int pm_slot, smb_slot;
  uint8_t smb[16], smb_block[32], smb_at;
  uint8_t spd[256]; /* the DIMM's EEPROM at SMBus address 0x50 */
  uint16_t usb_command, usb_intr, usb_frame, usb_port[2];
  uint32_t usb_list;
  uint8_t usb_sof;
};
struct io_piix4_config {
  struct io_clock *clock;
  struct io_bus *ports;
  struct io_power_line power;
  struct irq_line irq;
  uint64_t ram;
};
extern const struct dev_ops reset_control_ops, port92_ops; /* dev = struct io_piix4 */
void io_piix4_init(struct io_piix4 *p, const struct io_piix4_config *config);
void io_piix4_state(void *piix4, struct snap *s);
/* PIRQ n (0..3): usable as irq_line.set with ctx = struct io_piix4. */
void io_piix4_pirq(void *piix4, int n, int level);
/* A PCI special cycle reached the bridge (Stop Grant ends in the suspend state asked for). */
void io_piix4_special_cycle(struct io_piix4 *p, uint32_t message);

/* --- GT-64120 system controller (dev_gt64120.c; Galileo GT-64120 data sheet) --- */
struct io_gt64120 {
  struct io_pci_dev pci; /* its own config space, device 0 */
  struct io_bus *bus;    /* where its registers and windows are rows */
  struct io_bus *ports, *mem;
  struct io_pci *host;
  struct io_pics *pics;
  struct io_piix4 *piix4;
  struct irq_line line; /* CoreHi */
  bool big_endian;
  uint32_t reg[1024];
  int self, window[3]; /* bus rows: registers; PCI I/O, memory 0, memory 1 */
};
struct io_gt64120_config {
  struct io_bus *bus, *ports, *mem;
  struct io_pci *host;
  struct io_pics *pics;   /* answers interrupt acknowledge cycles */
  struct io_piix4 *piix4; /* hears special cycles */
  struct irq_line line;
  bool big_endian;
};
extern const struct dev_ops gt64120_ops;
__attribute__((warn_unused_result)) int io_gt64120_init(struct io_gt64120 *g, const struct io_gt64120_config *config);
void io_gt64120_state(void *gt64120, struct snap *s);
#endif
