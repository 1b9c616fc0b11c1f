/* criterion-tests/test_loader.c: kernel images, sound and broken: ELF, gzip, uImage, raw; and whether they fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/image.h"
#include "monitor/symbols.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

/* --- building images --- */

struct bytes {
  uint8_t b[4096];
  size_t n;
  bool big;
};

static void put(struct bytes *o, uint64_t v, int size) {
  for (int i = 0; i < size; i++) o->b[o->n++] = (uint8_t)(v >> 8 * (o->big ? size - 1 - i : i));
}

struct want {
  bool is64, big;
  uint64_t vaddr, paddr, entry;
};

enum { CODE = 64, CODE_MEM = 128 };

/* An executable with one segment of CODE bytes (CODE_MEM in memory) and one section header at its end. */
static struct bytes make_elf(struct want w) {
  struct bytes o = {.big = w.big};
  int a = w.is64 ? 8 : 4;
  size_t ehdr = w.is64 ? 64 : 52, phdr = w.is64 ? 56 : 32, shdr = w.is64 ? 64 : 40, data = ehdr + phdr;
  uint8_t ident[16] = {0x7f, 'E', 'L', 'F', w.is64 ? 2 : 1, w.big ? 2 : 1, 1};
  memcpy(o.b, ident, 16);
  o.n = 16;
  put(&o, 2, 2), put(&o, 8, 2), put(&o, 1, 4);
  put(&o, w.entry, a), put(&o, ehdr, a), put(&o, data + CODE, a);
  put(&o, w.is64 ? 0x80000000 : 0x70000000, 4); /* MIPS64r2, MIPS32r2 */
  put(&o, ehdr, 2), put(&o, phdr, 2), put(&o, 1, 2), put(&o, shdr, 2), put(&o, 1, 2), put(&o, 0, 2);
  put(&o, 1, 4); /* PT_LOAD */
  if (w.is64) put(&o, 7, 4);
  put(&o, data, a), put(&o, w.vaddr, a), put(&o, w.paddr, a), put(&o, CODE, a), put(&o, CODE_MEM, a);
  if (!w.is64) put(&o, 7, 4);
  put(&o, 4096, a);
  for (int i = 0; i < CODE; i++) put(&o, (uint64_t)i + 1, 1);
  o.n += shdr; /* all zero: the null section */
  return o;
}

static struct want kseg0(bool is64, bool big) {
  uint64_t at = is64 ? 0xffffffff80100000u : 0x80100000u;
  return (struct want){is64, big, at, at, at + 16};
}

static int open_bytes(struct mon_image *i, const uint8_t *b, size_t n, const struct mb_raw *raw, struct mon_error *e) {
  char path[64];
  int fd = memfd_create("kernel", 0);
  cr_assert_eq(write(fd, b, n), (ssize_t)n);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  *e = (struct mon_error){""};
  int code = mon_image_open(i, path, raw, 1 << 20, e);
  close(fd);
  cr_assert(!code == !e->text[0], "code %d, text \"%s\"", code, e->text);
  cr_assert_null(strchr(e->text, '\n'));
  return code;
}

static struct bytes pack(const uint8_t *from, size_t n) {
  struct bytes o = {0};
  z_stream z = {0};
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = (Bytef *)(uintptr_t)from;
  z.avail_in = (unsigned)n;
  z.next_out = o.b;
  z.avail_out = sizeof o.b;
  cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
  o.n = z.total_out;
  deflateEnd(&z);
  return o;
}

struct uimage {
  uint32_t load, entry;
  uint8_t arch, type, packing;
};

static struct bytes make_uimage(struct uimage u, const uint8_t *data, size_t n) {
  struct bytes o = {.big = true};
  put(&o, 0x27051956, 4), put(&o, 0, 4), put(&o, 0, 4), put(&o, n, 4), put(&o, u.load, 4), put(&o, u.entry, 4);
  put(&o, crc32(0, data, (unsigned)n), 4);
  put(&o, 5, 1), put(&o, u.arch, 1), put(&o, u.type, 1), put(&o, u.packing, 1);
  o.n = 64;
  uint32_t sum = (uint32_t)crc32(0, o.b, 64);
  for (int i = 0; i < 4; i++) o.b[4 + i] = (uint8_t)(sum >> (24 - 8 * i));
  memcpy(o.b + 64, data, n);
  o.n += n;
  return o;
}

/* --- ELF --- */

