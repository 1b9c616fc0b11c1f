/* cli/guests_apt.c: Debian packages for MIPS, through an apt of our own. */
/* SPDX-License-Identifier: Apache-2.0 */
/* One folder per architecture holds configuration, lists and an empty dpkg status. Sources are the
 * host's own (same mirrors, same proxy), but only those that say they are Debian's, and a pin
 * refuses packages whose signed Release file does not say "Origin: Debian". When the host's suite
 * does not serve the architecture, the archive's standing suite names are tried. Signatures and
 * checksums are apt's business and always on. */
#define _GNU_SOURCE
#include "cli/guests_parts.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Suites to try, in order; NULL stands for what the host's sources say. */
static const char *const suites[] = {NULL, "stable", "oldstable", "oldoldstable"};
/* Host settings that decide whether and how the archive is reached. */
static const char *const kept_settings[] = {"Acquire::http*",  "Acquire::https*",  "Acquire::Retries*",
                                            "Acquire::Force*", "Acquire::Check-*", "Acquire::Max-*",
                                            "Acquire::Min-*",  "Acquire::socks*"};
static const char keyring[] = "/usr/share/keyrings/debian-archive-keyring.gpg"; /* Debian's place for it */

enum { LINES_MAX = 4096 };

struct spawned {
  const char *config; /* APT_CONFIG, NULL for the host's own apt */
  const char *log;    /* where messages go, NULL for nowhere */
  const char *folder; /* working folder, NULL for this one */
  const char *label;  /* with it, report progress under this name */
};

/* Environment of a child: plain messages and, when asked, our apt configuration. NULL when memory
 * is out. */
static char **child_environment(const char *config, char **config_entry) {
  size_t n = 0, kept = 0;
  while (environ[n]) n++;
  char **env = calloc(n + 4, sizeof *env);
  *config_entry = config ? guests_text("APT_CONFIG=%s", config) : NULL;
  if (!env || (config && !*config_entry)) return free(env), NULL;
  for (size_t i = 0; i < n; i++)
    if (strncmp(environ[i], "LC_ALL=", 7) && (!config || strncmp(environ[i], "APT_CONFIG=", 11)))
      env[kept++] = environ[i];
  env[kept++] = (char *)"LC_ALL=C";
  if (config) env[kept] = *config_entry;
  return env;
}

/* Progress lines of apt ("dlstatus:1:37.5:...") as ours: rewritten in place on a terminal, every
 * ten seconds else. */
static void show_progress(const char *label, char *line, time_t *last) {
  char *percent = NULL;
  if (strncmp(line, "dlstatus:", 9) || !(percent = strchr(line + 9, ':'))) return;
  int tty = isatty(STDERR_FILENO);
  time_t now = time(NULL);
  if (now - *last < (tty ? 1 : 10)) return;
  *last = now;
  if (tty)
    fprintf(stderr, "\rmirrorball: %s: %3d %%\033[K", label, atoi(percent + 1));
  else
    guests_say("%s: %d %%", label, atoi(percent + 1));
}

/* Start argv with its standard output (or, with a label, apt's status lines) on the returned
 * descriptor. */
static int start(const struct spawned *how, char *const argv[], pid_t *pid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return -1;
  char *entry = NULL, **env = child_environment(how->config, &entry);
  posix_spawn_file_actions_t fa;
  int error = env ? posix_spawn_file_actions_init(&fa) : ENOMEM;
  if (!error) {
    const char *log = how->log ? how->log : "/dev/null";
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&fa, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&fa, how->label ? 2 : ends[1], 1);
    if (how->label) posix_spawn_file_actions_adddup2(&fa, ends[1], 3);
    if (how->folder) posix_spawn_file_actions_addchdir_np(&fa, how->folder);
    error = posix_spawnp(pid, argv[0], &fa, NULL, argv, env);
    posix_spawn_file_actions_destroy(&fa);
  }
  free(env);
  free(entry);
  close(ends[1]);
  if (error) {
    close(ends[0]);
    errno = error;
    return -1;
  }
  return ends[0];
}

/* Run argv, its output lines into lines[] (freed by lines_free) when given. Returns the exit code,
 * -1 if it cannot be started (errno says why). */
