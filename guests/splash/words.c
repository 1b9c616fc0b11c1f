/* guests/splash/words.c: the program's words, and what else it needs that is the same on any system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "splash.h"

unsigned threads;
static const struct param threads_param = {"threads", &threads, 1, 256};

static bool begins(const char *s, const char *word, size_t n) {
  size_t i = 0;
  while (i < n && word[i] && s[i] == word[i]) i++;
  return i == n && !word[i];
}

static const struct param *find_param(const char *s, size_t n) {
  if (begins(s, threads_param.name, n)) return &threads_param;
  for (const struct param *p = splash_params; p->name; p++)
    if (begins(s, p->name, n)) return p;
  return NULL;
}

static void list_params(void) {
  for (const struct param *p = splash_params; p->name; p++) print(" %s=%u..%u", p->name, p->min, p->max);
  print(" threads=%u..%u\n", threads_param.min, threads_param.max);
  finish(2);
}

/* NAME=NUMBER; "splash" and the program's own name may stand there for people to read. */
static void take_word(char *word, size_t n) {
  size_t k = 0;
  if (begins(word, "splash", n) || begins(word, splash_name, n)) return;
  while (k < n && word[k] != '=') k++;
  const struct param *p = find_param(word, k);
  uint64_t value = 0;
  size_t i = k + 1;
  for (; i < n && word[i] >= '0' && word[i] <= '9' && value <= UINT32_MAX; i++)
    value = value * 10 + (uint64_t)(word[i] - '0');
  word[n] = 0;
  if (!p || i <= k + 1 || i < n || value < p->min || value > p->max) {
    print("%s: cannot do \"%s\"; the words are", splash_name, word);
    list_params();
  }
  *p->value = (unsigned)value;
}

void splash_words(char *line) {
  for (char *s = line; *s;) {
    size_t n = 0;
    while (s[n] && s[n] != ' ') n++;
    bool last = !s[n];
    if (n) take_word(s, n);
    s += n + !last;
  }
}

uint64_t phase(const char *what, uint64_t since) {
  uint64_t t = now();
  print("%s: %s %u us\n", splash_name, what, (uint32_t)((t - since) >> 2) / 25); /* 64-bit division is not inline */
  return t;
}

uint64_t mix(uint64_t v) {
  v += 0x9e3779b97f4a7c15u;
  v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
  v = (v ^ v >> 27) * 0x94d049bb133111ebu;
  return v ^ v >> 31;
}
