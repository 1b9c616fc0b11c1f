/* cli/guests_modules.c: some modules of a kernel package, with what they depend on and modprobe's tables. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Packages come without modules.dep, which depmod makes when they are installed. What it would say is in the modules
 * themselves: section .modinfo has lines "depends=a,b" and "alias=pattern". All modules of the package are looked at
 * once; those that are needed are taken when it is read again. They lie in one folder: modprobe does not mind. */
#define _GNU_SOURCE
#include "cli/guests_parts.h"
#include <archive.h>
#include <errno.h>
#include <libelf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct module {
  char *name; /* as modprobe knows it: - is _ */
  char *info; /* .modinfo: lines, each ended by NUL */
  size_t info_n;
  bool needed, marked;
};

struct modules {
  const char *deb;
  struct module *module;
  size_t n, room;
  char *builtin; /* modules.builtin: paths, one per line */
  char *version; /* the folder below lib/modules */
  struct archive *to;
  struct module **order; /* needed ones, each behind what it depends on */
  size_t ordered;
};

static void modules_fini(struct modules *all) {
  for (size_t i = 0; i < all->n; i++) {
    free(all->module[i].name);
    free(all->module[i].info);
  }
  free(all->module);
  free(all->order);
  free(all->builtin);
  free(all->version);
  archive_write_free(all->to);
}

/* --- looking at all of them --- */

char *guests_module_name(const char *path, size_t n) {
  const char *slash = memrchr(path, '/', n), *base = slash ? slash + 1 : path;
  n -= (size_t)(base - path);
  if (n <= 3 || memcmp(base + n - 3, ".ko", 3)) return NULL;
  char *name = strndup(base, n - 3);
  for (char *s = name; s && *s; s++)
    if (*s == '-') *s = '_';
  return name;
}

static char *read_all(struct archive *a, size_t n) {
  char *bytes = malloc(n + 1);
  if (bytes && archive_read_data(a, bytes, n) != (la_ssize_t)n) {
    free(bytes);
    bytes = NULL;
  }
  if (bytes) bytes[n] = 0;
  return bytes;
}

/* Keep the module's .modinfo. Returns 0, or -1 when it has none or memory is out. */
static int keep_info(struct module *m, char *bytes, size_t n) {
  Elf *elf = elf_memory(bytes, n);
  size_t names;
  Elf_Scn *section = NULL;
  if (!elf || elf_getshdrstrndx(elf, &names)) {
    elf_end(elf);
    return -1;
  }
  while (!m->info && (section = elf_nextscn(elf, section))) {
    Elf32_Shdr *h32 = elf32_getshdr(section);
    Elf64_Shdr *h64 = elf64_getshdr(section);
    const char *name = h32 || h64 ? elf_strptr(elf, names, h32 ? h32->sh_name : h64->sh_name) : NULL;
    Elf_Data *data = name && !strcmp(name, ".modinfo") ? elf_getdata(section, NULL) : NULL;
    if (!data || !data->d_size || !(m->info = malloc(data->d_size + 1))) continue;
    memcpy(m->info, data->d_buf, data->d_size);
    m->info[data->d_size] = 0;
    m->info_n = data->d_size;
  }
  elf_end(elf);
  return m->info ? 0 : -1;
}

static struct module *add_module(struct modules *all) {
  if (all->n == all->room) {
    size_t room = all->room ? 2 * all->room : 1024;
    struct module *more = realloc(all->module, room * sizeof *more);
    if (!more) return NULL;
    all->module = more;
    all->room = room;
  }
  all->module[all->n] = (struct module){0};
  return &all->module[all->n++];
}

static int look_at(void *ctx, struct archive *a, const char *path, size_t n) {
  struct modules *all = ctx;
  const char *below = strstr(path, "lib/modules/"), *version = below ? below + strlen("lib/modules/") : NULL;
  const char *file = version ? strchr(version, '/') : NULL;
  char *name = file ? guests_module_name(path, strlen(path)) : NULL;
  bool builtin = file && !strcmp(file, "/modules.builtin");
  if (!name && !builtin) return 0;
  if (!all->version) all->version = strndup(version, (size_t)(file - version));
  char *bytes = read_all(a, n);
  struct module *m = name && bytes ? add_module(all) : NULL;
  int bad = !all->version || !bytes || (name && !m);
  if (m) m->name = name;
  if (m && keep_info(m, bytes, n)) bad = 1;
  if (!m) free(name);
  if (builtin && !all->builtin)
    all->builtin = bytes;
  else
    free(bytes);
  return bad ? guests_fail("cannot make sense of %s in %s", path, all->deb) : 0;
}

/* --- choosing --- */

/* The next line of .modinfo with this key: its value. *at begins as NULL. */
static const char *next_value(const struct module *m, const char *key, const char **at) {
  size_t n = strlen(key);
  for (const char *s = *at ? *at : m->info; s < m->info + m->info_n; s += strlen(s) + 1) {
    if (strncmp(s, key, n) || s[n] != '=') continue;
    *at = s + strlen(s) + 1;
    return s + n + 1;
  }
  return NULL;
}

static bool is_builtin(const struct modules *all, const char *name) {
  for (const char *s = all->builtin; s && *s;) {
    size_t n = strcspn(s, "\n");
    char *one = guests_module_name(s, n);
    bool same = one && !strcmp(one, name);
    free(one);
    if (same) return true;
    s += n + (s[n] == '\n');
  }
  return false;
}

