/* cli/test_list.c: which tests there are: scenarios, each on its guests. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/config_file.h"
#include "cli/test.h"
#include <stdlib.h>
#include <string.h>

/* --- one test --- */

static int set_option(struct request *r, const char *text) {
  const char *equals = strchr(text, '=');
  size_t n = equals ? (size_t)(equals - text) : strlen(text);
  for (int i = 0; request_rows[i].name; i++) {
    if (strlen(request_rows[i].name) != n || strncmp(request_rows[i].name, text, n) || !request_is_key(i)) continue;
    return request_set(r, i, equals ? equals + 1 : NULL);
  }
  return options_fail("test: --set %s: there is no option --%.*s of mirrorball run that describes a guest", text,
                      (int)n, text);
}

/* What a scenario decides itself. */
static int check(const struct request *r) {
  const struct mb_config *c = &r->config;
  if (c->parallel) return request_fail(r, "parallel: no two runs would be alike");
  if (c->timestamps) return request_fail(r, "timestamps: the console must be the guest's own");
  if (r->types || r->until_text || r->console || r->profiles || r->exacts)
    return request_fail(r, "type, until, console, profile: are what steps are for");
  return r->name || r->kernel ? 0 : request_fail(r, "which guest? Give guests = [\"debian-4kc\"], or machine.kernel");
}

/* Keys of a VM. */
static int set_keys(struct request *r, const config_setting_t *keys) {
  int bad = 0;
  if (keys) r->begins = r->line = (int)config_setting_source_line(keys);
  for (int i = 0; !bad && keys && i < config_setting_length(keys); i++)
    bad = machine_file_key(r, config_setting_get_elem(keys, (unsigned)i));
  return bad;
}

static int make(struct test *t, const struct scenario *s, const struct scenario_guest *guest,
                const struct test_options *o) {
  struct request *r = &t->run.options;
  t->scenario = s;
  t->fresh = o->fresh;
  request_begin(r, &t->run);
  r->file = s->path;
  int bad = set_keys(r, s->machine);
  if (guest && guest->name) r->name = guest->name;
  if (!bad && guest) bad = set_keys(r, guest->keys);
  for (size_t i = 0; !bad && i < o->sets; i++) bad = set_option(r, o->set[i]);
  if (o->kernel) r->kernel = o->kernel;
  if (o->symbols) r->symbols = true, r->symbols_file = o->symbols;
  if (!r->config.name) r->config.name = r->name ? r->name : "kernel";
  t->guest = r->config.name;
  r->line = r->begins;
  return bad ? bad : check(r);
}

/* --- all --- */

static void forget(struct test *t) {
  free(t->record);
  request_fini(&t->run.options);
  for (size_t i = 0; i < t->run.texts; i++) free(t->run.text[i]);
  free(t->run.text);
}

static int add(struct test_list *l, const struct scenario *s, const struct scenario_guest *guest,
               const struct test_options *o) {
  struct test *t = &l->test[l->tests++];
  int bad = make(t, s, guest, o);
  if (bad || !o->guest || !strcmp(t->guest, o->guest)) return bad;
  forget(t);
  *t = (struct test){0};
  l->tests--;
  return 0;
}

int test_list_read(struct test_list *l, const char *const *path, size_t n, const struct test_options *o) {
  size_t room = 1;
  int bad = 0;
  *l = (struct test_list){.scenario = calloc(n + 1, sizeof *l->scenario)};
  if (!l->scenario) return options_fail("out of memory");
  for (size_t i = 0; !bad && i < n; i++) {
    bad = scenario_read(&l->scenario[l->scenarios++], path[i]);
    room += l->scenario[i].guests + 1;
  }
  if (!bad && !(l->test = calloc(room, sizeof *l->test))) bad = options_fail("out of memory");
  for (size_t i = 0; !bad && i < n; i++) {
    const struct scenario *s = &l->scenario[i];
    for (size_t k = 0; !bad && k < s->guests; k++) bad = add(l, s, &s->guest[k], o);
    if (!bad && !s->guests) bad = add(l, s, NULL, o);
  }
  if (!bad && !l->tests && o->guest) bad = options_fail("test: no scenario here is for the guest %s", o->guest);
  return bad;
}

int test_list_prepare(struct test_list *l, const struct test_options *o) {
  size_t kept = 0;
  for (size_t i = 0; i < l->tests; i++) {
    if (o->shards && i % o->shards != o->shard - 1) {
      forget(&l->test[i]);
      continue;
    }
    l->test[kept] = l->test[i];
    l->test[kept].run.options.run = &l->test[kept].run;
    kept++;
  }
  l->tests = kept;
  for (size_t i = 0; o->record && i < l->tests; i++)
    if (asprintf(&l->test[i].record, "%s/%zu", o->record, i + 1) < 0) return options_fail("out of memory");
  for (size_t i = 0; i < l->tests; i++)
    if (boot_guest(&l->test[i].run.options)) return TEST_NONE;
  return 0;
}

void test_list_free(struct test_list *l) {
  for (size_t i = 0; i < l->tests; i++) forget(&l->test[i]);
  for (size_t i = 0; i < l->scenarios; i++) scenario_free(&l->scenario[i]);
  free(l->test);
  free(l->scenario);
  *l = (struct test_list){0};
}

/* --- commands --- */

void test_put_word(FILE *to, const char *word) {
  bool plain = *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:,+@%-")];
  fputc(' ', to);
  if (!plain) fputc('\'', to);
  for (const char *s = word; *s; s++)
    if (*s == '\'')
      fputs("'\\''", to);
    else
      fputc(*s, to);
  if (!plain) fputc('\'', to);
}

char *test_command(const struct test *t, const struct test_options *o) {
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  if (!f) return NULL;
  fputs("mirrorball test", f);
  test_put_word(f, t->scenario->path);
  if (t->scenario->guests) fprintf(f, " --guest %s", t->guest);
  if (o->kernel) fputs(" --kernel", f), test_put_word(f, o->kernel);
  if (o->symbols) fputs(" --symbols", f), test_put_word(f, o->symbols);
  for (size_t i = 0; i < o->sets; i++) fputs(" --set", f), test_put_word(f, o->set[i]);
  fclose(f);
  return text;
}
