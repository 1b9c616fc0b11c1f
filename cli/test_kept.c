/* cli/test_kept.c: booted once, tested often: checkpoints of guests whose shell has come up. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint is known by a digest of all that decides a boot: this program, and of each VM the kernel, the initrd
 * with the scenario's files, and what it is made of. Beside it is what the consoles had shown. A run from it is the run
 * from power-on, so it is kept only of machines of which that holds to the bit: disks would be known by names that do
 * not last, NAT begins anew, and coverage and checks are of a whole run. */
#define _GNU_SOURCE
#include "cli/guests_parts.h"
#include "cli/test_parts.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define KEPT_BYTES ((uint64_t)2 << 30) /* of all checkpoints; the oldest go */

/* --- the key --- */

static bool add_file(XXH3_state_t *h, const char *path) {
  struct stat st;
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  bool good = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size;
  void *bytes = good ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  if (fd >= 0) close(fd);
  if (bytes == MAP_FAILED) return false;
  XXH3_128bits_update(h, &st.st_size, sizeof st.st_size);
  XXH3_128bits_update(h, bytes, (size_t)st.st_size);
  munmap(bytes, (size_t)st.st_size);
  return true;
}

static void add_text(XXH3_state_t *h, const char *text) {
  if (!text) text = "";
  XXH3_128bits_update(h, text, strlen(text) + 1);
}

static void add_number(XXH3_state_t *h, uint64_t n) {
  XXH3_128bits_update(h, &n, sizeof n);
}

static void add_nets(XXH3_state_t *h, const struct mb_config *c) {
  add_number(h, c->nets);
  for (unsigned i = 0; i < c->nets; i++) {
    add_number(h, c->net[i].kind);
    add_number(h, c->net[i].card);
    add_text(h, c->net[i].subnet);
  }
}

static bool add_boot(XXH3_state_t *h, const struct test_vm *v) {
  const struct request *r = v->request;
  const struct mb_config *c = &r->config;
  add_text(h, c->board);
  add_text(h, c->cpu);
  add_text(h, c->append);
  add_text(h, c->name);
  add_text(h, v->said->prompt);
  add_number(h, c->vcpus);
  add_number(h, c->memory);
  add_number(h, c->mhz);
  add_number(h, c->endian);
  add_number(h, c->l2tlb);
  add_number(h, (uint64_t)c->rtc_start);
  add_number(h, c->seed);
  add_number(h, r->has_raw);
  add_number(h, r->raw.load);
  add_number(h, r->raw.entry);
  add_nets(h, c);
  return add_file(h, r->kernel) && (!r->initrd || add_file(h, r->initrd));
}

static bool add_boots(XXH3_state_t *h, const struct test_going *t) {
  bool good = add_file(h, "/proc/self/exe");
  add_number(h, t->s->vms);
  for (size_t i = 0; good && i < t->s->vms; i++) good = add_boot(h, &t->vm[i]);
  for (size_t i = 0; i < t->s->steps; i++) /* whose shells are up */
    if (t->s->step[i].kind == STEP_RUN) add_number(h, t->s->step[i].vm);
  return good;
}

static bool lasts(const struct mb_config *c) {
  bool nat = false, pins = false;
  for (unsigned i = 0; i < c->nets; i++) nat |= c->net[i].kind == MB_NET_NAT;
  for (unsigned i = 0; i < MB_PINS_MAX; i++) pins |= c->pin[i] != 0;
  return !c->profile_every && !c->profile_exact && !c->disks && !nat && !pins && !c->coverage && !c->events &&
         !c->check;
}

char *test_kept_path(const struct test_going *t) {
  bool may = !t->test->fresh && !t->test->record && !t->test->run.machine.numa;
  for (size_t i = 0; i < t->s->vms; i++) may = may && lasts(&t->vm[i].request->config);
  if (!may || !t->s->steps || t->s->step[0].kind != STEP_RUN) return NULL;
  char *folder = guests_folder(), *path = NULL;
  XXH3_state_t *h = XXH3_createState();
  if (folder && h && !XXH3_128bits_reset(h) && add_boots(h, t)) {
    XXH128_hash_t d = XXH3_128bits_digest(h);
    path = guests_text("%s/checkpoints/%016" PRIx64 "%016" PRIx64, folder, (uint64_t)d.high64, (uint64_t)d.low64);
  }
  XXH3_freeState(h);
  free(folder);
  return path;
}

/* --- using it --- */

/* Of each console: from where on its next text may be waited for, as a number, and a blank; what it had shown; a zero.
 */
static bool feed(struct test_console *c, char **at, const char *end) {
  const struct mb_console host = test_console_host(c);
  char *text;
  size_t from = strtoul(*at, &text, 10);
  if (*text++ != ' ') return false;
  for (; text < end && *text; text++) (void)host.watch(host.ctx, (uint8_t)*text);
  *at = text + 1;
  c->from = from;
  return text < end && from <= c->all.n && !c->complaint && !c->lost; /* a complaint would have ended it earlier */
}