static int run(const struct spawned *how, char *const argv[], char **lines, size_t *n) {
  pid_t pid;
  int fd = start(how, argv, &pid);
  if (fd < 0) return -1;
  guests_child = pid;
  FILE *in = fdopen(fd, "r");
  char *line = NULL;
  size_t room = 0;
  time_t begun = time(NULL), last = begun;
  while (in && getline(&line, &room, in) > 0) {
    line[strcspn(line, "\n")] = 0;
    if (how->label) show_progress(how->label, line, &last);
    if (lines && *n < LINES_MAX && (lines[*n] = strdup(line))) ++*n;
  }
  free(line);
  if (in) fclose(in);
  if (how->label && last != begun && isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  guests_child = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void lines_free(char **lines, size_t n) {
  for (size_t i = 0; i < n; i++) free(lines[i]);
}

/* The first error apt wrote to its log, without the "E: "; owned by the caller. */
static char *first_error(const char *log) {
  FILE *in = fopen(log, "r");
  char *line = NULL, *found = NULL;
  size_t room = 0;
  while (in && !found && getline(&line, &room, in) > 0) {
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "E: ", 3)) found = strdup(line + 3);
  }
  free(line);
  if (in) fclose(in);
  return found;
}

/* Say why apt failed and what to do about it; returns 2. */
static int apt_failed(const char *apt, const char *what, int code) {
  if (code == -1)
    return guests_fail("cannot start apt (%s): Debian's guests need a Debian-like host; the own-* guests do not",
                       strerror(errno));
  if (guests_stopped) return guests_fail("interrupted: nothing was changed");
  char *log = guests_text("%s/log", apt), *why = log ? first_error(log) : NULL;
  bool full = why && strstr(why, strerror(ENOSPC));
  guests_fail("%s failed: %s (%s, then run the same command again; all of apt's messages: %s)", what,
              why ? why : "apt gave no reason",
              full ? "free some space, or set MIRRORBALL_CACHE to a roomier folder" : "check the network and its proxy",
              log ? log : apt);
  free(why);
  free(log);
  return 2;
}

/* The value of one "Field: value" line of `apt-get indextargets`, or NULL. */
static const char *field(const char *line, const char *name) {
  size_t n = strlen(name);
  return strncmp(line, name, n) || line[n] != ':' ? NULL : line + n + 1 + strspn(line + n + 1, " ");
}

/* Write one source when it is Debian's: the Release file says so, or (never fetched) a Debian
 * keyring must sign it. */
static void put_source(FILE *out, const char *uri, const char *release, const char *origin, const char *signed_by,
                       const char *suite) {
  bool debian = origin ? !strcmp(origin, "Debian") : signed_by && strstr(signed_by, "debian-archive");
  if (!uri || !release || !debian) return;
  const char *security = strstr(release, "-security");
  if (suite && strchr(release, '-') && !security) return; /* -updates, -backports: of the host's suite only */
  fprintf(out, "Types: deb\nURIs: %s\nSuites: %s%s\nComponents: main\n", uri, suite ? suite : release,
          suite && security ? "-security" : "");
  if (signed_by && signed_by[0] == '/')
    fprintf(out, "Signed-By: %s\n\n", signed_by);
  else if (!access(keyring, R_OK))
    fprintf(out, "Signed-By: %s\n\n", keyring);
  else
    fputc('\n', out);
}

/* Copy the host's Debian sources into ours, with the suite replaced when one is given. Returns how
 * many. */
static int copy_sources(FILE *out, const char *suite) {
  char *lines[LINES_MAX], *argv[] = {(char *)"apt-get", (char *)"indextargets", (char *)"Created-By: Packages", NULL};
  const char *uri = NULL, *release = NULL, *origin = NULL, *signed_by = NULL, *component = NULL, *v;
  size_t n = 0;
  int code = run(&(struct spawned){0}, argv, lines, &n);
  if (code) return lines_free(lines, n), code == -1 || code == 127 ? -1 : 0;
  long before = ftell(out);
  for (size_t i = 0; i <= n; i++) {
    if (i == n || !*lines[i]) { /* one target ends */
      if (component && !strcmp(component, "main")) put_source(out, uri, release, origin, signed_by, suite);
      uri = release = origin = signed_by = component = NULL;
      continue;
    }
    if ((v = field(lines[i], "Repo-URI"))) uri = v;
    if ((v = field(lines[i], "Release"))) release = v;
    if ((v = field(lines[i], "Origin")) && *v) origin = v;
    if ((v = field(lines[i], "Signed-By")) && *v) signed_by = v;
    if ((v = field(lines[i], "Component"))) component = v;
  }
  lines_free(lines, n);
  return ftell(out) > before;
}

