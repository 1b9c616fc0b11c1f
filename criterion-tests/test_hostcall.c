/* criterion-tests/test_hostcall.c: host functions called with a guest's arguments: every type, both ABIs, both orders.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/harness.h"
#include "guests/include/mirrorball-calls.h"
#include "monitor/hostcall.h"
#include "monitor/moncall.h"
#include <criterion/criterion.h>
#include <string.h>

_Static_assert(MB_CALL_GPA == MON_CALL_GPA && MB_CALL_MARK == MON_CALL_MARK, "guests and monitor agree");
_Static_assert(sizeof(struct mb_call) == sizeof(struct mon_call_block), "likewise");
_Static_assert(offsetof(struct mb_call, result) == offsetof(struct mon_call_block, result), "likewise");
_Static_assert(MB_CALL_HOST == MON_CALL_HOST && MB_CALL_REMAP == MON_CALL_REMAP, "likewise");
_Static_assert((int)MB_CALL_FAILED == (int)MON_CALL_FAILED && (int)MB_CALL_ADDRESS == (int)MON_CALL_ADDRESS,
               "likewise");

/* --- signatures --- */

static const struct {
  const char *text, *wrong;
} bad[] = {
    {"", "begin"},
    {"int", "begin"},
    {"int f", "begin"},
    {"f(int)", "begin"},
    {"int f(int", "closing"},
    {"int f(int))", "behind"},
    {"int f(int) x", "behind"},
    {"int f(,)", "missing"},
    {"int f(int,)", "missing"},
    {"int f(int int)", "missing"},
    {"int f(struct s)", "missing"},
    {"int f(void, int)", "type"},
    {"int f(int, void)", "type"},
    {"long double f(int)", "result"},
    {"unsigned float f(int)", "result"},
    {"char *f(int)", "pointer"},
    {"int f(long double)", "type"},
    {"int f(int **p, int n)", "type"},
    {"int f(signed unsigned x)", "type"},
    {"int f(void *p)", "length"},
    {"int f(void *p, double d)", "length"},
    {"int f(const int *p, const char *s)", "length"},
    {"int f(int,int,int,int,int,int,int,int,int,int,int,int,int)", "12"},
    {"int f(int) \x80", "behind"},
    {"(((((", "begin"},
    {"int f(...)", "missing"},
};

Test(hostcall, bad_signatures) {
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct mon_signature s;
    struct mon_error e = {.text = ""};
    cr_expect_eq(mon_signature_parse(&s, bad[i].text, &e), MB_ERR_FORMAT, "%s", bad[i].text);
    cr_expect(strstr(e.text, bad[i].wrong), "%s: %s", bad[i].text, e.text);
  }
}

Test(hostcall, signatures) {
  static const struct {
    const char *text;
    enum mon_host_kind result;
    unsigned args;
    enum mon_host_kind arg[5];
  } good[] = {
      {"void f(void)", MON_HOST_VOID, 0, {0}},
      {" int  f ( ) ", MON_HOST_S32, 0, {0}},
      {"double pow(double,double);", MON_HOST_F64, 2, {MON_HOST_F64, MON_HOST_F64}},
      {"unsigned long long f(unsigned, signed char c, unsigned short int)",
       MON_HOST_U64,
       3,
       {MON_HOST_U32, MON_HOST_S8, MON_HOST_U16}},
      {"long int f(long unsigned, long, size_t n, ssize_t)",
       MON_HOST_LONG,
       4,
       {MON_HOST_ULONG, MON_HOST_LONG, MON_HOST_ULONG, MON_HOST_LONG}},
      {"uint8_t f(const char *s, char const*text, const void *p, uint32_t n, bool)",
       MON_HOST_U8,
       5,
       {MON_HOST_STRING_IN, MON_HOST_STRING_IN, MON_HOST_IN, MON_HOST_U32, MON_HOST_U8}},
      {"float f(float x, uint64_t*, int n)", MON_HOST_F32, 3, {MON_HOST_F32, MON_HOST_INOUT, MON_HOST_S32}},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct mon_signature s;
    struct mon_error e = {.text = ""};
    cr_assert_eq(mon_signature_parse(&s, good[i].text, &e), MB_OK, "%s", e.text);
    cr_expect(s.result == good[i].result && s.args == good[i].args, "%s", good[i].text);
    for (unsigned k = 0; k < s.args; k++) cr_expect_eq(s.arg[k], good[i].arg[k], "%s, %u", good[i].text, k);
  }
}

