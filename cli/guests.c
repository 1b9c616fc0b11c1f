/* cli/guests.c: the catalogue of guests, and the cache folder they are kept in. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A fetched guest is a folder <cache>/<name> with kernel, initrd and "info" (the recipe and the
 * packages it came from). It is built aside in <cache>/.new-<name> under an exclusive lock and
 * appears by one rename, so a reader never needs the lock and an interrupted fetch leaves nothing
 * that looks whole; the next one sweeps it away. */
#define _GNU_SOURCE
#include "cli/guests.h"
#include "cli/guests_parts.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define CONSOLE "console=ttyS0"
#define NETBOOT "usr/lib/debian-installer/images/*/malta/"
#define NETBOOT_FILES                                                                                                  \
  {NETBOOT "vmlinu[xz]-*", NETBOOT "initrd.gz"}, {                                                                     \
    "kernel", "initrd"                                                                                                 \
  }
#define BUSYBOX                                                                                                        \
  {                                                                                                                    \
    GUESTS_PACKAGE_NAMED, "busybox-static", {"*bin/busybox"}, {                                                        \
      "busybox"                                                                                                        \
    }                                                                                                                  \
  }

/* Kernel modules, with all they need: what the board's slots are, disks and the file system on them (which wants a
 * checksum by its alias), network cards. */
static const char *const on_malta[] = {"virtio_pci",     "virtio_blk", "ata_piix", "ext4",
                                       "crc32c_generic", "virtio_net", "pcnet32",  NULL};
static const char *const on_disco[] = {"virtio_mmio", "virtio_blk", "ext4", "crc32c_generic", "virtio_net", NULL};

static const char *const for_nfs[] = {"virtio_mmio", "virtio_blk", "ext4",  "crc32c_generic",
                                      "virtio_net",  "nfsd",       "nfsv4", NULL};

enum { PARTS_MAX = 2 };
struct part {
  enum guests_package how;
  const char *package;
  const char *members[2], *as[2]; /* files wanted of it, and their names in the guest's folder */
};
static const struct row {
  const char *name, *about, *arch, *board, *cpu, *append, *from;
  uint32_t mem_mib;
  struct part parts[PARTS_MAX]; /* none: `program` is built by guests/build, in the folder named by `from` */
  const char *const *modules;   /* make initrd out of busybox and these */
  const char *program;
} rows[] = {
    /* clang-format off */
    {"debian-4kc", "Debian's 32-bit kernel with busybox: a shell prompt", "mipsel", "malta", "24Kf", CONSOLE,
     "linux-image-4kc-malta busybox-static", 256,
     {{GUESTS_PACKAGE_DEPENDS, "linux-image-4kc-malta", {"boot/vmlinu[xz]-*"}, {"kernel"}}, BUSYBOX}, on_malta, NULL},
    {"debian-5kc", "Debian's 64-bit kernel with busybox: a shell prompt", "mips64el", "malta", "MIPS64R2-generic", CONSOLE,
     "linux-image-5kc-malta busybox-static", 256,
     {{GUESTS_PACKAGE_DEPENDS, "linux-image-5kc-malta", {"boot/vmlinu[xz]-*"}, {"kernel"}}, BUSYBOX}, on_malta, NULL},
    {"debian-generic32", "Debian's 32-bit kernel for any board, with busybox", "mipsel", "disco", "MIPS32R2-multi", CONSOLE,
     "linux-image-mips32r2el busybox-static", 256,
     {{GUESTS_PACKAGE_DEPENDS, "linux-image-mips32r2el", {"boot/vmlinu[xz]-*"}, {"kernel"}}, BUSYBOX}, on_disco, NULL},
    {"debian-generic64", "Debian's 64-bit kernel for any board, with busybox", "mips64el", "disco", "MIPS64R2-multi", CONSOLE,
     "linux-image-mips64r2el busybox-static", 256,
     {{GUESTS_PACKAGE_DEPENDS, "linux-image-mips64r2el", {"boot/vmlinu[xz]-*"}, {"kernel"}}, BUSYBOX}, on_disco, NULL},
    {"debian-nfs", "the same with the modules of NFS, for server and client", "mips64el", "disco", "MIPS64R2-multi", CONSOLE,
     "linux-image-mips64r2el busybox-static", 256,
     {{GUESTS_PACKAGE_DEPENDS, "linux-image-mips64r2el", {"boot/vmlinu[xz]-*"}, {"kernel"}}, BUSYBOX}, for_nfs, NULL},
    {"debian-installer-4kc", "Debian's installer, 32-bit", "mipsel", "malta", "24Kf", CONSOLE,
     "debian-installer-*-netboot-mipsel", 256,
     {{GUESTS_PACKAGE_NEWEST, "debian-installer-*-netboot-mipsel", NETBOOT_FILES}}, NULL, NULL},
    {"debian-installer-5kc", "Debian's installer, 64-bit", "mips64el", "malta", "MIPS64R2-generic", CONSOLE,
     "debian-installer-*-netboot-mips64el", 512, /* with less it starts in its low-memory mode */
     {{GUESTS_PACKAGE_NEWEST, "debian-installer-*-netboot-mips64el", NETBOOT_FILES}}, NULL, NULL},
    {"own-mips32el", "the small kernel of guests/kernel, 32-bit little-endian", "mipsel", "malta", "24Kf", "",
     "mips32r2el", 64, {{0}}, NULL, "kernel"},
    {"own-mips32eb", "the small kernel of guests/kernel, 32-bit big-endian", "mips", "malta", "24Kf", "",
     "mips32r2eb", 64, {{0}}, NULL, "kernel"},
    {"own-mips64el", "the small kernel of guests/kernel, 64-bit little-endian", "mips64el", "malta", "MIPS64R2-generic", "",
     "mips64r2el", 64, {{0}}, NULL, "kernel"},
    {"own-mips64eb", "the small kernel of guests/kernel, 64-bit big-endian", "mips64", "malta", "MIPS64R2-generic", "",
     "mips64r2eb", 64, {{0}}, NULL, "kernel"},
    {"splash-radix", "a radix sort on a library OS, for 1 to 16 vcpus", "mips64el", "disco", "MIPS64R2-multi", "",
     "mips64r2el", 256, {{0}}, NULL, "splash-radix"},
    {"splash-raytrace", "a ray tracer on a library OS, for 1 to 16 vcpus", "mips64el", "disco", "MIPS64R2-multi", "",
     "mips64r2el", 256, {{0}}, NULL, "splash-raytrace"},
    /* clang-format on */
};
enum { ROWS = sizeof rows / sizeof *rows };

