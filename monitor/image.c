/* monitor/image.c: a kernel image taken apart: ELF, legacy uImage, raw; each of them perhaps gzipped. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing in a file is believed: every offset is held against the file's size before it is used, and the first thing
 * that is wrong is named. */
#include "monitor/image.h"
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#define RAW_LOAD     0x80100000u /* where YAMON's `load` and U-Boot's Malta port put things */
#define UIMAGE_MAGIC 0x27051956u

enum { UIMAGE_HEADER = 64, UIMAGE_MIPS = 5, UIMAGE_MIPS64 = 6, UIMAGE_KERNEL = 2 };
enum { UIMAGE_PLAIN = 0, UIMAGE_GZIP = 1 };

bool mon_to_gpa(uint64_t a, uint64_t *out) {
  uint64_t high = a >> 31;
  if (high == 0) { /* useg: a physical address in disguise */
    *out = a;
  } else if ((high == 1 || high == 0x1ffffffff) && (a & 0x40000000) == 0) { /* kseg0, kseg1 */
    *out = a & 0x1fffffff;
  } else if (a >> 62 == 2) { /* xkphys; bits 61:59 are the cache attribute (PRA vol. III, 4.4) */
    *out = a & 0x07ffffffffffffff;
  } else {
    return false;
  }
  return true;
}

uint64_t mon_to_entry(uint64_t a) {
  if (a < 0x20000000) a |= 0x80000000;
  return a >> 32 ? a : (uint64_t)(int64_t)(int32_t)a;
}

void mon_image_close(struct mon_image *i) {
  mon_file_close(&i->file);
  *i = (struct mon_image){0};
}

/* --- ELF --- */

/* Everything the header promises must be in the file, down to the section table at its end. */
static int check_tables(const GElf_Ehdr *h, size_t n, const char *path, struct mon_error *e) {
  size_t entry = h->e_ident[EI_CLASS] == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  if (!h->e_phnum || !h->e_phoff)
    return mon_fail(e, MB_ERR_FORMAT, "%s: has no program headers, so nothing to load", path);
  if (h->e_phentsize != entry)
    return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: its program headers claim %u bytes each", path, h->e_phentsize);
  if (h->e_phoff > n || (uint64_t)h->e_phnum * entry > n - h->e_phoff)
    return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: its program headers end at byte %" PRIu64 ", the file at %zu",
                    path, h->e_phoff + (uint64_t)h->e_phnum * entry, n);
  uint64_t sections = (uint64_t)h->e_shnum * h->e_shentsize;
  if (h->e_shoff && (h->e_shoff > n || sections > n - h->e_shoff))
    return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: its section headers end at byte %" PRIu64 ", the file at %zu",
                    path, h->e_shoff + sections, n);
  return MB_OK;
}

static int check_target(const GElf_Ehdr *h, const char *path, struct mon_error *e) {
  if (h->e_machine != EM_MIPS)
    return mon_fail(e, MB_ERR_FORMAT, "%s: is an ELF file for machine %u, not for MIPS (8)", path, h->e_machine);
  if (h->e_type != ET_EXEC)
    return mon_fail(e, MB_ERR_FORMAT, "%s: is an ELF file of type %u, not an executable (2)", path, h->e_type);
  uint32_t arch = h->e_flags & EF_MIPS_ARCH;
  if (arch == 0x90000000 || arch == 0xa0000000)
    return mon_fail(e, MB_ERR_MISMATCH, "%s: is release 6 code; no cpu model here has it", path);
  if (h->e_flags & 0x02000000)
    return mon_fail(e, MB_ERR_MISMATCH, "%s: is microMIPS code; no cpu model here has it", path);
  return MB_OK;
}

/* The address a segment is loaded at. Linkers that know nothing of load addresses leave p_paddr 0. */
static uint64_t load_address(const GElf_Phdr *p, bool paddr_used) {
  return paddr_used ? p->p_paddr : p->p_vaddr;
}

static int add_segment(struct mon_image *i, const GElf_Phdr *p, unsigned index, bool paddr_used, const char *path,
                       struct mon_error *e) {
  uint64_t at = load_address(p, paddr_used), where;
  if (p->p_offset > i->file.n || p->p_filesz > i->file.n - p->p_offset)
    return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: segment %u ends at byte %" PRIu64 ", the file at %zu", path,
                    index, p->p_offset + p->p_filesz, i->file.n);
  if (p->p_filesz > p->p_memsz)
    return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: segment %u is larger in the file than in memory", path, index);
  if (!mon_to_gpa(at, &where))
    return mon_fail(e, MB_ERR_FIT, "%s: segment %u goes to 0x%" PRIx64 ", which is no address of memory", path, index,
                    at);
  if (i->segments == MON_SEGMENTS)
    return mon_fail(e, MB_ERR_FORMAT, "%s: has more than %d segments to load", path, MON_SEGMENTS);
  i->segment[i->segments++] = (struct mon_segment){
      .gpa = where, .bytes = i->file.bytes + p->p_offset, .file_bytes = p->p_filesz, .mem_bytes = p->p_memsz};
  return MB_OK;
}

