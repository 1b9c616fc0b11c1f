/* criterion-tests/test_record.c: recorded machines replayed within one process: same end, other tiers, bad contents. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "criterion-tests/harness.h"
#include "mirrorball.h"
#include "monitor/record.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a raw image at 0x80100000: read the UART of a malta board (its SuperIO's first: physical 0x180003f8), polling,
 * add what comes, and store the sum and a count of turns: lui $8, 0xb800; lui $9, 0x8020 again: lbu $10, 0x3fd($8);
 * addiu $12, $12, 1; andi $10, $10, 1; beq $10, $0, store; nop lbu $11, 0x3f8($8); addu $13, $13, $11 store: sw $12,
 * 0($9); sw $13, 4($9); b again; nop */
static const uint32_t program[] = {0x3c08b800, 0x3c098020, 0x910a03fd, 0x258c0001, 0x314a0001, 0x11400003, 0x00000000,
                                   0x910b03f8, 0x01ab6821, 0xad2c0000, 0xad2d0004, 0x1000fff6, 0x00000000};

static char path[] = "/tmp/record-XXXXXX", kernel[] = "/tmp/record-kernel-XXXXXX";
static void make_files(void) {
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
  fd = mkstemp(kernel);
  cr_assert(fd >= 0 && write(fd, program, sizeof program) == (ssize_t)sizeof program);
  close(fd);
}
static void remove_files(void) {
  unlink(path);
  unlink(kernel);
}

/* Somebody who types whenever he is asked, but for some pauses. */
struct typist {
  unsigned asked, left;
};
static int type(void *ctx, uint8_t *bytes, size_t room) {
  struct typist *t = ctx;
  if (!t->left) return -1;
  if (++t->asked % 50 == 1) return 0;
  t->left--;
  (void)room;
  bytes[0] = (uint8_t)t->left;
  bytes[1] = 'x';
  return 2;
}

static struct mb_machine *new_machine(void) {
  struct mb_machine *m;
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.pace = MB_PACE_MAX, .jobs = 1}), MB_OK);
  return m;
}