Test(hostcall, garbage_as_signatures) {
  static const char *const word[] = {"int",      "(", ")",    "*", ",", "const", "char",
                                     "unsigned", "f", "void", " ", ";", "7"};
  uint64_t seed = rig_setting("MB_SEED", 3);
  for (int i = 0; i < 200000; i++) {
    char text[200] = "";
    for (uint64_t n = rig_below(&seed, 16); n-- > 0;) {
      strcat(text, word[rig_below(&seed, sizeof word / sizeof *word)]);
      if (rig_below(&seed, 2)) strcat(text, " ");
    }
    struct mon_signature s;
    struct mon_error e;
    int code = mon_signature_parse(&s, text, &e);
    cr_assert(code == MB_OK || code == MB_ERR_FORMAT);
    cr_assert_leq(s.args, (unsigned)MON_HOST_ARGS);
  }
}

/* --- calls --- */

enum { BASE = 0x1000, SIZE = 0x40000, READ_ONLY = 0x20000, TEXT = 0x8000 };
static struct guest {
  uint8_t bytes[SIZE];
  bool big, wide;
  uint64_t next; /* where the next argument goes */
} guest;

static bool inside(uint64_t va, uint64_t n) {
  return va >= BASE && n <= SIZE && va - BASE <= SIZE - n;
}
static bool guest_read(void *ctx, uint64_t va, void *to, uint64_t n) {
  struct guest *g = ctx;
  if (!inside(va, n)) return false;
  memcpy(to, g->bytes + (va - BASE), n);
  return true;
}
static bool guest_writable(void *ctx, uint64_t va, uint64_t n) {
  (void)ctx;
  return inside(va, n) && va - BASE + n <= READ_ONLY;
}
static bool guest_write(void *ctx, uint64_t va, const void *from, uint64_t n) {
  struct guest *g = ctx;
  if (!guest_writable(ctx, va, n)) return false;
  memcpy(g->bytes + (va - BASE), from, n);
  return true;
}

static void put(uint64_t va, uint64_t v, unsigned n) {
  for (unsigned i = 0; i < n; i++) guest.bytes[va - BASE + (guest.big ? n - 1 - i : i)] = (uint8_t)(v >> 8 * i);
}
static void begin(bool big, bool wide) {
  guest = (struct guest){.big = big, .wide = wide, .next = BASE + 4}; /* behind a fixed one, in o32 */
  if (wide) guest.next += 4;
}
/* As a compiler would put it for a function of variable arguments. */
static void narrow(int64_t v) {
  put(guest.next, (uint64_t)v, guest.wide ? 8 : 4);
  guest.next += guest.wide ? 8 : 4;
}
static void whole(uint64_t v) {
  guest.next = (guest.next + 7) & ~UINT64_C(7);
  put(guest.next, v, 8);
  guest.next += 8;
}
static void real(double d) {
  uint64_t v;
  memcpy(&v, &d, 8);
  whole(v);
}

static struct mon_host_calls *calls;
static struct mon_error error;
static const struct mon_host_outside live;
#define ADD(signature, f)                                                                                              \
  cr_assert_eq(mon_host_add(&calls, signature, (void (*)(void))(f), &error), MB_OK, "%s", error.text)
