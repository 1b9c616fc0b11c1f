/* criterion-tests/oracle/program.c: a static ELF program around the blocks, and a qemu-user process that runs it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The program is written word by word, without assembler or libc. For each block it copies the initial record into
 * place, loads every register from it, jumps through $31, and comes back to store every register and to write the
 * record to its standard output. */
#include "criterion-tests/encode.h"
#include "criterion-tests/oracle/oracle.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  VARS = 0x2000, /* blocks left, address of the next initial record, a word to link to */
  LOW_SIZE = 0x3000,
  HEADERS = 0x100,
  START = ORACLE_CODE + HEADERS,
  MAX_DRIVER = 400,
};

struct driver {
  const struct oracle_config *cfg;
  uint32_t word[MAX_DRIVER];
  unsigned n, end; /* `end`: index of the epilogue */
};

static void put(struct driver *d, uint32_t word) {
  if (d->n < MAX_DRIVER) d->word[d->n++] = word;
}
static uint32_t load_word(const struct driver *d, unsigned rt, int at) {
  return d->cfg->bits64 ? LD(rt, at, 0) : LW(rt, at, 0);
}
static uint32_t store_word(const struct driver *d, unsigned rt, int at) {
  return d->cfg->bits64 ? SD(rt, at, 0) : SW(rt, at, 0);
}

/* Copy the next initial record into place, or leave through `exit`, which stands right behind the loop. */
static void next_record(struct driver *d) {
  put(d, LW(1, VARS, 0));
  put(d, BNE(1, 0, 5));
  put(d, ADDIU(1, 1, -1));
  put(d, ADDIU(2, 0, d->cfg->bits64 ? 5058 : 4001)); /* exit(0) */
  put(d, ADDIU(4, 0, 0));
  put(d, SYSCALL);
  put(d, NOP);
  put(d, SW(1, VARS, 0));
  put(d, LW(2, VARS + 4, 0));
  put(d, ADDIU(3, 0, ORACLE_RECORD));
  put(d, ADDIU(4, 3, ORACLE_RECORD_SIZE));
  put(d, LW(5, 0, 2));
  put(d, SW(5, 0, 3));
  put(d, ADDIU(3, 3, 4));
  put(d, BNE(3, 4, -4));
  put(d, ADDIU(2, 2, 4));
  put(d, SW(2, VARS + 4, 0));
  put(d, LL(1, VARS + 8, 0)); /* a link that no block can meet */
}

static void load_registers(struct driver *d) {
  const struct oracle_config *c = d->cfg;
  if (c->fpu) {
    put(d, LW(1, ORACLE_FCSR, 0));
    put(d, CTC1(1, 31));
    for (int i = 0; i < 32; i += c->fr ? 1 : 2) put(d, LDC1(i, ORACLE_FPR + 8 * i, 0));
  }
  put(d, load_word(d, 1, ORACLE_HI));
  put(d, MTHI(1));
  put(d, load_word(d, 1, ORACLE_LO));
  put(d, MTLO(1));
  for (int i = 1; i < 32; i++) put(d, load_word(d, i, ORACLE_GPR + 8 * i));
  put(d, JR(31));
  put(d, NOP);
}

static void store_registers(struct driver *d) {
  const struct oracle_config *c = d->cfg;
  for (int i = 1; i < 32; i++) put(d, store_word(d, i, ORACLE_GPR + 8 * i));
  put(d, MFHI(1));
  put(d, store_word(d, 1, ORACLE_HI));
  put(d, MFLO(1));
  put(d, store_word(d, 1, ORACLE_LO));
  if (!c->fpu) return;
  put(d, CFC1(1, 31));
  put(d, SW(1, ORACLE_FCSR, 0));
  for (int i = 0; i < 32; i += c->fr ? 1 : 2) put(d, SDC1(i, ORACLE_FPR + 8 * i, 0));
}

static void make_driver(const struct oracle_config *cfg, struct driver *d) {
  *d = (struct driver){.cfg = cfg};
  next_record(d);
  load_registers(d);
  d->end = d->n;
  store_registers(d);
  put(d, ADDIU(2, 0, cfg->bits64 ? 5001 : 4004)); /* write(1, record, size): less than PIPE_BUF, so all at once */
  put(d, ADDIU(4, 0, 1));
  put(d, ADDIU(5, 0, ORACLE_RECORD));
  put(d, ADDIU(6, 0, ORACLE_RECORD_SIZE));
  put(d, SYSCALL);
  put(d, J(START));
  put(d, NOP);
}