/* --- words --- */

static void say(const char *fmt, va_list args) {
  flockfile(stderr);
  fputs("mirrorball: ", stderr);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
  funlockfile(stderr);
}

int guests_fail(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  say(fmt, args);
  va_end(args);
  return 2;
}

void guests_say(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  if (!getenv("MIRRORBALL_QUIET")) say(fmt, args);
  va_end(args);
}

char *guests_text(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char *s = NULL;
  if (vasprintf(&s, fmt, args) < 0) s = NULL;
  va_end(args);
  return s;
}

/* --- places --- */

/* The checkout this program was built in: the nearest folder above it that has guests/build. NULL
 * when installed. */
static char *checkout(void) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0) return NULL;
  path[n] = 0;
  for (char *slash; (slash = strrchr(path, '/')) && slash != path;) {
    *slash = 0;
    char *mark = guests_text("%s/guests/build", path);
    int found = mark && !access(mark, X_OK);
    free(mark);
    if (found) return strdup(path);
  }
  return NULL;
}

char *guests_folder(void) {
  const char *s = getenv("MIRRORBALL_CACHE");
  if (s && *s == '/') return strdup(s);
  if (s && *s) {
    char *cwd = getcwd(NULL, 0), *path = cwd ? guests_text("%s/%s", cwd, s) : NULL;
    free(cwd);
    return path;
  }
  char *top = checkout();
  if (top) {
    char *path = guests_text("%s/cache", top);
    free(top);
    return path;
  }
  if ((s = getenv("XDG_CACHE_HOME")) && *s == '/') return guests_text("%s/mirrorball/guests", s);
  return (s = getenv("HOME")) ? guests_text("%s/.cache/mirrorball/guests", s) : NULL;
}

