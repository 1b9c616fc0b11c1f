/* iosys/dev_syscon.c: the board disco's control registers: power, reset, how many vcpus. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Ours alone, and as plain as Linux's syscon-poweroff and syscon-reboot want it: a value in one register. */
#include "iosys/board.h"
#include "iosys/disco.h"

static uint64_t syscon_read(void *dev, uint32_t off, int size) {
  const struct io_syscon *s = dev;
  (void)size;
  return off == DISCO_SYSCON_ID ? DISCO_ID : off == DISCO_SYSCON_VCPUS ? s->vcpus : 0;
}

static void syscon_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_syscon *s = dev;
  (void)size;
  if (off != DISCO_SYSCON_POWER || !s->power.set) return;
  if (v == DISCO_POWER_OFF) s->power.set(s->power.ctx, IO_POWER_OFF);
  if (v == DISCO_POWER_RESET) s->power.set(s->power.ctx, IO_POWER_RESET);
}

void io_syscon_init(struct io_syscon *s, struct io_power_line power, unsigned vcpus) {
  *s = (struct io_syscon){power, vcpus};
}

const struct dev_ops syscon_ops = {"syscon", syscon_read, syscon_write, NULL};