uint32_t oracle_end(const struct oracle_config *cfg) {
  struct driver d;
  make_driver(cfg, &d);
  return START + 4 * d.end;
}
uint32_t oracle_first(const struct oracle_config *cfg) {
  struct driver d;
  make_driver(cfg, &d);
  return (START + 4 * d.n + 63) & ~63u;
}

/* --- bytes --- */

static void put_int(uint8_t *p, uint64_t v, unsigned size, bool big) {
  for (unsigned i = 0; i < size; i++) p[i] = (uint8_t)(v >> 8 * (big ? size - 1 - i : i));
}
static uint64_t get_int(const uint8_t *p, unsigned size, bool big) {
  uint64_t v = 0;
  for (unsigned i = 0; i < size; i++) v |= (uint64_t)p[i] << 8 * (big ? size - 1 - i : i);
  return v;
}

static uint64_t get_register(const struct oracle_config *c, const uint8_t *p) {
  return c->bits64 ? get_int(p, 8, c->big) : (uint64_t)(int64_t)(int32_t)get_int(p, 4, c->big);
}

void oracle_pack(const struct oracle_config *c, const struct oracle_state *s, uint8_t bytes[ORACLE_RECORD_SIZE]) {
  unsigned size = c->bits64 ? 8 : 4;
  memset(bytes, 0, ORACLE_RECORD_SIZE);
  memcpy(bytes, s->scratch, ORACLE_SCRATCH_SIZE);
  for (int i = 0; i < 32; i++) {
    put_int(bytes + ORACLE_GPR - ORACLE_RECORD + 8 * i, s->gpr[i], size, c->big);
    put_int(bytes + ORACLE_FPR - ORACLE_RECORD + 8 * i, s->fpr[i], 8, c->big);
  }
  put_int(bytes + ORACLE_HI - ORACLE_RECORD, s->hi, size, c->big);
  put_int(bytes + ORACLE_LO - ORACLE_RECORD, s->lo, size, c->big);
  put_int(bytes + ORACLE_FCSR - ORACLE_RECORD, s->fcsr, 4, c->big);
}

void oracle_unpack(const struct oracle_config *c, const uint8_t bytes[ORACLE_RECORD_SIZE], struct oracle_state *s) {
  memset(s, 0, sizeof *s);
  memcpy(s->scratch, bytes, ORACLE_SCRATCH_SIZE);
  for (int i = 0; i < 32; i++) {
    s->gpr[i] = get_register(c, bytes + ORACLE_GPR - ORACLE_RECORD + 8 * i);
    s->fpr[i] = get_int(bytes + ORACLE_FPR - ORACLE_RECORD + 8 * i, 8, c->big);
  }
  s->hi = get_register(c, bytes + ORACLE_HI - ORACLE_RECORD);
  s->lo = get_register(c, bytes + ORACLE_LO - ORACLE_RECORD);
  s->fcsr = (uint32_t)get_int(bytes + ORACLE_FCSR - ORACLE_RECORD, 4, c->big);
}

/* --- the ELF file --- */

struct image {
  uint8_t *bytes;
  size_t size;
  bool big, bits64;
};

struct segment {
  uint32_t type, flags, offset, va, file, memory;
};

/* Fields stand in a different order in the two classes. */
static uint8_t *put_segment(uint8_t *p, const struct image *m, struct segment s) {
  if (m->bits64) {
    put_int(p, s.type, 4, m->big), put_int(p + 4, s.flags, 4, m->big);
    const uint32_t v[] = {s.offset, s.va, s.va, s.file, s.memory, 0x1000};
    for (int i = 0; i < 6; i++) put_int(p + 8 + 8 * i, v[i], 8, m->big);
    return p + 56;
  }
  const uint32_t v[] = {s.type, s.offset, s.va, s.va, s.file, s.memory, s.flags, 0x1000};
  for (int i = 0; i < 8; i++) put_int(p + 4 * i, v[i], 4, m->big);
  return p + 32;
}