Test(loader, elf_of_each_class_and_byte_order) {
  for (int k = 0; k < 4; k++) {
    struct bytes o = make_elf(kseg0(k & 1, k & 2));
    struct mon_image i;
    struct mon_error e;
    cr_assert_eq(open_bytes(&i, o.b, o.n, NULL, &e), MB_OK, "%s", e.text);
    cr_assert_eq(i.is64, !!(k & 1));
    cr_assert_eq(i.big_endian, !!(k & 2));
    cr_assert_eq(i.segments, 1u);
    cr_assert_eq(i.segment[0].gpa, 0x100000u);
    cr_assert_eq(i.segment[0].file_bytes, (uint64_t)CODE);
    cr_assert_eq(i.segment[0].mem_bytes, (uint64_t)CODE_MEM);
    cr_assert_eq(i.segment[0].bytes[3], 4);
    cr_assert_eq(i.entry, 0xffffffff80100010u);
    mon_image_close(&i);
  }
}

Test(loader, elf_cut_short_anywhere_is_refused) {
  for (int k = 0; k < 4; k++) {
    struct bytes o = make_elf(kseg0(k & 1, k & 2));
    for (size_t n = 0; n < o.n; n++) {
      struct mon_image i;
      struct mon_error e;
      cr_assert_eq(open_bytes(&i, o.b, n, NULL, &e), MB_ERR_FORMAT, "%zu bytes were taken", n);
      if (n >= 4) cr_assert(strstr(e.text, "truncated"), "%zu bytes: %s", n, e.text);
    }
  }
}

Test(loader, elf_with_any_byte_changed_never_crashes) {
  for (int k = 0; k < 4; k++) {
    struct bytes o = make_elf(kseg0(k & 1, k & 2));
    for (size_t at = 0; at < o.n; at++)
      for (int v = 0; v < 3; v++) {
        struct bytes bad = o;
        struct mon_image i;
        struct mon_error e;
        bad.b[at] = v == 0 ? 0xff : v == 1 ? 0 : bad.b[at] ^ 0x80;
        if (open_bytes(&i, bad.b, bad.n, NULL, &e) == MB_OK) mon_image_close(&i);
      }
  }
}

Test(loader, elf_load_addresses) {
  static const struct {
    struct want w;
    uint64_t gpa, entry;
  } good[] = {
      {{0, 0, 0x80100000, 0x00200000, 0x80100000}, 0x200000, 0xffffffff80100000}, /* physical p_paddr */
      {{0, 0, 0x80100000, 0, 0x80100000}, 0x100000, 0xffffffff80100000},          /* p_paddr not filled in */
      {{0, 0, 0xa0100000, 0xa0100000, 0xa0100000}, 0x100000, 0xffffffffa0100000}, /* kseg1 */
      {{0, 0, 0x00100000, 0x00100000, 0x00100000}, 0x100000, 0xffffffff80100000}, /* linked at its gpa */
      {{1, 0, 0xa800000020000000, 0xa800000020000000, 0xa800000020000000}, 0x20000000, 0xa800000020000000},
      {{1, 0, 0x9000000000100000, 0x9000000000100000, 0x9000000000100000}, 0x100000, 0x9000000000100000},
      {{1, 1, 0x80100000, 0x80100000, 0x80100000}, 0x100000, 0xffffffff80100000}, /* sign forgotten */
  };
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    struct bytes o = make_elf(good[k].w);
    struct mon_image i;
    struct mon_error e;
    cr_assert_eq(open_bytes(&i, o.b, o.n, NULL, &e), MB_OK, "case %zu: %s", k, e.text);
    cr_assert_eq(i.segment[0].gpa, good[k].gpa, "case %zu", k);
    cr_assert_eq(i.entry, good[k].entry, "case %zu", k);
    mon_image_close(&i);
  }
}

struct broken {
  size_t at, size;
  uint64_t v;
  int code;
  const char *text;
};

