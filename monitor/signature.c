/* monitor/signature.c: reading C prototypes of the simple kind. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/hostcall.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct words { /* what a type or a parameter is made of */
  bool is_const, is_unsigned, is_signed;
  unsigned longs, stars;
  const char *base; /* NULL: none */
  char name[64];
};

static const struct {
  const char *base;
  unsigned longs;
  enum mon_host_kind kind, kind_unsigned;
} types[] = {
    {"void", 0, MON_HOST_VOID, MON_HOST_KINDS},    {"bool", 0, MON_HOST_U8, MON_HOST_KINDS},
    {"char", 0, MON_HOST_S8, MON_HOST_U8},         {"short", 0, MON_HOST_S16, MON_HOST_U16},
    {"int", 0, MON_HOST_S32, MON_HOST_U32},        {"int", 1, MON_HOST_LONG, MON_HOST_ULONG},
    {"int", 2, MON_HOST_S64, MON_HOST_U64},        {"float", 0, MON_HOST_F32, MON_HOST_KINDS},
    {"double", 0, MON_HOST_F64, MON_HOST_KINDS},   {"int8_t", 0, MON_HOST_S8, MON_HOST_KINDS},
    {"uint8_t", 0, MON_HOST_U8, MON_HOST_KINDS},   {"int16_t", 0, MON_HOST_S16, MON_HOST_KINDS},
    {"uint16_t", 0, MON_HOST_U16, MON_HOST_KINDS}, {"int32_t", 0, MON_HOST_S32, MON_HOST_KINDS},
    {"uint32_t", 0, MON_HOST_U32, MON_HOST_KINDS}, {"int64_t", 0, MON_HOST_S64, MON_HOST_KINDS},
    {"uint64_t", 0, MON_HOST_U64, MON_HOST_KINDS}, {"size_t", 0, MON_HOST_ULONG, MON_HOST_KINDS},
    {"ssize_t", 0, MON_HOST_LONG, MON_HOST_KINDS},
};

static const char *find_base(const char *word) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].base, word)) return types[i].base;
  return NULL;
}

/* One word of a declaration. False: it does not belong there. */
static bool take_word(struct words *w, const char *word) {
  if (!strcmp(word, "const"))
    w->is_const = true;
  else if (!strcmp(word, "unsigned"))
    w->is_unsigned = true;
  else if (!strcmp(word, "signed"))
    w->is_signed = true;
  else if (!strcmp(word, "long"))
    w->longs++;
  else if (w->base && !strcmp(w->base, "short") && !strcmp(word, "int"))
    return true; /* the same */
  else if (!w->base && find_base(word))
    w->base = find_base(word);
  else if (!w->name[0] && !find_base(word) && (w->base || w->longs || w->is_unsigned || w->is_signed))
    snprintf(w->name, sizeof w->name, "%s", word);
  else
    return false;
  return true;
}

/* Words and stars up to `(`, `)`, `,` or something else, at which *at is left. */
static bool take_words(struct words *w, const char **at) {
  *w = (struct words){0};
  for (const char *p = *at;; *at = p) {
    while (isspace((unsigned char)*p)) p++;
    if (*p == '*' && !w->name[0]) {
      w->stars++;
      p++;
    } else if (isalpha((unsigned char)*p) || *p == '_') {
      char word[64];
      size_t n = 0;
      for (; isalnum((unsigned char)*p) || *p == '_'; p++)
        if (n < sizeof word - 1) word[n++] = *p;
      word[n] = 0;
      if (!take_word(w, word)) return false;
    } else {
      *at = p;
      return w->base || w->longs || w->is_unsigned || w->is_signed;
    }
  }
}

/* MON_HOST_KINDS: there is no such type. */
static enum mon_host_kind kind_of(const struct words *w) {
  const char *base = w->base ? w->base : "int";
  bool text = !strcmp(base, "char") && !w->is_unsigned && !w->is_signed && !w->longs;
  enum mon_host_kind kind = MON_HOST_KINDS;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].base, base) && types[i].longs == w->longs)
      kind = w->is_unsigned ? types[i].kind_unsigned : types[i].kind;
  if (w->is_signed && (w->is_unsigned || kind < MON_HOST_S8 || kind > MON_HOST_ULONG)) kind = MON_HOST_KINDS;
  if (!w->stars || kind == MON_HOST_KINDS) return kind;
  if (w->stars > 1) return MON_HOST_KINDS;
  return !w->is_const ? MON_HOST_INOUT : text ? MON_HOST_STRING_IN : MON_HOST_IN;
}

static bool is_integer(enum mon_host_kind kind) {
  return kind >= MON_HOST_S8 && kind <= MON_HOST_ULONG;
}

static int bad(struct mon_error *e, const char *text, const char *why) {
  return mon_fail(e, MB_ERR_FORMAT, "host call \"%s\": %s", text, why);
}

static int parse_args(struct mon_signature *s, const char *text, const char **at, struct mon_error *e) {
  struct words w;
  do {
    ++*at; /* the parenthesis, or a comma */
    if (!s->args && (*at)[strspn(*at, " \t")] == ')') {
      *at += strspn(*at, " \t");
      return MB_OK;
    }
    if (!take_words(&w, at)) return bad(e, text, "a parameter is missing, or is none");
    enum mon_host_kind kind = kind_of(&w);
    if (kind == MON_HOST_VOID && !s->args && **at == ')') return MB_OK;
    if (kind == MON_HOST_KINDS || kind == MON_HOST_VOID)
      return bad(e, text, "a parameter has a type that is not known");
    if (s->args == MON_HOST_ARGS) return bad(e, text, "it has more than 12 parameters");
    s->arg[s->args++] = kind;
  } while (**at == ',');
  return MB_OK;
}

int mon_signature_parse(struct mon_signature *s, const char *text, struct mon_error *e) {
  struct words w;
  const char *at = text;
  *s = (struct mon_signature){0};
  if (!take_words(&w, &at) || !w.name[0] || *at != '(') return bad(e, text, "it does not begin as a prototype does");
  s->result = kind_of(&w);
  if (s->result == MON_HOST_KINDS) return bad(e, text, "the result's type is not known");
  if (w.stars) return bad(e, text, "a result cannot be a pointer");
  memcpy(s->name, w.name, sizeof s->name);
  int code = parse_args(s, text, &at, e);
  if (code) return code;
  if (*at != ')') return bad(e, text, "there is no closing parenthesis where it should be");
  for (at++; isspace((unsigned char)*at) || *at == ';';) at++;
  if (*at) return bad(e, text, "there is something behind the prototype");
  for (unsigned i = 0; i < s->args; i++)
    if (s->arg[i] >= MON_HOST_IN && (i + 1 == s->args || !is_integer(s->arg[i + 1])))
      return bad(e, text, "behind a pointer must come an integer, its length in bytes (const char * is a string)");
  return MB_OK;
}
