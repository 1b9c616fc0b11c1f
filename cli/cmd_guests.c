/* cli/cmd_guests.c: mirrorball guests: list, fetch and find the guests known by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/guests.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_guests(int argc, char **argv);

static const char help[] =
    "Usage: mirrorball guests list [--json]\n"
    "       mirrorball guests get NAME... [--refresh] [--dbg]\n"
    "       mirrorball guests path NAME\n"
    "\n"
    "Guests are systems to run, known by name. Debian's are fetched from Debian's archive when\n"
    "first wanted (apt checks signatures and checksums) and kept in a cache folder; the others\n"
    "are built from guests/ with a MIPS cross compiler.\n"
    "\n"
    "  list          names, architectures, whether they are here already\n"
    "  get NAME...   fetch or build what is absent; --refresh looks for newer packages\n"
    "                --dbg fetches the debug information of the kernel and of the modules in its\n"
    "                initrd, too (some 100 to 600 MB), which coverage by line, profiles, backtraces\n"
    "                and gdb then find by themselves\n"
    "  path NAME     print the folder of a guest that is here, with its kernel and initrd\n"
    "\n"
    "Try it:\n"
    "  mirrorball guests get debian-4kc      about 46 MB from Debian's archive, once\n"
    "  mirrorball run debian-4kc             boot it (fetches it too, if need be)\n"
    "\n"
    "The cache folder is $MIRRORBALL_CACHE, else cache/ of the checkout, else\n"
    "~/.cache/mirrorball/guests. Removing it is harmless. Exit codes: 0 done, 1 path: not here\n"
    "yet, 2 could not (one line on stderr says why and what to do).\n";

static int usage_error(const char *what, const char *arg) {
  fprintf(stderr, "mirrorball: guests: %s%s: see mirrorball guests --help\n", what, arg);
  return 2;
}

static void list_text(void) {
  struct guest g;
  printf("%-22s %-9s %-17s %-7s %s\n", "NAME", "ARCH", "CPU", "HERE", "WHAT");
  for (size_t i = 0; guests_row(i, &g); i++) {
    printf("%-22s %-9s %-17s %-7s %s\n", g.name, g.arch, g.cpu, g.present ? "yes" : "no", g.about);
    guests_free(&g);
  }
}

static int list_json(void) {
  struct guest g;
  json_t *all = json_array();
  for (size_t i = 0; guests_row(i, &g); i++) {
    json_t *one =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:s?, s:s?}", "name", g.name, "about", g.about, "arch",
                  g.arch, "board", g.board, "cpu", g.cpu, "append", g.append, "from", g.from, "mem_mib", (int)g.mem_mib,
                  "present", (int)g.present, "kernel", g.kernel, "initrd", g.initrd);
    json_array_append_new(all, one);
    guests_free(&g);
  }
  int bad = !all || json_dumpf(all, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(all);
  return bad ? 2 : 0;
}

static int get(int n, char **names) {
  bool refresh = false, debug = false;
  int result = 0, asked = 0;
  for (int i = 0; i < n; i++)
    if (!strcmp(names[i], "--refresh"))
      refresh = true;
    else if (!strcmp(names[i], "--dbg"))
      debug = true;
    else if (names[i][0] == '-')
      return usage_error("unknown option ", names[i]);
  for (int i = 0; i < n; i++) {
    if (names[i][0] == '-') continue;
    struct guest g;
    asked++;
    if (guests_get(names[i], refresh, &g)) {
      result = 2;
      continue;
    }
    if (debug) {
      guests_free(&g);
      if (guests_get_debug(names[i], &g)) {
        result = 2;
        continue;
      }
    }
    printf("%s\n", g.kernel);
    if (g.initrd) printf("%s\n", g.initrd);
    if (debug) printf("%s\n", g.debug);
    guests_free(&g);
  }
  return asked ? result : usage_error("get wants a NAME", "");
}

static int path(const char *name) {
  struct guest g;
  if (guests_find(name, &g)) return 2;
  int result = 0;
  char *slash = strrchr(g.kernel, '/');
  if (g.present && slash)
    printf("%.*s\n", (int)(slash - g.kernel), g.kernel);
  else {
    fprintf(stderr, "mirrorball: %s is not here yet: run mirrorball guests get %s\n", name, name);
    result = 1;
  }
  guests_free(&g);
  return result;
}

/* argv[0] is "guests". */
int cmd_guests(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return fputs(help, stdout), 0;
  const char *verb = argc > 1 ? argv[1] : "list";
  if (!strcmp(verb, "list")) {
    if (argc > 3 || (argc == 3 && strcmp(argv[2], "--json"))) return usage_error("list does not take ", argv[2]);
    return argc == 3 ? list_json() : (list_text(), 0);
  }
  if (!strcmp(verb, "get")) return get(argc - 2, argv + 2);
  if (!strcmp(verb, "path")) return argc == 3 ? path(argv[2]) : usage_error("path wants one NAME", "");
  return usage_error("unknown command ", verb);
}