/* Make a folder and those above it. Returns 0, or -1 with errno. */
static int make_folder(const char *path) {
  char *p = strdup(path);
  if (!p) return -1;
  int r = 0;
  for (char *s = p + 1; *s && !r; s++)
    if (*s == '/') {
      *s = 0;
      if (mkdir(p, 0755) && errno != EEXIST) r = -1;
      *s = '/';
    }
  if (!r && mkdir(p, 0755) && errno != EEXIST) r = -1;
  free(p);
  return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st, (void)type, (void)at;
  return remove(path);
}
/* Remove a folder and all in it. */
static void remove_tree(const char *path) {
  nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Under the lock: remove what an interrupted fetch has left. */
static void sweep(const char *folder) {
  DIR *d = opendir(folder);
  for (struct dirent *e; d && (e = readdir(d));) {
    if (strncmp(e->d_name, ".new-", 5) && strncmp(e->d_name, ".old-", 5)) continue;
    char *path = guests_text("%s/%s", folder, e->d_name);
    if (path) remove_tree(path);
    free(path);
  }
  if (d) closedir(d);
}

/* Where guests/build puts (and looks for) the project's own guests. */
static char *own_folder(void) {
  const char *s = getenv("MIRRORBALL_GUESTS");
  if (s && *s) return strdup(s);
  char *top = checkout(), *path = top ? guests_text("%s/build/guests", top) : NULL;
  free(top);
  return path;
}

/* --- the catalogue --- */

static const struct row *find_row(const char *name) {
  for (size_t i = 0; i < ROWS; i++)
    if (!strcmp(rows[i].name, name)) return &rows[i];
  guests_fail("no guest is called \"%s\": `mirrorball guests list` shows the names", name);
  return NULL;
}

static bool own(const struct row *row) {
  return !row->parts[0].package;
}

/* The line of a whole guest's info file that ties it to this program's way of making it. */
static char *recipe_line(const struct row *row) {
  return guests_text("recipe %08x\n", row->modules ? guests_image_recipe(row->modules) : 0);
}

static bool recipe_matches(const struct row *row, const char *folder) {
  char *path = guests_text("%s/%s/info", folder, row->name), *want = recipe_line(row), line[64] = "";
  FILE *in = path ? fopen(path, "r") : NULL;
  bool same = in && want && fgets(line, sizeof line, in) && !strcmp(line, want);
  if (in) fclose(in);
  free(want);
  free(path);
  return same;
}

static int describe(const struct row *row, struct guest *out) {
  *out = (struct guest){.name = row->name,
                        .about = row->about,
                        .arch = row->arch,
                        .board = row->board,
                        .cpu = row->cpu,
                        .append = row->append,
                        .from = row->from,
                        .command = row->modules                                      ? GUEST_COMMAND_QUOTED
                                   : row->program && !strcmp(row->program, "kernel") ? GUEST_COMMAND_COMMAS
                                                                                     : GUEST_COMMAND_NONE,
                        .mem_mib = row->mem_mib};
  char *folder = own(row) ? own_folder() : guests_folder();
  if (own(row)) {
    out->kernel = guests_text("%s/%s/%s", folder ? folder : "build/guests", row->from, row->program);
    out->present = out->kernel && !access(out->kernel, R_OK);
  } else if (folder) {
    out->kernel = guests_text("%s/%s/kernel", folder, row->name);
    out->initrd = guests_text("%s/%s/initrd", folder, row->name);
    out->debug = row->modules ? guests_text("%s/%s/vmlinux", folder, row->name) : NULL;
    out->present = out->kernel && out->initrd && !access(out->kernel, R_OK) && !access(out->initrd, R_OK) &&
                   recipe_matches(row, folder);
  }
  free(folder);
  if (out->kernel) return 0;
  guests_free(out);
  return guests_fail("no folder to keep guests in: set MIRRORBALL_CACHE");
}

bool guests_row(size_t i, struct guest *out) {
  *out = (struct guest){0};
  return i < ROWS && !describe(&rows[i], out);
}

int guests_find(const char *name, struct guest *out) {
  *out = (struct guest){0};
  const struct row *row = find_row(name);
  return row ? describe(row, out) : 2;
}

void guests_free(struct guest *g) {
  free(g->kernel);
  free(g->initrd);
  free(g->debug);
  *g = (struct guest){0};
}

/* --- making them --- */

/* Take the cache's lock; returns its descriptor, or -1 after one line on stderr. */
static int lock(const char *folder) {
  char *path = guests_text("%s/.lock", folder);
  int fd = path && !make_folder(folder) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (fd < 0)
    guests_fail("cannot write in %s (%s): set MIRRORBALL_CACHE to a folder that can be written", folder,
                strerror(errno));
  free(path);
  if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB)) return fd;
  guests_say("waiting for another mirrorball that is fetching guests");
  while (flock(fd, LOCK_EX))
    if (errno != EINTR) {
      guests_fail("cannot lock %s: %s", folder, strerror(errno));
      close(fd);
      return -1;
    }
  return fd;
}

