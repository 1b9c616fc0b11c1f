/* iosys/dev_i8042.c: keyboard controller of the SuperIO: a keyboard nobody types on, a mouse nobody moves. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Answers come at once. The mouse is the plain three-button PS/2 one: it knows no extensions, so drivers stop asking.
 * Sources: IBM PS/2 Technical Reference, "Keyboard and Auxiliary Device Controller"; 8042 commands as in the
 * FDC37M81x data sheet. */
#include "iosys/devices.h"
#include <stddef.h>

enum { ST_OUT_FULL = 1, ST_SYSTEM = 4, ST_COMMAND = 8, ST_UNLOCKED = 16, ST_AUX = 32 };
enum { CB_KBD_IRQ = 1, CB_AUX_IRQ = 2, CB_SYSTEM = 4, CB_KBD_OFF = 16, CB_AUX_OFF = 32 };
enum { OUT_NOT_RESET = 1, OUT_A20 = 2 };
enum { KBD_ACK = 0xfa, KBD_SELF_TEST_OK = 0xaa };

static void update(struct io_i8042 *k) {
  bool full = k->n != 0, aux = full && k->tags[k->first] & ST_AUX;
  io_irq_set(&k->kbd, full && !aux && k->command_byte & CB_KBD_IRQ);
  io_irq_set(&k->aux, full && aux && k->command_byte & CB_AUX_IRQ);
}

static void queue(struct io_i8042 *k, uint8_t byte, uint8_t tag) {
  if (k->n == sizeof k->queue) return; /* a real controller overwrites; nobody can tell */
  unsigned at = (k->first + k->n++) % sizeof k->queue;
  k->queue[at] = byte;
  k->tags[at] = tag;
}

static void flush(struct io_i8042 *k) {
  k->n = k->first = 0;
}

/* A byte sent to the keyboard. */
static void keyboard(struct io_i8042 *k, uint8_t v) {
  uint8_t command = k->kbd_pending;
  k->kbd_pending = 0;
  k->command_byte &= (uint8_t)~CB_KBD_OFF; /* sending to it enables it */
  queue(k, KBD_ACK, 0);
  if (command == 0xf0) {
    if (v)
      k->scancode_set = v;
    else
      queue(k, k->scancode_set, 0);
    return;
  }
  if (command) return; /* LEDs, typematic rate: nothing to see */
  switch (v) {
  case 0xed:
  case 0xf0:
  case 0xf3: k->kbd_pending = v; break;
  case 0xee: /* echo answers itself instead of ACK */
    k->n--;
    queue(k, 0xee, 0);
    break;
  case 0xf2: /* identify: an MF2 keyboard */
    queue(k, 0xab, 0);
    queue(k, 0x83, 0);
    break;
  case 0xff:
    k->scancode_set = 2;
    queue(k, KBD_SELF_TEST_OK, 0);
    break;
  }
}

static void mouse_defaults(struct io_i8042 *k) {
  k->aux_setting[0] = 2;
  k->aux_setting[1] = 100;
}

/* A byte sent to the mouse. */
static void mouse(struct io_i8042 *k, uint8_t v) {
  uint8_t command = k->aux_pending;
  k->aux_pending = 0;
  k->command_byte &= (uint8_t)~CB_AUX_OFF;
  queue(k, KBD_ACK, ST_AUX);
  if (command) {
    k->aux_setting[command == 0xf3] = v;
    return;
  }
  switch (v) {
  case 0xe8:
  case 0xf3: k->aux_pending = v; break; /* resolution, sample rate: an argument follows */
  case 0xe9:                            /* status: stream mode, scaling 1:1 */
    queue(k, 0, ST_AUX);
    queue(k, k->aux_setting[0], ST_AUX);
    queue(k, k->aux_setting[1], ST_AUX);
    break;
  case 0xeb: /* data: nothing moved */
    for (int i = 0; i < 3; i++) queue(k, i ? 0 : 8, ST_AUX);
    break;
  case 0xf2: queue(k, 0, ST_AUX); break; /* identify: plain mouse */
  case 0xff:
    queue(k, KBD_SELF_TEST_OK, ST_AUX);
    queue(k, 0, ST_AUX);
    mouse_defaults(k);
    break;
  case 0xf6: mouse_defaults(k); break;
  }
}

static void output_port(struct io_i8042 *k, uint8_t v) {
  k->out_port = v;
  if (!(v & OUT_NOT_RESET) && k->reset_cpu) k->reset_cpu(k->ctx);
}

