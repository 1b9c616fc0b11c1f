/* criterion-tests/vector_case.c: reads the files of vectors/. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/vector_case.h"
#include "criterion-tests/encode.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- values --- */

static uint64_t single_bits(const char *text) {
  float x = strtof(text, NULL);
  uint32_t v;
  memcpy(&v, &x, sizeof v);
  return v;
}
static uint64_t double_bits(const char *text) {
  double x = strtod(text, NULL);
  uint64_t v;
  memcpy(&v, &x, sizeof v);
  return v;
}

/* s:1.5  d:-inf  ps:1.0,2.0 (upper, lower)  .+8  or an integer. */
static bool parse_value(const char *text, uint64_t *out) {
  char *end;
  if (!strncmp(text, "s:", 2)) return *out = single_bits(text + 2), true;
  if (!strncmp(text, "d:", 2)) return *out = double_bits(text + 2), true;
  if (!strncmp(text, "ps:", 3)) {
    const char *comma = strchr(text, ',');
    if (comma) *out = single_bits(text + 3) << 32 | single_bits(comma + 1);
    return comma;
  }
  errno = 0;
  *out = *text == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
  return end != text && !*end && !errno;
}

static bool parse_bytes(const char *text, struct vector_write *w) {
  size_t n = strlen(text) / 2;
  if (strlen(text) % 2 || !n || n > sizeof w->bytes) return false;
  for (size_t i = 0; i < n; i++) {
    char digits[3] = {text[2 * i], text[2 * i + 1], 0};
    if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1])) return false;
    w->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  w->size = (uint8_t)n;
  return true;
}

static unsigned size_of_letter(char letter) {
  switch (letter) {
  case 'b': return 1;
  case 'h': return 2;
  case 'w': return 4;
  case 'd': return 8;
  default: return 0;
  }
}

/* [at]=bytes in address order; b[at]= h[at]= w[at]= d[at]= values in the guest's order. */
static bool parse_memory(struct vector_side *side, const char *key, const char *value) {
  struct vector_write w = {.ordered = *key != '['};
  if (side->writes == VECTOR_WRITES) return false;
  if (w.ordered && !(w.size = (uint8_t)size_of_letter(*key++))) return false;
  if (*key != '[') return false;
  w.at = (uint16_t)strtoul(key + 1, NULL, 0);
  if (w.ordered ? !parse_value(value, &w.value) : !parse_bytes(value, &w)) return false;
  side->write[side->writes++] = w;
  return w.at + w.size <= VECTOR_SCRATCH;
}

/* Names joined by +: I U O Z V (Cause and Flag), cV (Cause), onV (Enable), RZ RP RM, FS, cc0 to cc7, or numbers. */
static bool parse_fcsr(const char *text, uint32_t *out) {
  static const char exceptions[] = "IUOZV";
  static const char *const names[] = {"RZ", "RP", "RM", "FS"};
  static const uint32_t bits[] = {1, 2, 3, MIPS_FCSR_FS};
  *out = 0;
  while (*text) {
    char word[16];
    size_t n = strcspn(text, "+");
    snprintf(word, sizeof word, "%.*s", (int)n, text);
    text += n + (text[n] == '+');
    const char *name = word + (*word == 'c' ? 1 : !strncmp(word, "on", 2) ? 2 : 0), *e = strchr(exceptions, *name);
    uint64_t v = 0;
    for (int i = 0; i < 4; i++)
      if (!strcmp(word, names[i])) v = bits[i];
    if (e && *name && !name[1]) {
      uint32_t bit = 1u << (e - exceptions);
      v = *word == 'c' ? bit << 12 : *word == 'o' ? bit << 7 : bit << 12 | bit << 2;
    } else if (!strncmp(word, "cc", 2)) {
      unsigned cc = (unsigned)atoi(word + 2);
      v = 1u << (cc ? 24 + cc : 23);
    } else if (!v && !parse_value(word, &v)) {
      return false;
    }
    *out |= (uint32_t)v;
  }
  return true;
}

/* --- one token --- */

static bool parse_register(struct vector_side *side, const char *key, const char *value) {
  bool fpr = key[1] == 'f';
  char *end;
  unsigned n = (unsigned)strtoul(key + 1 + fpr, &end, 10);
  uint64_t v;
  if (n > 31) return false;
  if (!fpr && !strncmp(value, ".+", 2)) {
    side->relative |= 1u << n;
    value += 2;
  }
  if (!parse_value(value, &v)) return false;
  if (fpr && *end)
    *(*end == 'h' ? &side->high : &side->low) |= 1u << n, side->half[n][*end == 'h'] = (uint32_t)v;
  else if (fpr)
    side->fprs |= 1u << n, side->fpr[n] = v;
  else
    side->gprs |= 1u << n, side->gpr[n] = v;
  return true;
}

