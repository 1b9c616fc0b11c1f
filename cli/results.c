/* cli/results.c: what experiments have found, in one SQLite file. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/results.h"
#include "cli/options.h"
#include "mirrorball.h"
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { APPLICATION = 0x6d62616c, FORMAT = 1, BUSY_MS = 60000 }; /* "mbal" */

struct results {
  sqlite3 *db;
  const char *command, *path;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS experiment(name TEXT PRIMARY KEY, title TEXT, about TEXT);"
    "CREATE TABLE IF NOT EXISTS cell(experiment TEXT, position INTEGER, workload TEXT, vms TEXT, machine TEXT,"
    " policy TEXT, fidelity TEXT, key TEXT, PRIMARY KEY(experiment, position));"
    "CREATE TABLE IF NOT EXISTS run(key TEXT PRIMARY KEY, version TEXT, machine TEXT, words TEXT, exit_code INTEGER,"
    " wall REAL, cpu REAL, finished TEXT, stats TEXT);"
    "CREATE TABLE IF NOT EXISTS page_log(key TEXT PRIMARY KEY, bytes INTEGER, packed BLOB);";

static int fail(const struct results *r) {
  options_fail("%s: %s: %s", r->command, r->path, sqlite3_errmsg(r->db));
  return 1;
}

static int run_sql(struct results *r, const char *sql) {
  return sqlite3_exec(r->db, sql, NULL, NULL, NULL) ? fail(r) : 0;
}

/* --- statements --- */

/* Prepare `sql` with its parameters as `kinds` says: t text (NULL: none), i int, f double. NULL: complained. */
static sqlite3_stmt *prepare(struct results *r, const char *sql, const char *kinds, ...) {
  sqlite3_stmt *s = NULL;
  va_list args;
  int bad = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL), n = 0;
  va_start(args, kinds);
  for (const char *k = kinds; !bad && *k; k++) {
    n++;
    if (*k == 't') bad = sqlite3_bind_text(s, n, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
    if (*k == 'i') bad = sqlite3_bind_int64(s, n, va_arg(args, int));
    if (*k == 'f') bad = sqlite3_bind_double(s, n, va_arg(args, double));
  }
  va_end(args);
  if (!bad) return s;
  fail(r);
  sqlite3_finalize(s);
  return NULL;
}

/* Run one that has no rows, and free it. */
static int finish(struct results *r, sqlite3_stmt *s) {
  int bad = !s || sqlite3_step(s) != SQLITE_DONE;
  if (s && bad) fail(r);
  sqlite3_finalize(s);
  return bad;
}

static int64_t pragma(struct results *r, const char *sql) {
  sqlite3_stmt *s = NULL;
  int64_t value = -1;
  if (!sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW)
    value = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return value;
}

/* --- opening --- */

static int foreign(const struct results *r) {
  return options_fail("%s: %s: holds no results of experiments", r->command, r->path);
}

/* SQLite takes a short file of any kind for an empty one, and would write over it. */
static bool is_database(const char *path) {
  static const char magic[16] = "SQLite format 3";
  char begin[sizeof magic];
  FILE *f = fopen(path, "re");
  size_t n = f ? fread(begin, 1, sizeof begin, f) : 0;
  if (f) fclose(f);
  return !n || (n == sizeof begin && !memcmp(begin, magic, n));
}

/* Is it ours? An empty file becomes so. */
static int adopt(struct results *r, bool write) {
  int64_t application = pragma(r, "PRAGMA application_id"), format = pragma(r, "PRAGMA user_version"),
          tables = pragma(r, "SELECT count(*) FROM sqlite_master");
  char set[96];
  if (application < 0 || tables < 0) return fail(r) + 1; /* no database at all, says SQLite */
  if (application == APPLICATION && format != FORMAT)
    return options_fail("%s: %s: is of format %d, this program's is %d", r->command, r->path, (int)format, FORMAT);
  if (application == APPLICATION) return 0;
  if (application || tables || !write) return foreign(r);
  snprintf(set, sizeof set, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION, FORMAT);
  return run_sql(r, "BEGIN IMMEDIATE") || run_sql(r, schema) || run_sql(r, set) || run_sql(r, "COMMIT") ? 2 : 0;
}

int results_open(struct results **out, const char *command, const char *path, bool write) {
  struct results *r = *out = calloc(1, sizeof *r);
  if (!r) return options_fail("%s: out of memory", command);
  *r = (struct results){.command = command, .path = path};
  int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  int bad = !is_database(path) ? foreign(r) : sqlite3_open_v2(path, &r->db, flags, NULL) ? fail(r) + 1 : 0;
  if (!bad) sqlite3_busy_timeout(r->db, BUSY_MS);
  if (!bad) bad = adopt(r, write);
  if (bad) {
    results_close(r);
    *out = NULL;
  }
  return bad;
}

void results_close(struct results *r) {
  if (r) sqlite3_close(r->db);
  free(r);
}

/* --- writing --- */

static int add_cell(struct results *r, const struct experiment *e, const struct cell *c, size_t at) {
  return finish(r, prepare(r, "INSERT INTO cell VALUES(?,?,?,?,?,?,?,?)", "titttttt", e->name, (int)at,
                           c->level[AXIS_WORKLOAD]->name, c->level[AXIS_VMS]->name, c->level[AXIS_MACHINE]->name,
                           c->level[AXIS_POLICY]->name, c->level[AXIS_FIDELITY]->name, c->key));
}

int results_register(struct results *r, const struct experiment *e, const struct cell *cells) {
  int bad = run_sql(r, "BEGIN IMMEDIATE");
  if (bad) return bad;
  bad = finish(r, prepare(r, "INSERT OR REPLACE INTO experiment VALUES(?,?,?)", "ttt", e->name, e->title, e->about)) ||
        finish(r, prepare(r, "DELETE FROM cell WHERE experiment=?", "t", e->name));
  for (size_t i = 0; !bad && i < e->cells; i++) bad = add_cell(r, e, &cells[i], i);
  if (bad) return (void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL), 1;
  return run_sql(r, "COMMIT");
}

int results_has(struct results *r, const char *key, bool *has) {
  sqlite3_stmt *s = prepare(r, "SELECT 1 FROM run WHERE key=?", "t", key);
  int step = s ? sqlite3_step(s) : SQLITE_ERROR;
  *has = step == SQLITE_ROW;
  if (s && step != SQLITE_ROW && step != SQLITE_DONE) fail(r);
  sqlite3_finalize(s);
  return step != SQLITE_ROW && step != SQLITE_DONE;
}

/* The words in one text, for people and for the shell. Owned by the caller. */
static char *join(char *const *words) {
  char *text = NULL;
  size_t n;
  FILE *f = open_memstream(&text, &n);
  for (; f && *words; words++) fprintf(f, "%s%s", *words, words[1] ? " " : "");
  return f && !fclose(f) ? text : NULL;
}

static int keep_log(struct results *r, const struct cell *c, const struct result *result) {
  uLongf n = compressBound(result->log_bytes);
  void *packed = malloc(n);
  int bad = !packed || compress2(packed, &n, result->page_log, result->log_bytes, 6);
  if (bad) options_fail("%s: out of memory", r->command);
  sqlite3_stmt *s =
      bad ? NULL : prepare(r, "INSERT OR IGNORE INTO page_log VALUES(?,?,?)", "ti", c->key, (int)result->log_bytes);
  if (s && sqlite3_bind_blob64(s, 3, packed, n, SQLITE_STATIC)) bad = fail(r);
  bad = !s || bad ? (sqlite3_finalize(s), 1) : finish(r, s);
  free(packed);
  return bad;
}

static int keep_run(struct results *r, const struct cell *c, const struct result *result) {
  char when[32] = "", *stats = json_dumps(result->stats, JSON_COMPACT), *words = join(c->words);
  time_t now = time(NULL);
  struct tm tm;
  int bad = 1;
  if (gmtime_r(&now, &tm)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
  if (stats && words)
    bad = finish(r, prepare(r, "INSERT OR IGNORE INTO run VALUES(?,?,?,?,?,?,?,?,?)", "ttttifftt", c->key, mb_version(),
                            c->machine, words, result->exit_code, result->wall, result->cpu, when, stats));
  else
    options_fail("%s: out of memory", r->command);
  free(stats);
  free(words);
  return bad;
}

int results_keep(struct results *r, const struct cell *c, const struct result *result) {
  int bad = run_sql(r, "BEGIN IMMEDIATE");
  if (bad) return bad;
  bad = keep_run(r, c, result) || (result->page_log && keep_log(r, c, result));
  if (bad) return (void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL), 1;
  return run_sql(r, "COMMIT");
}

/* --- reading --- */

/* The log in columns i (bytes) and i + 1 (packed). NULL: there is none. */
static json_t *log_json(sqlite3_stmt *s, int i) {
  uLongf n = (uLongf)sqlite3_column_int64(s, i);
  const void *packed = sqlite3_column_blob(s, i + 1);
  char *text = packed && n ? malloc(n) : NULL;
  json_t *o = NULL;
  if (text && !uncompress((Bytef *)text, &n, packed, (uLong)sqlite3_column_bytes(s, i + 1))) o = json_stringn(text, n);
  free(text);
  return o;
}

static const char *column(sqlite3_stmt *s, int i) {
  const char *text = (const char *)sqlite3_column_text(s, i);
  return text ? text : "";
}

static json_t *cell_json(sqlite3_stmt *s, bool logs) {
  static const char *const axis[] = {"workload", "vms", "machine", "policy", "fidelity", "key"};
  enum { TEXTS = sizeof axis / sizeof *axis };
  json_t *o = json_object();
  bool done = sqlite3_column_type(s, TEXTS) != SQLITE_NULL;
  for (int i = 0; i < TEXTS; i++) json_object_set_new(o, axis[i], json_string(column(s, i)));
  json_object_set_new(o, "done", json_boolean(done));
  if (!done) return o;
  json_object_set_new(o, "version", json_string(column(s, TEXTS)));
  json_object_set_new(o, "machine_file", json_string(column(s, TEXTS + 1)));
  json_object_set_new(o, "words", json_string(column(s, TEXTS + 2)));
  json_object_set_new(o, "exit_code", json_integer(sqlite3_column_int64(s, TEXTS + 3)));
  json_object_set_new(o, "wall", json_real(sqlite3_column_double(s, TEXTS + 4)));
  json_object_set_new(o, "cpu", json_real(sqlite3_column_double(s, TEXTS + 5)));
  json_object_set_new(o, "finished", json_string(column(s, TEXTS + 6)));
  json_object_set_new(o, "stats", json_loads(column(s, TEXTS + 7), 0, NULL));
  json_t *log = logs ? log_json(s, TEXTS + 8) : NULL;
  if (log) json_object_set_new(o, "page_log", log);
  return o;
}

static json_t *cells_json(struct results *r, const char *experiment, bool logs) {
  json_t *all = json_array();
  sqlite3_stmt *s = prepare(r,
                            "SELECT workload,vms,cell.machine,policy,fidelity,cell.key,version,run.machine,words,"
                            "exit_code,wall,cpu,finished,stats,bytes,packed FROM cell LEFT JOIN run ON"
                            " run.key=cell.key LEFT JOIN page_log ON page_log.key=cell.key"
                            " WHERE experiment=? ORDER BY position",
                            "t", experiment);
  int step = SQLITE_ERROR;
  while (s && (step = sqlite3_step(s)) == SQLITE_ROW) json_array_append_new(all, cell_json(s, logs));
  if (s && step != SQLITE_DONE) fail(r);
  sqlite3_finalize(s);
  if (step == SQLITE_DONE) return all;
  json_decref(all);
  return NULL;
}

json_t *results_document(struct results *r, const char *experiment, bool logs) {
  json_t *o = json_object(), *all = json_array();
  sqlite3_stmt *s =
      prepare(r, "SELECT name,title,about FROM experiment WHERE ?1 IS NULL OR name=?1 ORDER BY rowid", "t", experiment);
  int step = SQLITE_ERROR;
  while (s && (step = sqlite3_step(s)) == SQLITE_ROW) {
    json_t *e = json_object(), *cells = cells_json(r, column(s, 0), logs);
    json_object_set_new(e, "name", json_string(column(s, 0)));
    json_object_set_new(e, "title", json_string(column(s, 1)));
    json_object_set_new(e, "about", json_string(column(s, 2)));
    json_array_append_new(all, e);
    if (json_object_set_new(e, "cells", cells)) break;
  }
  if (s && step != SQLITE_DONE && step != SQLITE_ROW) fail(r);
  sqlite3_finalize(s);
  if (step == SQLITE_DONE && !json_object_set_new(o, "experiments", all)) return o;
  if (step != SQLITE_DONE) json_decref(all);
  json_decref(o);
  return NULL;
}