/* Copy the host's proxy and network settings. */
static void copy_settings(FILE *out) {
  char *lines[LINES_MAX], *argv[] = {(char *)"apt-config", (char *)"dump", NULL};
  size_t n = 0;
  run(&(struct spawned){0}, argv, lines, &n);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sizeof kept_settings / sizeof *kept_settings; k++)
      if (!fnmatch(kept_settings[k], lines[i], FNM_CASEFOLD)) {
        fprintf(out, "%s\n", lines[i]);
        break;
      }
  lines_free(lines, n);
}

static FILE *create(const char *folder, const char *name) {
  char *path = guests_text("%s/%s", folder, name);
  FILE *out = path ? fopen(path, "w") : NULL;
  if (!out) guests_fail("cannot write %s/%s: %s", folder, name, strerror(errno));
  free(path);
  return out;
}

/* Close a written file; returns 0, or 2 after one line on stderr. */
static int finish(FILE *out, const char *folder, const char *name) {
  int bad = ferror(out);
  if (fclose(out) || bad) return guests_fail("cannot write %s/%s: %s", folder, name, strerror(errno));
  return 0;
}

static int write_configuration(const char *apt, const char *arch) {
  static const char *const folders[] = {
      "", "/lists", "/lists/partial", "/cache", "/cache/archives", "/cache/archives/partial", "/empty"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char *path = guests_text("%s%s", apt, folders[i]);
    int bad = !path || (mkdir(path, 0755) && errno != EEXIST);
    free(path);
    if (bad) return guests_fail("cannot create %s%s: %s", apt, folders[i], strerror(errno));
  }
  FILE *out = create(apt, "status");
  if (!out || finish(out, apt, "status")) return 2;
  if (!(out = create(apt, "preferences"))) return 2;
  fputs("Package: *\nPin: release o=Debian\nPin-Priority: 500\n\nPackage: *\nPin: release "
        "o=*\nPin-Priority: -1\n",
        out);
  if (finish(out, apt, "preferences") || !(out = create(apt, "apt.conf"))) return 2;
  fputs("Acquire::http::Timeout \"20\";\nAcquire::https::Timeout \"20\";\n", out);
  copy_settings(out);
  fprintf(out,
          "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\n"
          "Dir::State \"%s\";\nDir::State::lists \"%s/lists\";\nDir::State::status \"%s/status\";\n"
          "Dir::Cache \"%s/cache\";\nDir::Etc::main \"/dev/null\";\nDir::Etc::parts \"%s/empty\";\n"
          "Dir::Etc::sourcelist \"%s/debian.sources\";\nDir::Etc::sourceparts \"%s/empty\";\n"
          "Dir::Etc::preferences \"%s/preferences\";\nDir::Etc::preferencesparts \"%s/empty\";\n"
          "Acquire::Languages \"none\";\nAcquire::GzipIndexes \"true\";\n"
          "Acquire::AllowInsecureRepositories "
          "\"false\";\nAcquire::AllowDowngradeToInsecureRepositories \"false\";\n"
          "APT::Get::AllowUnauthenticated \"false\";\nAPT::Update::Error-Mode \"any\";\n",
          arch, arch, apt, apt, apt, apt, apt, apt, apt, apt, apt);
  return finish(out, apt, "apt.conf");
}

/* Run one of our apt's commands. With a label, progress is shown and the output goes to the log. */
static int run_apt(const char *apt, const char *label, const char *folder, char *const argv[], char **lines,
                   size_t *n) {
  char *config = guests_text("%s/apt.conf", apt), *log = guests_text("%s/log", apt);
  int code = -1;
  if (config && log)
    code = run(&(struct spawned){.config = config, .log = log, .folder = folder, .label = label}, argv, lines, n);
  else
    errno = ENOMEM;
  free(config);
  free(log);
  return code;
}

/* Does the suite serve this architecture? Then it has kernels for it. */
static bool serves(const char *apt) {
  char *lines[LINES_MAX], *argv[] = {(char *)"apt-cache", (char *)"pkgnames", (char *)"linux-image-", NULL};
  size_t n = 0;
  int code = run_apt(apt, NULL, NULL, argv, lines, &n);
  lines_free(lines, n);
  return !code && n;
}