static enum mon_call_error make(const char *name, uint64_t *result) {
  const struct mon_host_memory m = {guest_read, guest_write, guest_writable, &guest, guest.big};
  int number = mon_host_find(calls, name);
  cr_assert_geq(number, 0);
  return mon_host_call(calls, (uint64_t)number, &m, &live, BASE + (guest.wide ? 8 : 4), guest.wide, result);
}
static void end(void) {
  mon_host_free(calls);
  calls = NULL;
}

static char seen[400];
static long long types(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f, long long g,
                       unsigned long long h, long i, unsigned long j) {
  snprintf(seen, sizeof seen, "%d %u %d %u %d %u %lld %llu %ld %lu", a, b, c, d, e, f, g, h, i, j);
  return -7;
}
static double reals(int a, double b, float c, int d, double e) {
  return a + b * 10 + (double)c * 100 + d * 1000 + e * 10000;
}
static float single(float f) {
  return f / 2;
}
static signed char tiny(int v) {
  return (signed char)v;
}
static int swallow(const char *s, const void *p, size_t n) {
  snprintf(seen, sizeof seen, "%s+%.*s", s, (int)n, (const char *)p);
  return (int)n;
}
static void upper(char *p, int n, int by) {
  for (int i = 0; i < n; i++) p[i] = (char)(p[i] - by);
}

static void in_each(void (*check)(void)) {
  ADD("long long types(signed char, unsigned char, short, unsigned short, int, unsigned, long long, "
      "unsigned long long, long, unsigned long)",
      types);
  ADD("double reals(int, double, float, int, double)", reals);
  ADD("float single(float)", single);
  ADD("signed char tiny(int)", tiny);
  ADD("int swallow(const char *s, const void *p, size_t n)", swallow);
  ADD("void upper(char *p, int n, int by)", upper);
  for (int i = 0; i < 4; i++) {
    begin(i & 1, i & 2);
    check();
  }
  end();
}

static void every_type(void) {
  uint64_t r;
  narrow(-1), narrow(255), narrow(-30000), narrow(60000), narrow(-5), narrow(0xfffffffb);
  whole((uint64_t)-9000000000), whole(18000000000000000000u), narrow(-3), narrow(-3);
  cr_assert_eq(make("types", &r), MON_CALL_OK);
  cr_expect_eq(r, (uint64_t)-7);
  char want[400];
  snprintf(want, sizeof want, "-1 255 -30000 60000 -5 4294967291 -9000000000 18000000000000000000 -3 %s",
           guest.wide ? "18446744073709551613" : "4294967293");
  cr_expect_str_eq(seen, want);
  begin(guest.big, guest.wide);
  narrow(1), real(2), real(3), narrow(4), real(5);
  double d;
  cr_assert_eq(make("reals", &r), MON_CALL_OK);
  memcpy(&d, &r, 8);
  cr_expect_eq(d, 54321.0);
  begin(guest.big, guest.wide);
  real(3);
  cr_assert_eq(make("single", &r), MON_CALL_OK);
  memcpy(&d, &r, 8);
  cr_expect_eq(d, 1.5);
  begin(guest.big, guest.wide);
  narrow(200);
  cr_assert_eq(make("tiny", &r), MON_CALL_OK);
  cr_expect_eq((int64_t)r, -56);
}
Test(hostcall, every_type_in_both_abis_and_orders) {
  in_each(every_type);
}

static void pointers(void) {
  uint64_t r;
  memcpy(guest.bytes + TEXT, "hello", 6);
  narrow(BASE + TEXT), narrow(BASE + TEXT + 1), narrow(3);
  cr_assert_eq(make("swallow", &r), MON_CALL_OK);
  cr_expect_str_eq(seen, "hello+ell");
  cr_expect_eq(r, 3u);
  begin(guest.big, guest.wide);
  memcpy(guest.bytes + TEXT, "hello", 6);
  narrow(BASE + TEXT), narrow(4), narrow(32);
  cr_assert_eq(make("upper", &r), MON_CALL_OK);
  cr_expect_arr_eq(guest.bytes + TEXT, "HELLo", 6);
  cr_expect_eq(r, 0u);
}
Test(hostcall, strings_and_bytes) {
  in_each(pointers);
}