static bool parse_option(struct vector_case *c, const char *word) {
  const struct {
    const char *word;
    bool *flag;
  } all[] = {{"user", &c->user},  {"fr0", &c->fr0},    {"nocu1", &c->no_cu1}, {"no64", &c->no_64},
             {"64", &c->only_64}, {"32", &c->only_32}, {"big", &c->only_big}, {"little", &c->only_little}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (!strcmp(all[i].word, word)) return *all[i].flag = true;
  return false;
}

static bool parse_pair(struct vector_case *c, struct vector_side *side, const char *key, const char *value) {
  uint64_t v = 0;
  if (*key == '$') return parse_register(side, key, value);
  if (strchr(key, '[')) return parse_memory(side, key, value);
  if (!strcmp(key, "exc")) {
    snprintf(c->exception_name, sizeof c->exception_name, "%s", value);
    c->exception = c->exception_name;
    return true;
  }
  if (!strcmp(key, "fcsr")) return side->has_fcsr = true, parse_fcsr(value, &side->fcsr);
  if (!parse_value(value, &v)) return false;
  if (!strcmp(key, "hi")) return side->hi = v, side->has_hi = true;
  if (!strcmp(key, "lo")) return side->lo = v, side->has_lo = true;
  if (!strcmp(key, "epc")) return c->epc = (unsigned)v, true;
  if (!strcmp(key, "bd")) return c->bd = (unsigned)v, true;
  if (!strcmp(key, "ce")) return c->ce = (unsigned)v, true;
  if (!strcmp(key, "badva")) return c->badva = v, c->has_badva = true;
  return false;
}

/* --- one line --- */

/* Two blanks start the comment; behind the arrow, when nothing changes, three or more do. */
static void cut_comment(char *after) {
  size_t blanks = strspn(after, " ");
  char *comment = blanks > 2 ? after : strstr(after + blanks, "  ");
  if (comment) *comment = 0;
}

static bool parse_tokens(struct vector_case *c, struct vector_side *side, char *text) {
  char *save;
  for (char *t = strtok_r(text, " \t\n", &save); t; t = strtok_r(NULL, " \t\n", &save)) {
    char *equals = strchr(t, '=');
    bool ok = equals ? (*equals = 0, parse_pair(c, side, t, equals + 1)) : parse_option(c, t);
    if (ok) continue;
    fprintf(stderr, "%s:%u: what is '%s'?\n", c->file, c->line, t);
    return false;
  }
  return true;
}

static bool parse_case(struct vector_case *c, const char *line) {
  char text[512];
  snprintf(c->text, sizeof c->text, "%.*s", (int)sizeof c->text - 1, line + 2);
  c->text[strcspn(c->text, "\n")] = 0;
  snprintf(text, sizeof text, "%s", line + 2);
  char *arrow = strstr(text, "->");
  if (!arrow) {
    fprintf(stderr, "%s:%u: no '->'\n", c->file, c->line);
    return false;
  }
  *arrow = 0;
  cut_comment(arrow + 2);
  return parse_tokens(c, &c->before, text) && parse_tokens(c, &c->after, arrow + 2);
}

/* --- a file --- */

/* Ends the code of a group: the jump to itself shows that the case is done. */
static void end_group(FILE *to) {
  fprintf(to, "\t.word 0x1000ffff, 0\n");
}

/* Lines before the first case are for the assembler (.set, .macro). */
static bool read_lines(FILE *from, FILE *to, struct vector_file *out) {
  char line[512];
  bool code = true; /* the last line was no case */
  fprintf(to, "\t.set noreorder\n\t.set noat\n\t.set nomacro\n\t.text\n");
  for (unsigned n = 1; fgets(line, sizeof line, from); n++) {
    if (strncmp(line, "#:", 2)) {
      if (*line == '#' || *line == '\n') continue;
      code = true;
      fputs(line, to);
      continue;
    }
    if (out->cases == VECTOR_CASES) return false;
    if (code) {
      if (out->groups) end_group(to);
      fprintf(to, "\t.org 0x%x\n", out->groups * VECTOR_STRIDE + VECTOR_FRONT);
      out->groups++;
      code = false;
    }
    struct vector_case *c = &out->list[out->cases++];
    *c = (struct vector_case){.file = out->name, .line = n, .group = out->groups - 1};
    if (!parse_case(c, line)) return false;
  }
  end_group(to);
  return out->cases;
}

int vector_read(const char *folder, const char *name, struct vector_file *out) {
  *out = (struct vector_file){.assembly = "/tmp/mirrorball-vector-XXXXXX"};
  snprintf(out->path, sizeof out->path, "%s/%s", folder, name);
  snprintf(out->name, sizeof out->name, "vectors/%s", name);
  out->list = calloc(VECTOR_CASES, sizeof *out->list);
  FILE *from = fopen(out->path, "r");
  int fd = mkstemp(out->assembly);
  FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
  bool ok = out->list && from && to && read_lines(from, to, out);
  if (from) fclose(from);
  if (to) fclose(to);
  return ok ? 0 : -1;
}

void vector_free(struct vector_file *f) {
  unlink(f->assembly);
  free(f->list);
}

void vector_words(struct vector_case *c, const struct rig_program *p) {
  const uint32_t *code = p->word + (c->group * VECTOR_STRIDE + VECTOR_FRONT) / 4;
  c->words = 0;
  while (code[c->words] != B(-1)) c->words++;
}