Test(loader, elf_faults_are_named) {
  static const struct broken cases[] = {
      {16, 2, 1, MB_ERR_FORMAT, "type 1"},
      {16, 2, 3, MB_ERR_FORMAT, "type 3"},
      {18, 2, 62, MB_ERR_FORMAT, "machine 62"},
      {4, 1, 7, MB_ERR_FORMAT, "class 7"},
      {5, 1, 0, MB_ERR_FORMAT, "byte order 0"},
      {6, 1, 9, MB_ERR_FORMAT, "version 9"},
      {24, 4, 0x80000000, MB_ERR_FORMAT, "entry"},
      {24, 4, 0x80100001, MB_ERR_FORMAT, "entry"},
      {44, 2, 0, MB_ERR_FORMAT, "nothing to load"},
      {42, 2, 31, MB_ERR_FORMAT, "31 bytes each"},
      {28, 4, 0xfffffff0, MB_ERR_FORMAT, "truncated"},
      {52, 4, 4, MB_ERR_FORMAT, "nothing to load"},
      {56, 4, 0x7fffffff, MB_ERR_FORMAT, "truncated"},
      {68, 4, 0xffffffff, MB_ERR_FORMAT, "truncated"},
      {72, 4, 1, MB_ERR_FORMAT, "larger in the file"},
      {64, 4, 0xc0000000, MB_ERR_FIT, "no address of memory"},
      {36, 4, 0x90000000, MB_ERR_MISMATCH, "release 6"},
      {36, 4, 0x72000000, MB_ERR_MISMATCH, "microMIPS"},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    struct bytes o = make_elf(kseg0(false, false)), patch = {0};
    struct mon_image i;
    struct mon_error e;
    put(&patch, cases[k].v, (int)cases[k].size);
    memcpy(o.b + cases[k].at, patch.b, cases[k].size);
    cr_assert_eq(open_bytes(&i, o.b, o.n, NULL, &e), cases[k].code, "case %zu: %s", k, e.text);
    cr_assert(strstr(e.text, cases[k].text), "case %zu: %s", k, e.text);
  }
}

/* --- gzip --- */

Test(loader, gzip_of_elf) {
  struct bytes o = make_elf(kseg0(true, true)), z = pack(o.b, o.n);
  struct mon_image i;
  struct mon_error e;
  cr_assert_eq(open_bytes(&i, z.b, z.n, NULL, &e), MB_OK, "%s", e.text);
  cr_assert(i.is64 && i.big_endian);
  mon_image_close(&i);
}

Test(loader, gzip_cut_or_damaged) {
  struct bytes o = make_elf(kseg0(false, false)), z = pack(o.b, o.n);
  struct mon_image i;
  struct mon_error e;
  for (size_t n = 2; n < z.n; n++) {
    cr_assert_eq(open_bytes(&i, z.b, n, NULL, &e), MB_ERR_FORMAT, "%zu", n);
    cr_assert(strstr(e.text, "truncated"), "%zu: %s", n, e.text);
  }
  for (size_t at = 10; at < z.n; at++) { /* behind the header nearly every bit counts; the others change nothing */
    struct bytes bad = z;
    bad.b[at] ^= 0x10;
    int code = open_bytes(&i, bad.b, bad.n, NULL, &e);
    cr_assert(code == MB_ERR_FORMAT || (code == MB_OK && i.file.n == o.n), "byte %zu: %s", at, e.text);
    if (!code) cr_assert_arr_eq(i.file.bytes, o.b, o.n);
    if (!code) mon_image_close(&i);
  }
  memcpy(z.b + z.n, "junk", 4);
  cr_assert_eq(open_bytes(&i, z.b, z.n + 4, NULL, &e), MB_ERR_FORMAT);
  cr_assert(strstr(e.text, "junk"), "%s", e.text);
}

Test(loader, gzip_members_and_padding) {
  struct bytes o = make_elf(kseg0(false, false)), a = pack(o.b, 100), b = pack(o.b + 100, o.n - 100);
  struct mon_image i;
  struct mon_error e;
  memcpy(a.b + a.n, b.b, b.n);
  a.n += b.n;
  memset(a.b + a.n, 0, 16);
  cr_assert_eq(open_bytes(&i, a.b, a.n + 16, NULL, &e), MB_OK, "%s", e.text);
  mon_image_close(&i);
}

Test(loader, gzip_bomb_is_stopped) {
  uint8_t *zeros = calloc(1, 8 << 20);
  uint8_t *out = malloc(1 << 16);
  z_stream z = {0};
  struct mon_image i;
  struct mon_error e;
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = zeros, z.avail_in = 8 << 20, z.next_out = out, z.avail_out = 1 << 16;
  cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
  cr_assert_eq(open_bytes(&i, out, z.total_out, NULL, &e), MB_ERR_FIT);
  cr_assert(strstr(e.text, "more than 1 MiB"), "%s", e.text);
  deflateEnd(&z);
  free(zeros);
  free(out);
}

/* --- uImage and raw --- */

static const struct uimage sound = {0x80100000, 0x80100020, 5, 2, 0};