static void call_with(int64_t p, int64_t n, const char *name, enum mon_call_error want) {
  uint64_t r = 1;
  begin(guest.big, guest.wide);
  if (!strcmp(name, "swallow")) narrow(BASE + TEXT);
  narrow(p), narrow(n), narrow(0);
  cr_expect_eq(make(name, &r), want, "%s(%lx, %ld), %d %d", name, p, n, guest.big, guest.wide);
}
static void bad_pointers(void) {
  for (int i = 0; i < 2; i++) {
    const char *name = i ? "upper" : "swallow";
    call_with(0, 1, name, MON_CALL_ADDRESS);
    call_with(0, 0, name, MON_CALL_OK); /* nothing of nothing */
    call_with(-1, 1, name, MON_CALL_ADDRESS);
    call_with(BASE + SIZE - 2, 3, name, MON_CALL_ADDRESS);
    call_with(BASE - 1, 2, name, MON_CALL_ADDRESS);
    call_with(BASE + TEXT, MON_HOST_BYTES + 1, name, MON_CALL_ARGUMENT);
    call_with(BASE + TEXT, MON_HOST_BYTES, name, MON_CALL_ADDRESS);
    call_with(BASE + TEXT, -1, name, MON_CALL_ARGUMENT);
    call_with(BASE + READ_ONLY - 2, 4, name, i ? MON_CALL_ADDRESS : MON_CALL_OK);
  }
  uint64_t r;
  begin(guest.big, guest.wide); /* a string without an end */
  memset(guest.bytes + TEXT, 'x', SIZE - TEXT);
  narrow(BASE + TEXT), narrow(0), narrow(0);
  cr_expect_eq(make("swallow", &r), MON_CALL_ARGUMENT);
  begin(guest.big, guest.wide);
  memset(guest.bytes + SIZE - 10, 'x', 10);
  narrow(BASE + SIZE - 10), narrow(0), narrow(0);
  cr_expect_eq(make("swallow", &r), MON_CALL_ADDRESS);
  /* the arguments themselves */
  const struct mon_host_memory m = {guest_read, guest_write, guest_writable, &guest, guest.big};
  cr_expect_eq(mon_host_call(calls, 0, &m, &live, BASE + SIZE - 8, guest.wide, &r), MON_CALL_ADDRESS);
  cr_expect_eq(mon_host_call(calls, 0, &m, &live, UINT64_MAX - 3, guest.wide, &r), MON_CALL_ADDRESS);
  cr_expect_eq(mon_host_call(calls, 6, &m, &live, BASE, guest.wide, &r), MON_CALL_UNKNOWN);
  cr_expect_eq(mon_host_call(calls, UINT64_MAX, &m, &live, BASE, guest.wide, &r), MON_CALL_UNKNOWN);
  cr_expect_eq(mon_host_call(NULL, 0, &m, &live, BASE, guest.wide, &r), MON_CALL_UNKNOWN);
}
Test(hostcall, bad_pointers) {
  in_each(bad_pointers);
}

Test(hostcall, names, .fini = end) {
  cr_expect_eq(mon_host_find(NULL, "tiny"), -1);
  ADD("int tiny(int)", tiny);
  cr_expect_eq(mon_host_find(calls, "tiny"), 0);
  cr_expect_eq(mon_host_find(calls, ""), -1);
  cr_expect_eq(mon_host_add(&calls, "void tiny(void)", NULL, &error), MB_ERR_FORMAT);
  cr_expect_eq(mon_host_load(&calls, "/nowhere/at all.so", &error), MB_ERR_FILE);
  cr_expect_eq(mon_host_load(&calls, "/proc/self/status", &error), MB_ERR_FORMAT, "%s", error.text);
}
