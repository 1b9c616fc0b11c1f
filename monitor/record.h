/* monitor/record.h: the file with what came to a machine from outside, and how to build that machine. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text and a version, then chunks, each a zstd frame behind a header with digests (XXH3): the machine, as
 * JSON, and its consoles; then, a few times a second, what has come (items of tape.h, by VM); at last how it ended. A
 * file without that end, or with half a chunk, is that of a run that was killed: what stands there holds. */
#ifndef MONITOR_RECORD_H
#define MONITOR_RECORD_H
#include "monitor/tape.h"

enum { MON_RECORD_MAGIC = 24, MON_RECORD_VERSION = 1 };
extern const char mon_record_magic[MON_RECORD_MAGIC];

/* BLOCK: of a disk that persists, as it was before the run wrote to it for the first time. */
enum mon_chunk { MON_CHUNK_HEAD, MON_CHUNK_ITEMS, MON_CHUNK_BLOCK, MON_CHUNK_END };
struct mon_chunk_header {
  uint8_t kind; /* enum mon_chunk */
  uint64_t packed, unpacked, digest;
};
enum { MON_CHUNK_HEADER = 1 + 3 * 8 + 8 }; /* bytes, with a digest of its own */
#define MON_CHUNK_MAX ((uint64_t)1 << 30)  /* unpacked */

struct mon_record {
  char *path;
  int fd;               /* -1: it is read */
  pthread_mutex_t lock; /* chunks come from the threads of VMs, too */
  int error;            /* errno of a write that has failed: no more is written. While VMs run under the lock */
  bool ended;           /* its last chunk is there */
  uint64_t written;     /* wall ns */
  struct {
    uint64_t kernel, initrd;
  } digest[MB_VMS_MAX];
  struct mon_recorded_disk {
    struct mon_record *record;
    uint32_t vm, disk;
    bool persists;
  } disk[MB_VMS_MAX][MB_DISKS_MAX];
  /* read */
  struct mon_file file;
  struct json_t *about;
  struct snap consoles; /* of the first chunk, from them on */
  uint8_t *head;
};

/* The machine is about to be started: can it be recorded, and what is it made of? */
__attribute__((warn_unused_result)) int mon_record_check(struct mb_machine *m);
/* One of a machine, for a file of that path. NULL: out of memory. */
struct mon_record *mon_record_new(const char *path);
/* The last change of each disk that persists, by VM and disk. Read: is it still the last? */
bool mon_record_stamps(struct mb_machine *m, struct mon_record *r, struct snap *s);
/* Digests of what is loaded. */
void mon_record_digest(struct mon_record *r, const struct mb_vm *vm, unsigned number);
/* At each VM's place: can it be typed to, and what is in its console? Also restores that. */
void mon_record_console(struct mb_vm *vm, struct snap *s);
#endif