Test(loader, uimage_plain_and_gzipped) {
  uint8_t code[256];
  memset(code, 0x5a, sizeof code);
  struct bytes z = pack(code, sizeof code);
  for (int gz = 0; gz < 2; gz++) {
    struct uimage u = sound;
    u.packing = (uint8_t)gz;
    struct bytes o = gz ? make_uimage(u, z.b, z.n) : make_uimage(u, code, sizeof code);
    struct mon_image i;
    struct mon_error e;
    cr_assert_eq(open_bytes(&i, o.b, o.n, NULL, &e), MB_OK, "%s", e.text);
    cr_assert(!i.knows_order && !i.is64);
    cr_assert_eq(i.entry, 0xffffffff80100020u);
    cr_assert_eq(i.segment[0].gpa, 0x100000u);
    cr_assert_eq(i.segment[0].file_bytes, sizeof code);
    cr_assert_arr_eq(i.segment[0].bytes, code, sizeof code);
    mon_image_close(&i);
    o.b[o.n] = 0; /* flash images are padded */
    cr_assert_eq(open_bytes(&i, o.b, o.n + 1, NULL, &e), MB_OK);
    mon_image_close(&i);
  }
}

Test(loader, uimage_faults_are_named) {
  uint8_t code[64] = {1, 2, 3};
  struct mon_image i;
  struct mon_error e;
  struct bytes o = make_uimage(sound, code, sizeof code);
  for (size_t n = 4; n < o.n; n++) {
    cr_assert_eq(open_bytes(&i, o.b, n, NULL, &e), MB_ERR_FORMAT);
    cr_assert(strstr(e.text, "truncated"), "%zu: %s", n, e.text);
  }
  for (size_t at = 4; at < o.n; at++) {
    struct bytes bad = o;
    bad.b[at] ^= 1;
    cr_assert_eq(open_bytes(&i, bad.b, bad.n, NULL, &e), MB_ERR_FORMAT, "byte %zu", at);
    cr_assert(strstr(e.text, at < 64 ? "checksum of its uImage header" : "checksum of its uImage data"), "%s", e.text);
  }
  static const struct {
    struct uimage u;
    const char *text;
  } wrong[] = {{{0x80100000, 0x80100000, 2, 2, 0}, "architecture 2"},
               {{0x80100000, 0x80100000, 5, 3, 0}, "type 3"},
               {{0x80100000, 0x80100000, 5, 2, 3}, "method 3"},
               {{0xc0000000, 0x80100000, 5, 2, 0}, "corrupt"},
               {{0x80100000, 0x80100002, 5, 2, 0}, "corrupt"}};
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    struct bytes bad = make_uimage(wrong[k].u, code, sizeof code);
    cr_assert_eq(open_bytes(&i, bad.b, bad.n, NULL, &e), MB_ERR_FORMAT);
    cr_assert(strstr(e.text, wrong[k].text), "%s", e.text);
  }
}

Test(loader, raw_only_when_asked_for) {
  uint8_t code[100] = {0x12, 0x34};
  struct mon_image i;
  struct mon_error e;
  struct mb_raw there = {.load = 0xa0200000, .entry = 0xa0200010}, nowhere = {.load = 0xd0000000};
  cr_assert_eq(open_bytes(&i, code, sizeof code, NULL, &e), MB_ERR_FORMAT);
  cr_assert_eq(open_bytes(&i, code, sizeof code, &(struct mb_raw){0}, &e), MB_OK);
  cr_assert_eq(i.segment[0].gpa, 0x100000u);
  cr_assert_eq(i.entry, 0xffffffff80100000u);
  mon_image_close(&i);
  cr_assert_eq(open_bytes(&i, code, sizeof code, &there, &e), MB_OK);
  cr_assert_eq(i.segment[0].gpa, 0x200000u);
  cr_assert_eq(i.entry, 0xffffffffa0200010u);
  mon_image_close(&i);
  cr_assert_eq(open_bytes(&i, code, sizeof code, &nowhere, &e), MB_ERR_ARGUMENT);
  cr_assert_eq(open_bytes(&i,
                          (const uint8_t *)"\xfd"
                                           "7zXZ...",
                          8, NULL, &e),
               MB_ERR_FORMAT);
  cr_assert(strstr(e.text, "xz"), "%s", e.text);
}

/* --- does it fit and suit the machine? --- */