/* Fetch one package of a guest and take its files out, noting name and version in info. */
static int fetch_part(const struct row *row, const struct part *part, const char *apt, const char *made, FILE *info) {
  char *package = guests_apt_resolve(apt, part->how, part->package), *deb = NULL;
  int result = 2;
  if (!package || !(deb = guests_apt_download(apt, package, made))) goto done;
  for (size_t i = 0; i < 2 && part->members[i]; i++) {
    char *to = guests_text("%s/%s", made, part->as[i]);
    int bad = !to || guests_image_extract(deb, part->members[i], to);
    free(to);
    if (bad) goto done;
  }
  bool is_kernel = !strcmp(part->as[0], "kernel");
  if (row->modules && is_kernel && guests_image_modules(deb, row->modules, made)) goto done;
  fprintf(info, "package %s\n", strrchr(deb, '/') + 1);
  result = unlink(deb) ? guests_fail("cannot remove %s: %s", deb, strerror(errno)) : 0;
done:
  free(package);
  free(deb);
  return result;
}

static int make_parts(const struct row *row, const char *apt, const char *made, FILE *info) {
  if (guests_apt_update(apt, row->arch)) return 2;
  for (size_t i = 0; i < PARTS_MAX && row->parts[i].package; i++)
    if (guests_stopped || fetch_part(row, &row->parts[i], apt, made, info)) return 2;
  return 0;
}

static int make_initrd(const struct row *row, const char *made) {
  if (!row->modules) return 0;
  char *to = guests_text("%s/initrd", made);
  int result = to ? guests_image_initramfs(made, to) : 2;
  free(to);
  return result;
}

/* Put the finished folder in the guest's place. */
static int publish(const char *made, const char *place, const char *old) {
  if (rename(place, old) && errno != ENOENT) return guests_fail("cannot replace %s: %s", place, strerror(errno));
  if (rename(made, place)) return guests_fail("cannot create %s: %s", place, strerror(errno));
  remove_tree(old);
  return 0;
}

/* Under the lock: fetch the guest into the cache. */
static int fetch(const struct row *row, const char *folder) {
  char *made = guests_text("%s/.new-%s", folder, row->name), *old = guests_text("%s/.old-%s", folder, row->name);
  char *place = guests_text("%s/%s", folder, row->name), *apt = guests_text("%s/apt-%s", folder, row->arch);
  char *path = guests_text("%s/info", made ? made : ""), *recipe = recipe_line(row);
  int result = 2;
  FILE *info = NULL;
  if (!made || !old || !place || !apt || !path || !recipe) {
    guests_fail("out of memory");
    goto done;
  }
  sweep(folder);
  if (make_folder(made) || !(info = fopen(path, "w"))) {
    guests_fail("cannot write in %s: %s", made, strerror(errno));
    goto done;
  }
  fputs(recipe, info);
  if (make_parts(row, apt, made, info) || make_initrd(row, made)) goto done;
  int bad = ferror(info);
  if (fclose(info) | bad) {
    info = NULL;
    guests_fail("cannot write %s: %s", path, strerror(errno));
    goto done;
  }
  info = NULL;
  if (!(result = publish(made, place, old))) guests_say("%s is ready in %s", row->name, place);
done:
  if (info) fclose(info);
  if (result && made) remove_tree(made);
  if (apt) guests_apt_tidy(apt);
  free(made), free(old), free(place), free(apt), free(path), free(recipe);
  return result;
}

/* Build one own guest with guests/build, which says what is missing. */
static int build_own(const struct row *row) {
  char *top = checkout(), *script = top ? guests_text("%s/guests/build", top) : NULL, *folder = own_folder();
  int result = 2, status = 0;
  pid_t pid;
  if (!script || !folder) {
    guests_fail("%s is built from mirrorball's sources: run this from a checkout, or set "
                "MIRRORBALL_GUESTS to a "
                "folder filled by guests/build",
                row->name);
    goto done;
  }
  char *argv[] = {script, folder, (char *)row->from, (char *)row->program, NULL};
  int error = posix_spawn(&pid, script, NULL, NULL, argv, environ);
  if (error) {
    guests_fail("cannot run %s: %s", script, strerror(error));
    goto done;
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && !WEXITSTATUS(status)) result = 0;
done:
  free(top), free(script), free(folder);
  return result;
}

volatile sig_atomic_t guests_stopped, guests_child;
static void stop(int sig) {
  guests_stopped = sig;
  if (guests_child) kill(guests_child, sig);
}

/* fetch(), with the signals that end it turned into an orderly failure. */
static int fetch_stoppable(const struct row *row, const char *folder,
                           int (*fetch_it)(const struct row *row, const char *folder)) {
  static const int signals[] = {SIGINT, SIGTERM};
  struct sigaction ours = {.sa_handler = stop, .sa_flags = SA_RESTART}, before[2];
  guests_stopped = 0;
  for (size_t i = 0; i < 2; i++) sigaction(signals[i], &ours, &before[i]);
  int result = fetch_it(row, folder);
  for (size_t i = 0; i < 2; i++) sigaction(signals[i], &before[i], NULL);
  if (guests_stopped) raise((int)guests_stopped); /* cleaned up: now end as asked */
  return result;
}