int guests_apt_update(const char *apt, const char *arch) {
  if (strpbrk(apt, "\"\\\n")) return guests_fail("apt cannot use a folder with quotes in its name: %s", apt);
  char *argv[] = {(char *)"apt-get", (char *)"-o", (char *)"APT::Status-Fd=3", (char *)"update", NULL};
  if (write_configuration(apt, arch)) return 2;
  guests_say("reading Debian's package lists for %s", arch);
  int failed = 0;
  bool listed = false;
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
    FILE *out = create(apt, "debian.sources");
    if (!out) return 2;
    int any = copy_sources(out, suites[i]);
    if (finish(out, apt, "debian.sources")) return 2;
    if (any < 0) return apt_failed(apt, "apt-get", -1);
    if (!any) break;
    listed = true;
    int code = run_apt(apt, "package lists", NULL, argv, NULL, NULL);
    if (!code && serves(apt)) return 0;
    if (!suites[i]) failed = code;
    if (failed) return apt_failed(apt, "reading Debian's package lists", failed);
  }
  if (!listed)
    return guests_fail("this host's apt names no Debian archive (no source says \"Origin: Debian\"): run apt-get "
                       "update, or add Debian's source; the own-* guests need none");
  return guests_fail("Debian's archive, as this host's apt reaches it, no longer serves %s: use an "
                     "own-* guest, or "
                     "add a source that has it",
                     arch);
}

/* Of two package names alike but for a version, the later one. */
static const char *newer(const char *a, const char *b) {
  return !a || strverscmp(b, a) > 0 ? b : a;
}

char *guests_apt_resolve(const char *apt, enum guests_package how, const char *what) {
  if (how == GUESTS_PACKAGE_NAMED) return strdup(what);
  char *lines[LINES_MAX], *found = NULL;
  size_t n = 0;
  char *depends[] = {(char *)"apt-cache", (char *)"depends", (char *)"--important", (char *)what, NULL};
  char *prefix = strndup(what, strcspn(what, "*"));
  char *names[] = {(char *)"apt-cache", (char *)"pkgnames", prefix, NULL};
  int code = run_apt(apt, NULL, NULL, how == GUESTS_PACKAGE_DEPENDS ? depends : names, lines, &n);
  const char *best = NULL, *v;
  for (size_t i = 0; i < n; i++) {
    if (how == GUESTS_PACKAGE_NEWEST && !fnmatch(what, lines[i], 0)) best = newer(best, lines[i]);
    if (how == GUESTS_PACKAGE_DEPENDS && !best && (v = field(lines[i] + strspn(lines[i], " |"), "Depends"))) best = v;
  }
  if (best) found = strdup(best);
  lines_free(lines, n);
  free(prefix);
  if (!found && code == -1)
    apt_failed(apt, "apt-cache", code);
  else if (!found)
    guests_fail("Debian's archive has no package %s any more: use another guest (mirrorball guests list)", what);
  return found;
}

/* The .deb in a folder that starts with `package`_; owned by the caller. */
static char *find_deb(const char *folder, const char *package) {
  DIR *d = opendir(folder);
  char *found = NULL;
  size_t n = strcspn(package, "=");
  for (struct dirent *e; d && !found && (e = readdir(d));)
    if (!strncmp(e->d_name, package, n) && e->d_name[n] == '_' && !fnmatch("*.deb", e->d_name, 0))
      found = guests_text("%s/%s", folder, e->d_name);
  if (d) closedir(d);
  return found;
}

char *guests_apt_download(const char *apt, const char *package, const char *folder) {
  char *argv[] = {(char *)"apt-get",  (char *)"-o",    (char *)"APT::Status-Fd=3",
                  (char *)"download", (char *)package, NULL};
  guests_say("fetching %s", package);
  int code = run_apt(apt, package, folder, argv, NULL, NULL);
  char *deb = code ? NULL : find_deb(folder, package);
  if (!deb) apt_failed(apt, package, code);
  return deb;
}

void guests_apt_tidy(const char *apt) {
  static const char *const made[] = {"pkgcache.bin", "srcpkgcache.bin"};
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    char *path = guests_text("%s/cache/%s", apt, made[i]);
    if (path) unlink(path);
    free(path);
  }
}