static int start(const struct mb_config *config, struct bytes kernel, size_t initrd, char text[512]) {
  struct mb_machine *m;
  struct mb_vm *vm;
  char path[2][64];
  int fd[2] = {memfd_create("kernel", 0), memfd_create("initrd", 0)};
  cr_assert_eq(write(fd[0], kernel.b, kernel.n), (ssize_t)kernel.n);
  cr_assert_eq(ftruncate(fd[1], (off_t)initrd), 0);
  for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", fd[i]);
  int code = mb_machine_new(&m, &(struct mb_machine_config){0});
  if (!code) code = mb_vm_add(m, &vm, config);
  if (!code) code = mb_load_kernel(vm, path[0], NULL);
  if (!code && initrd) code = mb_load_initrd(vm, path[1]);
  if (!code) code = mb_machine_start(m);
  snprintf(text, 512, "%s", mb_error_text(m));
  mb_machine_free(m);
  close(fd[0]);
  close(fd[1]);
  return code;
}

Test(loader, class_and_byte_order_must_suit) {
  char text[512];
  struct mb_config c32 = {.cpu = "24Kf"}, c64 = {.cpu = "5Kc"}, little = {.endian = MB_ENDIAN_LITTLE};
  cr_assert_eq(start(&c32, make_elf(kseg0(true, false)), 0, text), MB_ERR_MISMATCH);
  cr_assert(strstr(text, "64-bit"), "%s", text);
  cr_assert_eq(start(&c64, make_elf(kseg0(false, false)), 0, text), MB_OK, "%s", text);
  cr_assert_eq(start(&c64, make_elf(kseg0(true, true)), 0, text), MB_OK, "%s", text);
  cr_assert_eq(start(&little, make_elf(kseg0(false, true)), 0, text), MB_ERR_MISMATCH);
  cr_assert(strstr(text, "big-endian"), "%s", text);
  struct mb_config alone = {.board = "disco", .cpu = "24Kf"}, disco = {.board = "disco"};
  cr_assert_eq(start(&alone, make_elf(kseg0(false, false)), 0, text), MB_ERR_ARGUMENT);
  cr_assert(strstr(text, "coherence manager"), "%s", text);
  cr_assert_eq(start(&disco, make_elf(kseg0(false, true)), 0, text), MB_OK, "%s", text);
  cr_assert_eq(start(&disco, make_elf(kseg0(true, false)), 0, text), MB_OK, "%s", text);
}

Test(loader, kernel_and_initrd_must_fit) {
  char text[512];
  const uint64_t mib = 1 << 20;
  struct mb_config small = {.memory = 16 * mib};
  cr_assert_eq(start(&small, make_elf((struct want){0, 0, 0x81000000, 0x81000000, 0x81000000}), 0, text), MB_ERR_FIT);
  cr_assert(strstr(text, "16 MiB"), "%s", text);
  cr_assert_eq(start(&small, make_elf((struct want){0, 0, 0x80fffff0, 0x80fffff0, 0x80fffff0}), 0, text), MB_ERR_FIT);
  cr_assert_eq(start(&small, make_elf(kseg0(false, false)), 16 * mib - 1, text), MB_ERR_FIT);
  cr_assert(strstr(text, "does not fit"), "%s", text);
  cr_assert_eq(start(&small, make_elf(kseg0(false, false)), 14 * mib, text), MB_OK, "%s", text);
  cr_assert_eq(start(&small, make_elf(kseg0(false, false)), 17 * mib, text), MB_ERR_FIT);
}

Test(loader, configurations_that_cannot_be) {
  static const struct {
    struct mb_config c;
    const char *text;
  } wrong[] = {{{.cpu = "Z80"}, "Z80"},
               {{.board = "sead3"}, "sead3"},
               {{.memory = 1 << 20}, "8 to 2048"},
               {{.memory = (uint64_t)3 << 30}, "8 to 2048"},
               {{.memory = (64 << 20) + 4096}, "whole number"},
               {{.mhz = 1000000}, "MHz"},
               {{.board = "disco", .mhz = 5000}, "MHz"},
               {{.name = "a b"}, "is no name"},
               {{.name = ""}, "is no name"}};
  struct mb_machine *m;
  struct mb_vm *vm;
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){0}), MB_OK);
    cr_assert_eq(mb_vm_add(m, &vm, &wrong[k].c), MB_ERR_ARGUMENT, "case %zu", k);
    cr_assert_null(vm);
    cr_assert(strstr(mb_error_text(m), wrong[k].text), "%s", mb_error_text(m));
    mb_machine_free(m);
  }
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.timeout = -1}), MB_ERR_ARGUMENT);
  mb_machine_free(m);
  mb_machine_free(NULL);
}
