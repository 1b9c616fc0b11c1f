/* criterion-tests/test_symbols.c: names for guest addresses, from System.map files. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/symbols.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int read_map(struct mon_symbols *s, const char *text, struct mon_error *e) {
  char path[64];
  int fd = memfd_create("map", 0);
  cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int code = mon_symbols_file(s, path, e);
  close(fd);
  return code;
}

static const char *name(const struct mon_symbols *s, uint64_t va) {
  static char buf[64];
  return mon_symbol_name(s, va, buf, sizeof buf);
}

Test(symbols, map_of_32_and_64_bits) {
  struct mon_symbols s = {0};
  struct mon_error e;
  cr_assert_eq(read_map(&s, "80100400 t local\n80100400 T global\n80100000 T _text\n00000000 A absolute\n", &e), MB_OK,
               "%s", e.text);
  cr_assert_eq(read_map(&s, "ffffffff80200000 D data\nffffffff80200010 B bss", &e), MB_OK, "%s", e.text);
  cr_assert_str_eq(name(&s, 0xffffffff80100000), "_text");
  cr_assert_str_eq(name(&s, 0xffffffff801003ff), "_text+0x3ff");
  cr_assert_str_eq(name(&s, 0xffffffff80100404), "global+0x4");
  cr_assert_str_eq(name(&s, 0xffffffff80200010), "bss");
  cr_assert_str_eq(name(&s, 0xffffffff800fffff), "0xffffffff800fffff");
  cr_assert_str_eq(name(&s, 0xffffffff90000000), "0xffffffff90000000", "too far from anything");
  mon_symbols_fini(&s);
}

Test(symbols, no_map) {
  struct mon_symbols s = {0};
  struct mon_error e;
  cr_assert_eq(read_map(&s, "80100000 T fine\nnot a map\n", &e), MB_ERR_FORMAT);
  cr_assert(strstr(e.text, "line 2"), "%s", e.text);
  cr_assert_eq(read_map(&s, "", &e), MB_ERR_FORMAT);
  cr_assert_eq(mon_symbols_file(&s, "/nonexistent", &e), MB_ERR_FILE);
  mon_symbols_fini(&s);
  cr_assert_str_eq(name(&s, 0x1000), "0x00001000");
}

/* What a module has ends where it ends, and can be taken away again. */
Test(symbols, modules) {
  struct mon_symbols s = {0};
  struct mon_error e;
  cr_assert_eq(read_map(&s, "80100000 T start\n80100100 T work\n", &e), MB_OK, "%s", e.text);
  const size_t names_n = s.names_n;
  cr_assert(mon_symbols_add(&s, 0xffffffffc0002000, 0x40, MON_RANK_GLOBAL, "work [fake]", 11));
  cr_assert(mon_symbols_add(&s, 0xffffffffc0002040, 0, MON_RANK_LOCAL, "last [fake]", 11));
  cr_assert(mon_symbols_end(&s, 0xffffffffc0003000));
  cr_assert(mon_symbols_add(&s, 0xffffffffc0003000, 0, MON_RANK_LOCAL, "first [next]", 12));
  cr_assert(mon_symbols_end(&s, 0xffffffffc0004000));
  mon_symbols_sort(&s);
  cr_assert_str_eq(name(&s, 0xffffffffc0002004), "work+0x4 [fake]");
  cr_assert_str_eq(name(&s, 0xffffffffc0002040), "last [fake]");
  cr_assert_str_eq(name(&s, 0xffffffffc0002ffc), "last+0xfbc [fake]");
  cr_assert_str_eq(name(&s, 0xffffffffc0003000), "first [next]");
  cr_assert_str_eq(name(&s, 0xffffffffc0004000), "0xffffffffc0004000");
  cr_assert_eq(mon_symbol_next(&s, 0xffffffffc0003000), 0xffffffffc0004000);
  cr_assert_eq(mon_symbol_named(&s, "last")->at, 0xffffffffc0002040);
  cr_assert_eq(mon_symbol_named(&s, "work [fake]")->at, 0xffffffffc0002000);
  cr_assert_eq(mon_symbol_named(&s, "work")->at, 0xffffffff80100100, "the kernel's comes first");
  cr_assert_null(mon_symbol_named(&s, "las"));
  cr_assert_null(mon_symbol_named(&s, ""));
  mon_symbols_cut(&s, names_n);
  cr_assert_str_eq(name(&s, 0xffffffffc0002004), "0xffffffffc0002004");
  cr_assert_str_eq(name(&s, 0xffffffff80100104), "work+0x4");
  cr_assert_null(mon_symbol_named(&s, "last"));
  mon_symbols_fini(&s);
}