static bool feed_all(struct test_going *t, const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && !fstat(fd, &st) && st.st_size;
  char *text = good ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED, *at = text;
  if (fd >= 0) close(fd);
  if (text == MAP_FAILED) return false;
  const char *end = text + st.st_size;
  good = !end[-1]; /* numbers end before the file does */
  for (size_t i = 0; good && i < t->s->vms; i++) good = at < end && feed(&t->vm[i].console, &at, end);
  munmap(text, (size_t)st.st_size);
  return good;
}

/* Empty the consoles, and give the machine's place to another. */
static bool start_over(struct test_going *t) {
  bool good = true;
  mb_machine_free(t->m);
  t->m = NULL;
  for (size_t i = 0; i < t->s->vms; i++) {
    test_console_fini(&t->vm[i].console);
    good = test_console_init(&t->vm[i].console, t->vm[i].said) && good;
  }
  return good && !mb_machine_new(&t->m, &t->test->run.machine);
}

/* The VMs are as many as there should be, and know their symbols. */
static bool has_all(struct test_going *t) {
  struct mb_vm *vm;
  for (size_t i = 0; i < t->s->vms; i++) {
    const struct request *r = t->vm[i].request;
    if (!(vm = mb_vm_at(t->m, i)) || (r->symbols && mb_load_symbols(vm, r->symbols_file)) || boot_debug_info(vm, r))
      return false;
    /* The kernel's own names, if it brings any: a checkpoint has none. */
    if (!r->symbols && mb_load_symbols(vm, r->kernel)) continue;
  }
  return !mb_vm_at(t->m, t->s->vms);
}

bool test_kept_restore(struct test_going *t, const char *path) {
  char *file = guests_text("%s.mb", path), *text = guests_text("%s.txt", path);
  bool there = file && text && !access(file, R_OK);
  bool good = there && feed_all(t, text) && !mb_machine_restore(t->m, file, &t->vm->request->config) && has_all(t);
  if (good) utimensat(AT_FDCWD, file, NULL, 0); /* the last to go */
  if (there && !good && !start_over(t)) t->ours = true;
  free(file);
  free(text);
  return good;
}

/* --- keeping it --- */

static uint64_t find_oldest(const char *folder, char **oldest) {
  uint64_t bytes = 0;
  struct timespec least = {0};
  struct stat st;
  DIR *d = opendir(folder);
  for (struct dirent *e; d && (e = readdir(d));) {
    char *path = strstr(e->d_name, ".mb") ? guests_text("%s/%s", folder, e->d_name) : NULL;
    if (!path || stat(path, &st)) {
      free(path);
      continue;
    }
    bytes += (uint64_t)st.st_blocks * 512;
    bool older = !*oldest || st.st_mtim.tv_sec < least.tv_sec ||
                 (st.st_mtim.tv_sec == least.tv_sec && st.st_mtim.tv_nsec < least.tv_nsec);
    if (older) least = st.st_mtim;
    free(older ? *oldest : path);
    if (older) *oldest = path;
  }
  if (d) closedir(d);
  return bytes;
}

/* With its text. */
static bool remove_kept(const char *file) {
  char *text = guests_text("%.*s.txt", (int)(strrchr(file, '.') - file), file);
  bool removed = !unlink(file);
  if (text) unlink(text);
  free(text);
  return removed;
}

static void make_room(const char *folder) {
  for (bool done = false; !done;) {
    char *oldest = NULL;
    done = find_oldest(folder, &oldest) <= KEPT_BYTES || !oldest || !remove_kept(oldest);
    free(oldest);
  }
}

static bool write_text(const struct test_going *t, const char *path) {
  FILE *f = fopen(path, "we");
  bool good = f;
  for (size_t i = 0; good && i < t->s->vms; i++) {
    const struct test_console *c = &t->vm[i].console;
    good = fprintf(f, "%zu ", c->from) > 0 && fwrite(c->all.bytes, 1, c->all.n + 1, f) == c->all.n + 1;
  }
  return f && !fclose(f) && good;
}

void test_kept_save(struct test_going *t, const char *path) {
  char *mb = guests_text("%s.mb", path), *txt = guests_text("%s.txt", path);
  char *new_mb = guests_text("%s.%d.mb", path, (int)getpid()), *new_txt = guests_text("%s.%d.txt", path, (int)getpid());
  char *folder = strdup(path);
  if (folder) *strrchr(folder, '/') = 0;
  if (folder && mb && txt && new_mb && new_txt && (!mkdir(folder, 0755) || errno == EEXIST)) {
    /* The text first: a checkpoint that is there has its text. */
    if (!write_text(t, new_txt) || mb_machine_save(t->m, new_mb, NULL) || rename(new_txt, txt) || rename(new_mb, mb)) {
      unlink(new_txt);
      unlink(new_mb);
    }
    make_room(folder);
  }
  free(mb), free(txt), free(new_mb), free(new_txt), free(folder);
}