static void data_write(struct io_i8042 *k, uint8_t v) {
  uint8_t command = k->pending;
  k->pending = 0;
  k->command_last = false;
  if (command >= 0x60 && command <= 0x7f) {
    if (command == 0x60)
      k->command_byte = v;
    else
      k->ram[command - 0x60] = v;
    return;
  }
  switch (command) {
  case 0xd1: output_port(k, v); break;
  case 0xd2: queue(k, v, 0); break;
  case 0xd3: queue(k, v, ST_AUX); break;
  case 0xd4: mouse(k, v); break;
  default: keyboard(k, v); break;
  }
}

static void command_write(struct io_i8042 *k, uint8_t v) {
  k->command_last = true;
  if (v >= 0x20 && v <= 0x3f) {
    queue(k, v == 0x20 ? k->command_byte : k->ram[v - 0x20], 0);
    return;
  }
  if (v >= 0x60 && v <= 0x7f) {
    k->pending = v;
    return;
  }
  if (v >= 0xf0) { /* pulse the output port bits that are 0 */
    if (!(v & OUT_NOT_RESET) && k->reset_cpu) k->reset_cpu(k->ctx);
    return;
  }
  switch (v) {
  case 0xa7: k->command_byte |= CB_AUX_OFF; break;
  case 0xa8: k->command_byte &= (uint8_t)~CB_AUX_OFF; break;
  case 0xa9: queue(k, 0, 0); break; /* mouse port test: passed */
  case 0xaa:
    k->command_byte |= CB_SYSTEM;
    queue(k, 0x55, 0);
    break;
  case 0xab: queue(k, 0, 0); break;
  case 0xad: k->command_byte |= CB_KBD_OFF; break;
  case 0xae: k->command_byte &= (uint8_t)~CB_KBD_OFF; break;
  case 0xc0: queue(k, 0x80, 0); break; /* input port: not locked */
  case 0xd0: queue(k, k->out_port, 0); break;
  case 0xd1:
  case 0xd2:
  case 0xd3:
  case 0xd4: k->pending = v; break;
  }
}

static uint64_t i8042_read(void *dev, uint32_t off, int size) {
  struct io_i8042 *k = dev;
  (void)off;
  (void)size;
  uint8_t byte = k->queue[k->first]; /* empty: the last one again */
  if (k->n) {
    k->first = (k->first + 1) % sizeof k->queue;
    k->n--;
    /* The next byte is a new event: drop the line so that its edge is seen. */
    io_irq_set(&k->kbd, 0);
    io_irq_set(&k->aux, 0);
  }
  update(k);
  return byte;
}

static uint64_t status_read(void *dev, uint32_t off, int size) {
  struct io_i8042 *k = dev;
  (void)off;
  (void)size;
  return ST_UNLOCKED | (k->command_byte & CB_SYSTEM) | (k->command_last ? ST_COMMAND : 0) |
         (k->n ? ST_OUT_FULL | k->tags[k->first] : 0);
}

static void i8042_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)off;
  (void)size;
  data_write(dev, (uint8_t)v);
  update(dev);
}

static void i8042_command(void *dev, uint32_t off, uint64_t v, int size) {
  (void)off;
  (void)size;
  command_write(dev, (uint8_t)v);
  update(dev);
}

static void i8042_reset(void *dev) {
  struct io_i8042 *k = dev;
  flush(k);
  k->command_byte = CB_KBD_IRQ | CB_SYSTEM | CB_AUX_OFF;
  k->out_port = OUT_NOT_RESET | OUT_A20;
  k->pending = k->kbd_pending = k->aux_pending = 0;
  k->scancode_set = 2;
  k->command_last = false;
  mouse_defaults(k);
  update(k);
}

void io_i8042_init(struct io_i8042 *k, struct irq_line kbd, struct irq_line aux, void (*reset_cpu)(void *), void *ctx) {
  *k = (struct io_i8042){.kbd = kbd, .aux = aux, .reset_cpu = reset_cpu, .ctx = ctx};
  i8042_reset(k);
}

const struct dev_ops i8042_ops = {"i8042", i8042_read, i8042_write, i8042_reset};
const struct dev_ops i8042_command_ops = {"i8042-command", status_read, i8042_command, NULL};

void io_i8042_state(void *i8042, struct snap *s) {
  struct io_i8042 *k = i8042;
  SNAP(s, k->command_byte);
  SNAP(s, k->out_port);
  SNAP(s, k->pending);
  SNAP(s, k->kbd_pending);
  SNAP(s, k->aux_pending);
  SNAP_ARRAY(s, k->aux_setting, k->aux_setting[0]);
  SNAP_ARRAY(s, k->ram, k->ram[0]);
  SNAP(s, k->scancode_set);
  SNAP_ARRAY(s, k->queue, k->queue[0]);
  SNAP_ARRAY(s, k->tags, k->tags[0]);
  SNAP(s, k->first);
  SNAP(s, k->n);
  SNAP(s, k->command_last);
  snap_check(s, k->first < sizeof k->queue && k->n <= sizeof k->queue);
}
