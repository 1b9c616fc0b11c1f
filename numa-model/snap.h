/* numa-model/snap.h: state as bytes: one walk over it that saves, or restores. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever has state has one function that names it, field by field, to a struct snap: while saving its values are
 * appended, while restoring they are replaced. So both directions cannot differ. State is in named parts with a version
 * each: raise it when the fields of a part change. It is here, in the lowest room, because every room has state.
 *
 * What is restored comes from a file, which may be damaged on purpose: whatever memory is indexed or allocated by must
 * be checked by snap_check(). After the first thing that is wrong the rest of the walk changes nothing, and `bad` says
 * so; then the object is only fit to be freed. Numbers are little-endian. */
#ifndef NUMA_MODEL_SNAP_H
#define NUMA_MODEL_SNAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SNAP_NAME = 24 };
struct snap {
  bool restoring;
  bool bad;            /* restoring: the bytes make no sense; saving: out of memory */
  uint8_t *bytes;      /* saving: owned */
  const uint8_t *from; /* restoring: borrowed */
  size_t n, room, at;
  size_t part; /* where the present one's bytes begin, or end */
  char name[SNAP_NAME];
  char trouble[96]; /* restoring, bad: one line of text */
};

/* A zeroed snap saves. To restore from what one has saved: */
void snap_open(struct snap *s, const uint8_t *from, size_t n);
void snap_free(struct snap *s);

/* A part: what follows up to snap_end(). Parts are not nested. `name` is shorter than SNAP_NAME. */
void snap_begin(struct snap *s, const char *name, uint32_t version);
void snap_end(struct snap *s);
/* Restoring: leave out a part, of whatever version. */
void snap_skip(struct snap *s, const char *name);

/* `count` numbers of `size` bytes, 1, 2, 4 or 8, behind each other. */
void snap_numbers(struct snap *s, void *first, size_t size, size_t count);
void snap_bool(struct snap *s, void *b, size_t size);
/* Just bytes. */
void snap_bytes(struct snap *s, void *bytes, size_t n);
static inline void snap_number(struct snap *s, void *n, size_t size) {
  snap_numbers(s, n, size, 1);
}
/* A field that is a number or a bool; an array of numbers, of one dimension or more, whose elements are as x. */
#define SNAP(s, field)        _Generic((field), bool : snap_bool, default : snap_number)((s), &(field), sizeof(field))
#define SNAP_ARRAY(s, all, x) snap_numbers((s), (all), sizeof(x), sizeof(all) / sizeof(x))

/* Does what has just been restored make sense? If not all is bad. Returns whether the walk is good so far; while saving
 * `holds` must. */
bool snap_check(struct snap *s, bool holds);
#endif