/* A run of so many instructions, recorded. Returns the state it ended in. */
static uint64_t record(struct typist *t, uint64_t limit, bool end) {
  struct mb_machine *m = new_machine();
  struct mb_vm *vm;
  struct mb_config c = {.endian = MB_ENDIAN_LITTLE, .memory = 16 << 20, .net[0] = {.kind = MB_NET_NAT}, .nets = 1};
  cr_assert_eq(mb_vm_add(m, &vm, &c), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_load_kernel(vm, kernel, &(struct mb_raw){0}), MB_OK, "%s", mb_error_text(m));
  mb_console_attach(vm, &(struct mb_console){.get = type, .ctx = t});
  cr_assert_eq(mb_record(m, path), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  mb_vm_limit(vm, limit);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
  if (end) cr_assert_eq(mb_record_end(m), MB_OK, "%s", mb_error_text(m));
  uint64_t hash = mb_state_hash(vm);
  mb_machine_free(m);
  return hash;
}

static enum mb_replay_end verdict(struct mb_machine *m) {
  char *text;
  enum mb_replay_end end = mb_replay_check(m, &text);
  cr_expect(text && !strchr(text, '\n'));
  free(text);
  return end;
}

Test(record, a_replay_is_the_same_run_in_each_tier, .init = make_files, .fini = remove_files) {
  struct typist t = {.left = 300};
  uint64_t hash = record(&t, 2000000, true);
  cr_assert(t.left < 250, "the guest has not listened: %u bytes are left", t.left);
  for (enum mb_tier tier = MB_TIER_EVAL; tier <= MB_TIER_STENCIL; tier++) {
    if (!mb_has_tier(tier)) continue;
    struct mb_machine *m = new_machine();
    cr_assert_eq(mb_replay(m, path, &(struct mb_config){.tier = tier, .mode = MB_MODE_TRANSLATE}), MB_OK, "%s",
                 mb_error_text(m));
    cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
    cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
    cr_assert_eq(verdict(m), MB_REPLAY_SAME);
    cr_assert_eq(mb_state_hash(mb_vm_at(m, 0)), hash);
    mb_machine_free(m);
  }
}

Test(record, a_replay_can_be_stopped_before_and_told_from_another_run, .init = make_files, .fini = remove_files) {
  struct typist t = {.left = 300};
  record(&t, 2000000, true);
  struct mb_machine *m = new_machine();
  cr_assert_eq(mb_replay(m, path, NULL), MB_OK);
  mb_vm_limit(mb_vm_at(m, 0), 1000000);
  cr_assert_eq(mb_machine_start(m), MB_OK);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
  cr_assert_eq(verdict(m), MB_REPLAY_EARLY);
  mb_machine_free(m);
  m = new_machine();
  cr_assert_eq(mb_replay(m, path, NULL), MB_OK);
  struct mon_tape *tape = m->vm[0]->tape;
  size_t first = 0;
  while (!tape->item[first].n) first++;
  tape->item[first].bytes[0] ^= 1;
  cr_assert_eq(mb_machine_start(m), MB_OK);
  mb_machine_run(m);
  cr_assert_eq(verdict(m), MB_REPLAY_DIFFERS);
  mb_machine_free(m);
}

Test(record, what_cannot_be_is_refused, .init = make_files, .fini = remove_files) {
  struct mb_machine *m = new_machine();
  cr_assert_eq(mb_record(m, "/nowhere/at/all"), MB_ERR_FILE);
  cr_assert_eq(mb_record(m, path), MB_ERR_STATE); /* once is enough */
  mb_machine_free(m);
  m = new_machine();
  cr_assert_eq(mb_replay(m, path, NULL), MB_ERR_FORMAT); /* it is empty */
  mb_machine_free(m);
  struct typist t = {.left = 20};
  record(&t, 100000, true);
  int fd = open(kernel, O_WRONLY);
  cr_assert_eq(pwrite(fd, "?", 1, sizeof program), 1);
  close(fd);
  m = new_machine();
  cr_assert_eq(mb_replay(m, path, NULL), MB_ERR_MISMATCH);
  cr_expect(strstr(mb_error_text(m), "another file"), "%s", mb_error_text(m));
  mb_machine_free(m);
}

/* Wherever a byte differs, or the file ends. */
Test(record, damaged_files_are_refused, .init = make_files, .fini = remove_files) {
  struct typist t = {.left = 100};
  uint64_t seed = 4;
  record(&t, 1000000, true);
  struct stat st;
  cr_assert(!stat(path, &st));
  uint8_t *bytes = malloc((size_t)st.st_size);
  int fd = open(path, O_RDWR);
  cr_assert_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
  for (unsigned round = 0; round < 300; round++) {
    off_t at = (off_t)(rig_random(&seed) % (uint64_t)st.st_size);
    uint8_t bad = (uint8_t)(bytes[at] ^ 1u << rig_below(&seed, 8));
    bool cut = round % 3 == 0;
    if (cut) cr_assert(!ftruncate(fd, at));
    if (!cut) cr_assert_eq(pwrite(fd, &bad, 1, at), 1);
    struct mb_machine *m = new_machine();
    int code = mb_replay(m, path, NULL);
    cr_assert(code == MB_ERR_FORMAT || (cut && !code), "byte %d: %d", (int)at, code);
    if (!code) cr_assert_not(m->replay->ended);
    mb_machine_free(m);
    cr_assert_eq(pwrite(fd, bytes, (size_t)st.st_size, 0), st.st_size);
  }
  close(fd);
  free(bytes);
}

static void spoil(struct mon_tape *t, uint64_t *seed) {
  struct mon_item *i = &t->item[rig_random(seed) % t->n];
  switch (rig_below(seed, 8)) {
  case 0: i->place = (uint8_t)rig_below(seed, MON_PLACES); break;
  case 1: i->what = (uint8_t)rig_below(seed, MON_WHATS); break;
  case 2: i->key += rig_below(seed, 1000) - 500; break;
  case 3: i->key = rig_random(seed); break;
  case 4: i->net = (uint8_t)rig_below(seed, MB_NETS_MAX); break;
  case 5: i->value = rig_random(seed); break;
  case 6: t->end.kind = (uint8_t)rig_below(seed, MON_ENDS); break;
  default:
    if (i->n) i->bytes[rig_random(seed) % i->n] = (uint8_t)rig_random(seed);
  }
}

/* The digests do not keep out who can compute them. */
Test(record, garbage_with_the_right_digest_harms_nobody, .init = make_files, .fini = remove_files) {
  struct typist t = {.left = 300};
  uint64_t seed = 5;
  unsigned differ = 0;
  record(&t, 1000000, true);
  for (unsigned round = 0; round < 60; round++) {
    struct mb_machine *m = new_machine();
    cr_assert_eq(mb_replay(m, path, &(struct mb_config){.tier = MB_TIER_EVAL}), MB_OK);
    for (unsigned i = 1 + rig_below(&seed, 4); i--;) spoil(m->vm[0]->tape, &seed);
    if (round % 4 == 0) m->replay->head[rig_random(&seed) % m->replay->consoles.n] ^= 1; /* within JSON: too late */
    if (round % 4 == 1) {
      uint8_t *consoles = m->replay->head + (m->replay->consoles.from - m->replay->head);
      consoles[rig_random(&seed) % m->replay->consoles.n] = (uint8_t)rig_random(&seed);
    }
    int code = mb_machine_start(m);
    cr_assert(code == MB_OK || code == MB_ERR_FORMAT, "%s", mb_error_text(m));
    mb_vm_limit(mb_vm_at(m, 0), 1100000);
    if (!code) (void)mb_machine_run(m);
    differ += code || verdict(m) != MB_REPLAY_SAME;
    mb_machine_free(m);
  }
  cr_assert(differ > 20, "%u were found out", differ);
  for (unsigned round = 0; round < 2000; round++) {
    uint8_t bytes[64];
    struct snap s;
    struct mon_item i = {0};
    struct mon_tape_end e;
    for (unsigned k = 0; k < sizeof bytes; k++) bytes[k] = (uint8_t)(rig_below(&seed, 3) ? 0 : rig_random(&seed));
    snap_open(&s, bytes, sizeof bytes);
    mon_item_state(&i, &s);
    free(i.bytes);
    snap_open(&s, bytes, sizeof bytes);
    mon_tape_end_state(&e, &s);
  }
}