static bool entry_inside(Elf *elf, const GElf_Ehdr *h, const struct mon_image *i) {
  uint64_t where;
  GElf_Phdr p;
  for (unsigned k = 0; k < h->e_phnum; k++)
    if (gelf_getphdr(elf, (int)k, &p) && p.p_type == PT_LOAD && h->e_entry - p.p_vaddr < p.p_memsz) return true;
  if (!mon_to_gpa(i->entry, &where)) return false;
  for (unsigned k = 0; k < i->segments; k++)
    if (where - i->segment[k].gpa < i->segment[k].mem_bytes) return true;
  return false;
}

static int read_segments(struct mon_image *i, Elf *elf, const GElf_Ehdr *h, const char *path, struct mon_error *e) {
  GElf_Phdr p;
  bool paddr_used = false;
  for (unsigned k = 0; k < h->e_phnum; k++)
    if (gelf_getphdr(elf, (int)k, &p) && p.p_type == PT_LOAD) paddr_used |= p.p_paddr != 0;
  for (unsigned k = 0; k < h->e_phnum; k++) {
    if (!gelf_getphdr(elf, (int)k, &p))
      return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: program header %u: %s", path, k, elf_errmsg(-1));
    int bad = p.p_type == PT_LOAD && p.p_memsz ? add_segment(i, &p, k, paddr_used, path, e) : MB_OK;
    if (bad) return bad;
  }
  if (!i->segments) return mon_fail(e, MB_ERR_FORMAT, "%s: has nothing to load", path);
  i->entry = mon_to_entry(h->e_entry);
  if (i->entry & 3)
    return mon_fail(e, MB_ERR_FORMAT, "%s: its entry point 0x%" PRIx64 " is no MIPS32 instruction", path, i->entry);
  if (!entry_inside(elf, h, i))
    return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: its entry point 0x%" PRIx64 " is outside of what it loads", path,
                    (uint64_t)h->e_entry);
  return MB_OK;
}

static int open_elf(struct mon_image *i, const char *path, struct mon_error *e) {
  const uint8_t *b = i->file.bytes;
  size_t n = i->file.n;
  if (n < EI_NIDENT) return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: %zu bytes are less than an ELF header", path, n);
  if ((b[EI_CLASS] != ELFCLASS32 && b[EI_CLASS] != ELFCLASS64) ||
      (b[EI_DATA] != ELFDATA2LSB && b[EI_DATA] != ELFDATA2MSB) || b[EI_VERSION] != EV_CURRENT)
    return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: class %u, byte order %u, version %u in its ELF header", path,
                    b[EI_CLASS], b[EI_DATA], b[EI_VERSION]);
  size_t header = b[EI_CLASS] == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  if (n < header) return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: %zu bytes are less than an ELF header", path, n);
  i->is_elf = i->knows_order = true;
  i->is64 = b[EI_CLASS] == ELFCLASS64;
  i->big_endian = b[EI_DATA] == ELFDATA2MSB;
  i->kind = i->is64 ? "ELF64" : "ELF32";
  elf_version(EV_CURRENT);
  /* libelf does not write to an image it was given to read. */
  Elf *elf = elf_memory((char *)(uintptr_t)b, n);
  GElf_Ehdr h;
  int code = MB_OK;
  if (!elf || !gelf_getehdr(elf, &h)) code = mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: %s", path, elf_errmsg(-1));
  if (!code) code = check_target(&h, path, e);
  if (!code) code = check_tables(&h, n, path, e);
  if (!code) code = read_segments(i, elf, &h, path, e);
  if (elf) elf_end(elf);
  return code;
}

/* --- uImage (legacy; U-Boot include/image.h) --- */

static uint32_t be32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int check_uimage(const uint8_t *b, size_t n, const char *path, struct mon_error *e) {
  uint8_t header[UIMAGE_HEADER];
  uint32_t size;
  if (n < UIMAGE_HEADER)
    return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: %zu bytes are less than a uImage header", path, n);
  memcpy(header, b, sizeof header);
  memset(header + 4, 0, 4); /* the header's own sum was made with zero in its place */
  if (crc32(0, header, sizeof header) != be32(b + 4))
    return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: the checksum of its uImage header is wrong", path);
  size = be32(b + 12);
  if (size > n - UIMAGE_HEADER)
    return mon_fail(e, MB_ERR_FORMAT, "%s: truncated: its uImage header announces %u bytes, %zu are there", path, size,
                    n - UIMAGE_HEADER);
  if (crc32_z(0, b + UIMAGE_HEADER, size) != be32(b + 24))
    return mon_fail(e, MB_ERR_FORMAT, "%s: corrupt: the checksum of its uImage data is wrong", path);
  if (b[29] != UIMAGE_MIPS && b[29] != UIMAGE_MIPS64)
    return mon_fail(e, MB_ERR_FORMAT, "%s: is a uImage for architecture %u, not for MIPS (5, 6)", path, b[29]);
  if (b[30] != UIMAGE_KERNEL)
    return mon_fail(e, MB_ERR_FORMAT, "%s: is a uImage of type %u, not a kernel (2)", path, b[30]);
  if (b[31] != UIMAGE_PLAIN && b[31] != UIMAGE_GZIP)
    return mon_fail(e, MB_ERR_FORMAT, "%s: is a uImage packed by method %u, not plain (0) or gzip (1)", path, b[31]);
  return MB_OK;
}