/* Put a module, and before it what it depends on, into all->order. Recursion ends at modules already there. */
static int need(struct modules *all, const char *name, size_t n) {
  struct module *m = NULL;
  for (size_t i = 0; i < all->n && !m; i++)
    if (strlen(all->module[i].name) == n && !memcmp(all->module[i].name, name, n)) m = &all->module[i];
  if (!m) {
    char *copy = strndup(name, n);
    bool fine = copy && is_builtin(all, copy);
    if (!fine) guests_fail("%s holds no module %s: Debian has changed its packages; please report it", all->deb, copy);
    free(copy);
    return fine ? 0 : 2;
  }
  if (m->needed) return 0;
  m->needed = true;
  const char *at = NULL, *depends = next_value(m, "depends", &at);
  while (depends && *depends) {
    size_t k = strcspn(depends, ",");
    if (k && need(all, depends, k)) return 2;
    depends += k + (depends[k] == ',');
  }
  all->order[all->ordered++] = m;
  return 0;
}

static int choose(struct modules *all, const char *const *wanted) {
  if (!all->n) return guests_fail("%s holds no modules: Debian has changed its packages; please report it", all->deb);
  if (!(all->order = calloc(all->n, sizeof(struct module *)))) return guests_fail("out of memory");
  for (; *wanted; wanted++)
    if (need(all, *wanted, strlen(*wanted))) return 2;
  return 0;
}

/* --- writing --- */

static int put(struct modules *all, const char *name, const char *suffix, mode_t mode, const void *bytes, size_t n) {
  char *path = guests_text("lib/modules/%s%s%s%s", all->version, *name ? "/" : "", name, suffix);
  struct guests_file f = {.path = path, .mode = mode, .bytes = bytes, .n = n};
  int result = path ? guests_image_put(all->to, &f) : guests_fail("out of memory");
  free(path);
  return result;
}

static int put_folders(struct modules *all) {
  static const char *const above[] = {"lib", "lib/modules"};
  for (int i = 0; i < 2; i++) {
    struct guests_file f = {.path = above[i], .mode = S_IFDIR | 0755};
    if (guests_image_put(all->to, &f)) return 2;
  }
  return put(all, "", "", S_IFDIR | 0755, NULL, 0);
}

static int take(void *ctx, struct archive *a, const char *path, size_t n) {
  struct modules *all = ctx;
  char *name = strstr(path, "lib/modules/") ? guests_module_name(path, strlen(path)) : NULL;
  int result = 0;
  for (size_t i = 0; name && i < all->ordered; i++) {
    if (strcmp(all->order[i]->name, name)) continue;
    char *bytes = read_all(a, n);
    result = bytes ? put(all, name, ".ko", S_IFREG | 0644, bytes, n) : guests_fail("cannot unpack %s", all->deb);
    free(bytes);
  }
  free(name);
  return result;
}

static void mark(struct modules *all, const struct module *m) {
  const char *at = NULL, *depends = next_value(m, "depends", &at);
  for (size_t i = 0; depends && i < all->ordered; i++) {
    struct module *other = all->order[i];
    size_t n = strlen(other->name);
    for (const char *s = depends; *s; s += strcspn(s, ","), s += *s == ',')
      if (!other->marked && strcspn(s, ",") == n && !memcmp(s, other->name, n)) {
        other->marked = true;
        mark(all, other);
      }
  }
}

/* "a.ko: b.ko c.ko": all that a needs; what comes later is loaded first. */
static void write_dep(struct modules *all, FILE *dep) {
  for (size_t i = 0; i < all->ordered; i++) {
    for (size_t k = 0; k < all->ordered; k++) all->order[k]->marked = false;
    mark(all, all->order[i]);
    fprintf(dep, "%s.ko:", all->order[i]->name);
    for (size_t k = all->ordered; k--;)
      if (all->order[k]->marked) fprintf(dep, " %s.ko", all->order[k]->name);
    fputc('\n', dep);
  }
}

static void write_alias(struct modules *all, FILE *alias) {
  for (size_t i = 0; i < all->ordered; i++) {
    const char *at = NULL, *s;
    while ((s = next_value(all->order[i], "alias", &at))) fprintf(alias, "alias %s %s\n", s, all->order[i]->name);
  }
}

static int put_table(struct modules *all, const char *name, void (*write)(struct modules *all, FILE *to)) {
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  if (f) write(all, f);
  int bad = !f || ferror(f);
  if (f && fclose(f)) bad = 1;
  int result = bad ? guests_fail("out of memory") : put(all, name, "", S_IFREG | 0644, text, n);
  free(text);
  return result;
}

int guests_modules_write(const char *deb, const char *const *wanted, const char *to) {
  struct modules all = {.deb = deb, .to = archive_write_new()};
  int result = all.to && elf_version(EV_CURRENT) != EV_NONE ? 0 : guests_fail("out of memory");
  if (!result) result = guests_image_each(deb, look_at, &all);
  if (!result) result = choose(&all, wanted);
  if (!result) {
    archive_write_set_format_cpio_newc(all.to);
    archive_write_set_bytes_in_last_block(all.to, 1);
    if (archive_write_open_filename(all.to, to))
      result = guests_fail("cannot write %s: %s", to, archive_error_string(all.to));
  }
  if (!result) result = put_folders(&all);
  if (!result) result = guests_image_each(deb, take, &all);
  if (!result) result = put_table(&all, "modules.dep", write_dep);
  if (!result) result = put_table(&all, "modules.alias", write_alias);
  if (!result && archive_write_close(all.to))
    result = guests_fail("cannot write %s: %s", to, archive_error_string(all.to));
  modules_fini(&all);
  return result;
}
