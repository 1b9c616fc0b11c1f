/* iosys/dev_superio.c: configuration ports of the SMSC FDC37M817 SuperIO at 0x3f0/0x3f1. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The logical devices answer at their usual ports whatever is written here; the registers only read back. Outside
 * configuration mode the ports float, which also says: no floppy (FDC37M81x data sheet, "Configuration"). */
#include "iosys/devices.h"
#include <string.h>

enum { KEY_OPEN = 0x55, KEY_CLOSE = 0xaa };
enum { REG_DEVICE = 0x07, REG_ID = 0x20, REG_REVISION = 0x21, FIRST_LOCAL = 0x30 };
enum { CHIP_ID = 0x4d };

static uint64_t superio_read(void *dev, uint32_t off, int size) {
  struct io_superio *s = dev;
  (void)size;
  if (!s->open) return 0xff;
  if (!off) return s->index;
  if (s->index == REG_DEVICE) return s->device;
  if (s->index < FIRST_LOCAL) return s->global[s->index];
  return s->local[s->device & 15][s->index - FIRST_LOCAL];
}

static void superio_write(void *dev, uint32_t off, uint64_t value, int size) {
  struct io_superio *s = dev;
  uint8_t v = (uint8_t)value;
  (void)size;
  if (!off) {
    if (v == KEY_OPEN)
      s->open = true;
    else if (v == KEY_CLOSE)
      s->open = false;
    else
      s->index = v;
    return;
  }
  if (!s->open) return;
  if (s->index == REG_DEVICE)
    s->device = v;
  else if (s->index >= FIRST_LOCAL)
    s->local[s->device & 15][s->index - FIRST_LOCAL] = v;
  else if (s->index != REG_ID && s->index != REG_REVISION)
    s->global[s->index] = v;
}

static void superio_reset(void *dev) {
  struct io_superio *s = dev;
  memset(s, 0, sizeof *s);
  s->global[REG_ID] = CHIP_ID;
}

void io_superio_init(struct io_superio *s) {
  superio_reset(s);
}

const struct dev_ops superio_ops = {"superio", superio_read, superio_write, superio_reset};

void io_superio_state(void *superio, struct snap *s) {
  struct io_superio *p = superio;
  SNAP(s, p->open);
  SNAP(s, p->index);
  SNAP(s, p->device);
  SNAP_ARRAY(s, p->global, p->global[0]);
  SNAP_ARRAY(s, p->local, p->local[0][0]);
}