/* A bare image of n bytes at `bytes`. */
static void set_bare(struct mon_image *i, uint64_t at_gpa, const uint8_t *bytes, size_t n) {
  i->segment[0] = (struct mon_segment){at_gpa, bytes, n, n};
  i->segments = 1;
}

static int open_uimage(struct mon_image *i, const char *path, uint64_t limit, struct mon_error *e) {
  struct mon_file unpacked;
  const uint8_t *b = i->file.bytes;
  int bad = check_uimage(b, i->file.n, path, e);
  if (bad) return bad;
  uint64_t load = be32(b + 16), entry = be32(b + 20), where;
  const uint8_t *data = b + UIMAGE_HEADER;
  size_t n = be32(b + 12);
  i->kind = "uImage";
  i->is64 = b[29] == UIMAGE_MIPS64;
  if (b[31] == UIMAGE_GZIP) {
    if ((bad = mon_gunzip(&unpacked, path, data, n, limit, e))) return bad;
    mon_file_close(&i->file);
    i->file = unpacked;
    data = unpacked.bytes;
    n = unpacked.n;
  }
  if (!n) return mon_fail(e, MB_ERR_FORMAT, "%s: is a uImage with nothing in it", path);
  if (!mon_to_gpa(load, &where) || entry & 3)
    return mon_fail(e, MB_ERR_FORMAT,
                    "%s: corrupt: a uImage with load address 0x%" PRIx64 " and entry point 0x%" PRIx64, path, load,
                    entry);
  set_bare(i, where, data, n);
  i->entry = mon_to_entry(entry);
  return MB_OK;
}

/* --- raw --- */

static int open_raw(struct mon_image *i, const char *path, const struct mb_raw *raw, struct mon_error *e) {
  uint64_t load = raw->load ? raw->load : RAW_LOAD, entry = raw->entry ? raw->entry : load, where;
  if (!mon_to_gpa(load, &where))
    return mon_fail(e, MB_ERR_ARGUMENT, "load address 0x%" PRIx64 " is no address of memory", load);
  if (entry & 3) return mon_fail(e, MB_ERR_ARGUMENT, "entry point 0x%" PRIx64 " is not a multiple of 4", entry);
  i->kind = "raw";
  i->entry = mon_to_entry(entry);
  set_bare(i, where, i->file.bytes, i->file.n);
  (void)path;
  return MB_OK;
}

static const char *other_packing(const uint8_t *b, size_t n) {
  static const struct {
    const char *name;
    uint8_t magic[4], n;
  } known[] = {{"xz", {0xfd, '7', 'z', 'X'}, 4},      {"bzip2", {'B', 'Z', 'h'}, 3},
               {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4}, {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4},
               {"lzop", {0x89, 'L', 'Z', 'O'}, 4},    {"zip", {'P', 'K', 3, 4}, 4}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (n >= known[i].n && !memcmp(b, known[i].magic, known[i].n)) return known[i].name;
  return NULL;
}

int mon_image_open(struct mon_image *i, const char *path, const struct mb_raw *raw, uint64_t limit,
                   struct mon_error *e) {
  *i = (struct mon_image){0};
  int code = mon_file_open(&i->file, "kernel", path, UINT32_MAX, e);
  if (!code && mon_is_gzip(i->file.bytes, i->file.n)) {
    struct mon_file unpacked;
    code = mon_gunzip(&unpacked, path, i->file.bytes, i->file.n, limit, e);
    if (!code) {
      mon_file_close(&i->file);
      i->file = unpacked;
    }
  }
  if (!code) {
    const uint8_t *b = i->file.bytes;
    size_t n = i->file.n;
    const char *packing = other_packing(b, n);
    if (n >= 4 && !memcmp(b, ELFMAG, SELFMAG))
      code = open_elf(i, path, e);
    else if (n >= 4 && be32(b) == UIMAGE_MAGIC)
      code = open_uimage(i, path, limit, e);
    else if (raw)
      code = open_raw(i, path, raw, e);
    else if (packing)
      code = mon_fail(e, MB_ERR_FORMAT, "%s: is %s data: unpack it first (gzip is understood)", path, packing);
    else
      code = mon_fail(e, MB_ERR_FORMAT,
                      "%s: is no kernel we know (ELF, uImage, gzip of these); a raw image needs its "
                      "byte order given",
                      path);
  }
  if (code) mon_image_close(i);
  return code;
}
