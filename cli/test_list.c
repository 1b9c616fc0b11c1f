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

/* Keys that the scenario has not read itself. */
static int set_own_keys(struct request *r, const config_setting_t *keys) {
  int bad = 0;
  r->begins = r->line = (int)config_setting_source_line(keys);
  for (int i = 0; !bad && i < config_setting_length(keys); i++) {
    const config_setting_t *key = config_setting_get_elem(keys, (unsigned)i);
    if (!scenario_is_vm_key(config_setting_name(key))) bad = machine_file_key(r, key);
  }
  return bad;
}

/* Does it say itself what it runs, so that it is not the one under test? */
static bool is_its_own(const struct scenario_vm *v) {
  return v->own && (config_setting_get_member(v->own, "guest") || config_setting_get_member(v->own, "kernel"));
}

static int add_vm(struct test *t, const struct scenario_guest *guest, const struct test_options *o) {
  const struct scenario_vm *v = &t->scenario->vm[t->run.vms];
  struct request *r = calloc(1, sizeof *r);
  if (!r) return options_fail("out of memory");
  t->run.vm[t->run.vms++] = r;
  request_begin(r, &t->run);
  r->file = t->scenario->path;
  bool own = is_its_own(v);
  int bad = set_keys(r, t->scenario->machine);
  if (!bad && guest && !own) {
    r->name = guest->name ? guest->name : r->name;
    bad = set_keys(r, guest->keys);
  }
  if (!bad && v->own) bad = set_own_keys(r, v->own);
  for (size_t i = 0; !bad && i < o->sets; i++) bad = set_option(r, o->set[i]);
  bool tested = !own || !guest;
  if (o->kernel && tested) r->kernel = o->kernel;
  if (o->symbols && tested) r->symbols = true, r->symbols_file = o->symbols;
  if (v->name) r->config.name = v->name;
  if (!r->config.name) r->config.name = r->name ? r->name : "kernel";
  r->line = r->begins;
  return bad ? bad : check(r);
}

/* What the test is called beside its scenario: the guest it is on, or its VMs. NULL: no memory. */
static const char *name_of(struct test *t, const struct scenario_guest *guest) {
  const struct scenario *s = t->scenario;
  const char *name = guest ? guest->name : NULL;
  char *text = NULL;
  size_t n = 0;
  if (s->vms == 1 && !s->vm->name) return t->run.vm[0]->config.name;
  if (name) return name;
  if (guest && (config_setting_lookup_string(guest->keys, "name", &name) ||
                config_setting_lookup_string(guest->keys, "guest", &name)))
    return name;
  FILE *f = open_memstream(&text, &n);
  for (size_t i = 0; f && i < s->vms; i++) fprintf(f, "%s%s", i ? "+" : "", s->vm[i].name);
  if (f) fclose(f);
  name = text ? request_keep(&t->run, text) : NULL;
  free(text);
  return name;
}

static int make(struct test *t, const struct scenario *s, const struct scenario_guest *guest,
                const struct test_options *o) {
  int bad = 0;
  t->scenario = s;
  t->fresh = o->fresh;
  if (o->record && s->vms > 1)
    return options_fail("test: --record takes scenarios with one VM: %s has %zu", s->path, s->vms);
  if (!(t->run.vm = calloc(s->vms, sizeof *t->run.vm))) return options_fail("out of memory");
  while (!bad && t->run.vms < s->vms) bad = add_vm(t, guest, o);
  if (!bad && !(t->guest = name_of(t, guest))) bad = options_fail("out of memory");
  return bad;
}

/* --- all --- */

static void forget(struct test *t) {
  free(t->record);
  for (size_t i = 0; i < t->run.vms; i++) {
    request_fini(t->run.vm[i]);
    free(t->run.vm[i]);
  }
  free(t->run.vm);
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
    struct request_run *run = &l->test[kept++].run;
    for (size_t k = 0; k < run->vms; k++) run->vm[k]->run = run;
  }
  l->tests = kept;
  for (size_t i = 0; o->record && i < l->tests; i++)
    if (asprintf(&l->test[i].record, "%s/%zu", o->record, i + 1) < 0) return options_fail("out of memory");
  for (size_t i = 0; i < l->tests; i++)
    for (size_t k = 0; k < l->test[i].run.vms; k++)
      if (boot_guest(l->test[i].run.vm[k])) return TEST_NONE;
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
