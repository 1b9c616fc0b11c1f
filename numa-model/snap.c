/* numa-model/snap.c: state as bytes: one walk over it that saves, or restores. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/snap.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 8 /* bytes of a part's length */ };

void snap_open(struct snap *s, const uint8_t *from, size_t n) {
  *s = (struct snap){.restoring = true, .from = from, .n = n, .part = n};
}

void snap_free(struct snap *s) {
  free(s->bytes);
  *s = (struct snap){0};
}

static void spoil(struct snap *s, const char *what) {
  if (!s->bad) snprintf(s->trouble, sizeof s->trouble, "%s: %s", s->name[0] ? s->name : "it", what);
  s->bad = true;
}

static bool make_room(struct snap *s, size_t n) {
  if (s->room - s->n >= n) return true;
  size_t room = 2 * s->room > s->n + n ? 2 * s->room : s->n + n + 4096;
  uint8_t *more = realloc(s->bytes, room);
  s->bad |= !more;
  if (!more) return false;
  s->bytes = more;
  s->room = room;
  return true;
}

void snap_bytes(struct snap *s, void *bytes, size_t n) {
  if (s->bad || !n) return;
  if (!s->restoring) {
    if (make_room(s, n)) memcpy(s->bytes + s->n, bytes, n);
    s->n += s->bad ? 0 : n;
  } else if (n > s->part - s->at) {
    spoil(s, "is too short");
  } else {
    memcpy(bytes, s->from + s->at, n);
    s->at += n;
  }
}

/* Between the host's byte order and the file's. */
static void turn(uint8_t *bytes, size_t size, size_t count) {
  for (; __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && count--; bytes += size)
    for (size_t i = 0; i < size / 2; i++) {
      uint8_t b = bytes[i];
      bytes[i] = bytes[size - 1 - i];
      bytes[size - 1 - i] = b;
    }
}

void snap_numbers(struct snap *s, void *first, size_t size, size_t count) {
  assert(size == 1 || size == 2 || size == 4 || size == 8);
  size_t at = s->n;
  snap_bytes(s, first, size * count);
  if (!s->bad) turn(s->restoring ? first : s->bytes + at, size, count);
}

void snap_bool(struct snap *s, void *b, size_t size) {
  uint8_t v = s->restoring ? 0 : *(bool *)b;
  (void)size;
  snap_bytes(s, &v, 1);
  if (snap_check(s, v <= 1)) *(bool *)b = v;
}

bool snap_check(struct snap *s, bool holds) {
  assert(s->restoring || holds);
  if (!s->bad && !holds) spoil(s, "makes no sense");
  return !s->bad;
}

/* What stands before a part: its version and length, in `version` and `length` when it is restored. */
static void head(struct snap *s, const char *name, uint32_t *version, uint64_t *length) {
  char in_file[SNAP_NAME] = {0};
  assert(strlen(name) < SNAP_NAME);
  snprintf(s->name, sizeof s->name, "%s", name);
  memcpy(in_file, s->name, strlen(name));
  if (s->restoring) s->part = s->n;
  snap_bytes(s, in_file, sizeof in_file);
  SNAP(s, *version);
  SNAP(s, *length);
  if (!s->restoring) s->part = s->n;
  if (s->bad || !s->restoring) return;
  if (memcmp(in_file, s->name, strlen(name) + 1))
    spoil(s, "is not where it should be");
  else if (*length > s->n - s->at)
    spoil(s, "is too long");
}

void snap_begin(struct snap *s, const char *name, uint32_t version) {
  uint32_t its = version;
  uint64_t length = 0;
  head(s, name, &its, &length);
  if (s->bad || !s->restoring) return;
  if (its != version)
    spoil(s, its > version ? "was written by a newer mirrorball" : "was written by an older mirrorball");
  else
    s->part = s->at + (size_t)length;
}

void snap_skip(struct snap *s, const char *name) {
  uint32_t version = 0;
  uint64_t length = 0;
  assert(s->restoring);
  head(s, name, &version, &length);
  if (s->bad) return;
  s->at += (size_t)length;
  s->name[0] = 0;
}

void snap_end(struct snap *s) {
  if (s->bad) return;
  if (s->restoring) {
    if (s->at != s->part) spoil(s, "has more in it than is known");
    s->part = s->n;
  } else {
    uint64_t length = s->n - s->part;
    memcpy(s->bytes + s->part - LENGTH, &length, LENGTH);
    turn(s->bytes + s->part - LENGTH, LENGTH, 1);
  }
  s->name[0] = 0;
}