/* The kernel's package as `NAME-dbg=VERSION`, from the info file; NULL after one line on stderr. */
static char *debug_package(const struct row *row, const char *folder) {
  char *path = guests_text("%s/%s/info", folder, row->name), *wanted = NULL, line[256], name[128], version[96];
  FILE *in = path ? fopen(path, "r") : NULL;
  while (in && !wanted && fgets(line, sizeof line, in))
    if (sscanf(line, "package %127[^_\n]_%95[^_\n]_", name, version) == 2 && !strncmp(name, "linux-image-", 12))
      wanted = guests_text("%s-dbg=%s", name, version);
  if (in) fclose(in);
  free(path);
  if (!wanted)
    guests_fail("it is not known which package %s is of: mirrorball guests get %s --refresh", row->name, row->name);
  return wanted;
}

/* Put what was made beside the kernel; vmlinux comes last: with it, all is there. */
static int publish_debug(const char *made, const char *place) {
  static const char *const names[] = {"modules", "vmlinux"};
  int result = 0;
  for (int i = 0; !result && i < 2; i++) {
    char *from = guests_text("%s/%s", made, names[i]), *to = guests_text("%s/%s", place, names[i]);
    if (!i && to) remove_tree(to);
    result = !from || !to       ? guests_fail("out of memory")
             : rename(from, to) ? guests_fail("cannot create %s: %s", to, strerror(errno))
                                : 0;
    free(from), free(to);
  }
  return result;
}

/* Under the lock: fetch what the kernel's debug information is in, beside the kernel. */
static int fetch_debug(const struct row *row, const char *folder) {
  char *made = guests_text("%s/.new-%s-dbg", folder, row->name), *apt = guests_text("%s/apt-%s", folder, row->arch);
  char *place = guests_text("%s/%s", folder, row->name), *initrd = guests_text("%s/initrd", place ? place : "");
  char *package = debug_package(row, folder), *deb = NULL;
  int result = 2;
  sweep(folder);
  if (!made || !apt || !place || !initrd)
    guests_fail("out of memory");
  else if (package && make_folder(made))
    guests_fail("cannot write in %s: %s", made, strerror(errno));
  else if (package && !guests_apt_update(apt, row->arch) && (deb = guests_apt_download(apt, package, made)) &&
           !guests_debug_take(deb, initrd, made))
    result = publish_debug(made, place);
  if (made) remove_tree(made);
  if (apt) guests_apt_tidy(apt);
  free(made), free(apt), free(place), free(initrd), free(package), free(deb);
  return result;
}

/* Has it been fetched? Not so by a program that did not keep modules. */
static bool has_debug(const struct guest *g) {
  char *modules = guests_text("%.*smodules", (int)(strrchr(g->debug, '/') + 1 - g->debug), g->debug);
  const bool has = modules && !access(g->debug, R_OK) && !access(modules, R_OK);
  free(modules);
  return has;
}

static int make(const struct row *row, bool refresh) {
  if (own(row)) return build_own(row);
  char *folder = guests_folder();
  int fd = folder ? lock(folder) : -1, result = 2;
  if (fd >= 0) {
    struct guest now; /* somebody may have made it while we waited */
    result = describe(row, &now);
    if (!result && (refresh || !now.present)) result = fetch_stoppable(row, folder, fetch);
    guests_free(&now);
    close(fd);
  }
  free(folder);
  return result;
}

int guests_get(const char *name, bool refresh, struct guest *out) {
  *out = (struct guest){0};
  const struct row *row = find_row(name);
  if (!row || describe(row, out)) return 2;
  if (out->present && !refresh) return 0;
  guests_free(out);
  if (make(row, refresh) || describe(row, out)) return 2;
  if (out->present) return 0;
  guests_fail("%s is not whole after it was made: remove %s and try again", name, out->kernel);
  guests_free(out);
  return 2;
}

int guests_get_debug(const char *name, struct guest *out) {
  if (guests_get(name, false, out)) return 2;
  const struct row *row = find_row(name);
  char *folder = out->debug ? guests_folder() : NULL;
  int result = 2, fd = -1;
  if (!out->debug)
    guests_fail("%s: Debian has no debug information of it to fetch", name);
  else if (has_debug(out))
    result = 0;
  else if (folder && (fd = lock(folder)) >= 0)
    result = fetch_stoppable(row, folder, fetch_debug);
  if (fd >= 0) close(fd);
  free(folder);
  if (result) guests_free(out);
  return result;
}
