/* monitor/disks.c: the configured disk images: opened, put into the board, closed, and what was done to them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <jansson.h>

static const struct {
  const char *name;
  enum io_disk_mode mode;
} modes[] = {[MB_DISK_COW] = {"cow", IO_DISK_COW},
             [MB_DISK_RO] = {"ro", IO_DISK_RO},
             [MB_DISK_PERSIST] = {"persist", IO_DISK_PERSIST}};

static const char *const buses[] = {[MB_DISK_VIRTIO] = "virtio", [MB_DISK_IDE] = "ide"};

enum { MODES = sizeof modes / sizeof *modes, BUSES = sizeof buses / sizeof *buses };

static int check(struct mb_vm *vm) {
  const struct mb_config *c = &vm->config;
  const unsigned most[BUSES] = {[MB_DISK_VIRTIO] = vm->kind->virtio_disks, [MB_DISK_IDE] = vm->kind->ide_disks};
  unsigned n[BUSES] = {0};
  if (c->disks > MB_DISKS_MAX) return mon_fail(vm->error, MB_ERR_ARGUMENT, "more than %d disks", MB_DISKS_MAX);
  for (unsigned i = 0; i < c->disks; i++) {
    const struct mb_disk *d = &c->disk[i];
    if (!d->path || (unsigned)d->mode >= MODES || (unsigned)d->bus >= BUSES)
      return mon_fail(vm->error, MB_ERR_ARGUMENT, "disk %u is not described", i + 1);
    if (++n[d->bus] > most[d->bus])
      return mon_fail(vm->error, MB_ERR_ARGUMENT, "disk %s: a %s board takes %u virtio disks and %u IDE disks", d->path,
                      vm->kind->name, most[MB_DISK_VIRTIO], most[MB_DISK_IDE]);
  }
  return MB_OK;
}

int mon_disks_open(struct mb_vm *vm) {
  int code = check(vm);
  for (unsigned i = 0; !code && i < vm->config.disks; i++) {
    const struct mb_disk *d = &vm->config.disk[i];
    const char *why = io_image_open(&vm->disk[i].image, d->path, d->mode == MB_DISK_PERSIST);
    if (why)
      code = mon_fail(vm->error, MB_ERR_FILE, "disk %s: %s", d->path, why);
    else
      io_host_disk_init(&vm->disk[i].disk, &vm->disk[i].image, modes[d->mode].mode);
  }
  return code;
}

void mon_disks_attach(struct mb_vm *vm, struct io_board_config *board) {
  unsigned n[BUSES] = {0};
  for (unsigned i = 0; i < vm->config.disks; i++) {
    enum mb_disk_bus bus = vm->config.disk[i].bus;
    struct io_disk *at = (bus == MB_DISK_IDE ? board->ide : board->virtio_blk) + n[bus]++;
    *at = io_host_disk(&vm->disk[i].disk);
    snprintf(at->serial, sizeof at->serial, "MB%04u", i + 1);
  }
}

void mon_disks_close(struct mb_vm *vm) {
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) {
    io_host_disk_fini(&vm->disk[i].disk);
    io_image_close(&vm->disk[i].image);
  }
}

struct json_t *mon_disks_json(const struct mb_vm *vm) {
  json_t *all = json_array();
  for (unsigned i = 0; i < vm->config.disks; i++) {
    const struct mb_disk *d = &vm->config.disk[i];
    const struct io_host_disk *h = &vm->disk[i].disk;
    json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "file", d->path, "mode",
                                         modes[d->mode].name, "bus", buses[d->bus], "reads", (json_int_t)h->reads,
                                         "writes", (json_int_t)h->writes, "flushes", (json_int_t)h->flushes,
                                         "bytes_read", (json_int_t)h->bytes_read, "bytes_written",
                                         (json_int_t)h->bytes_written, "own_blocks", (json_int_t)h->kept));
  }
  return all;
}