/* fp_abi: of .MIPS.abiflags, from which qemu-user takes Status.FR; 0: none (64-bit: FR is set). */
static void put_headers(struct image *m, unsigned fp_abi, uint32_t first_record, uint32_t blocks) {
  uint8_t *p = m->bytes;
  unsigned word = m->bits64 ? 8 : 4, header = m->bits64 ? 64 : 52;
  const uint8_t ident[] = {0x7f, 'E', 'L', 'F', m->bits64 ? 2 : 1, m->big ? 2 : 1, 1};
  memcpy(p, ident, sizeof ident);
  put_int(p + 16, 2, 2, m->big), put_int(p + 18, 8, 2, m->big), put_int(p + 20, 1, 4, m->big);
  put_int(p + 24, START, word, m->big), put_int(p + 24 + word, header, word, m->big);
  uint8_t *q = p + 24 + 3 * word;
  put_int(q, m->bits64 ? 0x80000000 : 0x70001000, 4, m->big); /* e_flags: mips64r2; mips32r2, o32 */
  put_int(q + 4, header, 2, m->big), put_int(q + 6, m->bits64 ? 56 : 32, 2, m->big);
  put_int(q + 8, fp_abi ? 3 : 2, 2, m->big);
  uint32_t low = (uint32_t)m->size - 16, abi = HEADERS - 24;
  uint8_t *s = p + header;
  s = put_segment(s, m, (struct segment){1, 7, 0, ORACLE_CODE, low, low});
  /* The initial variables must share their offset within a page with their address. */
  s = put_segment(s, m, (struct segment){1, 6, low, VARS, 16, LOW_SIZE});
  if (fp_abi) put_segment(s, m, (struct segment){0x70000003, 4, abi, ORACLE_CODE + abi, 24, 24});
  p[abi + 2] = 32, p[abi + 3] = 2, p[abi + 4] = 1, p[abi + 5] = 2, p[abi + 7] = (uint8_t)fp_abi;
  put_int(p + low, blocks, 4, m->big);
  put_int(p + low + 4, first_record, 4, m->big);
}

/* Driver, blocks, records, and on a page of their own the initial variables. */
static int make_image(const struct oracle_config *cfg, const struct oracle_block *b, unsigned n, struct image *m) {
  struct driver d;
  make_driver(cfg, &d);
  uint32_t end = b[n - 1].va + 4 * b[n - 1].words, records = ((end + 63) & ~63u) - ORACLE_CODE;
  size_t vars = (records + (size_t)n * ORACLE_RECORD_SIZE + 0xfff) & ~(size_t)0xfff;
  *m = (struct image){.bytes = calloc(1, vars + 16), .size = vars + 16, .big = cfg->big, .bits64 = cfg->bits64};
  if (!m->bytes) return -1;
  for (unsigned i = 0; i < d.n; i++) put_int(m->bytes + HEADERS + 4 * i, d.word[i], 4, cfg->big);
  for (unsigned k = 0; k < n; k++) {
    for (unsigned i = 0; i < b[k].words; i++)
      put_int(m->bytes + b[k].va - ORACLE_CODE + 4 * i, b[k].word[i], 4, cfg->big);
    oracle_pack(cfg, &b[k].in, m->bytes + records + (size_t)k * ORACLE_RECORD_SIZE);
  }
  put_headers(m, cfg->bits64 ? 0 : cfg->fr ? 6 : 1 /* FP64, FP_DOUBLE */, ORACLE_CODE + records, n);
  return 0;
}

/* --- running it --- */

bool oracle_has_qemu(const struct oracle_config *cfg) {
  char cmd[128];
  snprintf(cmd, sizeof cmd, "command -v %s >/dev/null 2>&1", cfg->qemu);
  return !system(cmd);
}

unsigned oracle_qemu(const struct oracle_config *cfg, const struct oracle_block *b, unsigned n,
                     struct oracle_state *out, int *status) {
  struct image m;
  char path[] = "/tmp/mirrorball-oracle-XXXXXX", cmd[256];
  uint8_t record[ORACLE_RECORD_SIZE];
  unsigned done = 0;
  int fd = mkstemp(path);
  *status = -1;
  if (fd < 0) return 0;
  bool ok = !make_image(cfg, b, n, &m) && write(fd, m.bytes, m.size) == (ssize_t)m.size;
  free(m.bytes);
  fchmod(fd, 0700); /* qemu-user asks for it */
  close(fd);
  snprintf(cmd, sizeof cmd, "%s -cpu %s %s 2>/dev/null", cfg->qemu, cfg->qemu_cpu, path);
  FILE *p = ok ? popen(cmd, "r") : NULL;
  if (p) {
    while (done < n && fread(record, sizeof record, 1, p) == 1) oracle_unpack(cfg, record, &out[done++]);
    *status = pclose(p);
  }
  unlink(path);
  return done;
}
