/* iosys/dev_flash.c: monitor flash: reads the image it was given, answers Intel-style commands, keeps its contents. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Two 16-bit 28F-series parts side by side: a command shows in both halves of a 32-bit read. Erase and program report
 * "locked" (status SR1 with the failure bit), so flash drivers see a write-protected part instead of silent loss. The
 * row is little-endian so that bytes come out as stored in either byte order. */
#include "iosys/devices.h"

enum {
  READ_ARRAY = 0xff,
  READ_ID = 0x90,
  READ_STATUS = 0x70,
  CLEAR_STATUS = 0x50,
  ERASE = 0x20,
  PROGRAM = 0x40,
  PROGRAM_ALT = 0x10,
  CFI_QUERY = 0x98
};
enum { SR_READY = 0x80, SR_ERASE_FAILED = 0x20, SR_PROGRAM_FAILED = 0x10, SR_LOCKED = 0x02 };

static uint64_t array(const struct io_flash *f, uint32_t off, int size) {
  uint64_t v = 0;
  for (int i = 0; i < size; i++)
    v |= (uint64_t)(off + (unsigned)i < f->size ? f->image[off + (unsigned)i] : 0xff) << 8 * i;
  return v;
}

static uint64_t flash_read(void *dev, uint32_t off, int size) {
  struct io_flash *f = dev;
  uint32_t v;
  switch (f->command) {
  case READ_ARRAY: return array(f, off, size);
  case READ_ID: /* manufacturer, device (28F160), lock bits: all locked */
    v = off >> 2 == 0 ? 0x89 : off >> 2 == 1 ? 0xd0 : 1;
    break;
  case CFI_QUERY: v = 0; break; /* no CFI table: an older part, identified by READ_ID */
  default: v = f->status; break;
  }
  return v | v << 16;
}

static void flash_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_flash *f = dev;
  (void)off;
  (void)size;
  uint8_t command = (uint8_t)v;
  if (f->command == PROGRAM || f->command == PROGRAM_ALT || f->command == ERASE) { /* its second cycle */
    f->status |= SR_LOCKED | (f->command == ERASE ? SR_ERASE_FAILED : SR_PROGRAM_FAILED);
    f->command = READ_STATUS;
    return;
  }
  switch (command) {
  case READ_ID:
  case READ_STATUS:
  case ERASE:
  case PROGRAM:
  case PROGRAM_ALT:
  case CFI_QUERY: f->command = command; break;
  case CLEAR_STATUS: f->status = SR_READY; break;
  default: f->command = READ_ARRAY; break;
  }
}

static void flash_reset(void *dev) {
  struct io_flash *f = dev;
  f->command = READ_ARRAY;
  f->status = SR_READY;
}

static uint64_t boot_read(void *dev, uint32_t off, int size) {
  return array(dev, off, size);
}
static void boot_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)dev;
  (void)off;
  (void)v;
  (void)size;
}
static void no_reset(void *dev) {
  (void)dev;
}

void io_flash_init(struct io_flash *f, const uint8_t *image, uint32_t size) {
  *f = (struct io_flash){.image = image, .size = image ? size : 0};
  flash_reset(f);
}

const struct dev_ops flash_ops = {"flash", flash_read, flash_write, flash_reset};
const struct dev_ops boot_ops = {"boot-flash", boot_read, boot_write, no_reset};

void io_flash_state(void *flash, struct snap *s) {
  struct io_flash *f = flash;
  SNAP(s, f->command);
  SNAP(s, f->status);
}
