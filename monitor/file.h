/* monitor/file.h: a file's bytes in memory, and gzip taken off them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_FILE_H
#define MONITOR_FILE_H
#include "monitor/error.h"

struct mon_file {
  uint8_t *bytes; /* mapped; NULL when empty */
  size_t n;
  size_t room; /* of the mapping */
};

/* Bytes of a regular file or a pipe, at most `limit` of them. `what` ("kernel") begins the error text. Free with
 * mon_file_close(), which also takes a zeroed or failed one. */
__attribute__((warn_unused_result)) int mon_file_open(struct mon_file *f, const char *what, const char *path,
                                                      uint64_t limit, struct mon_error *e);
void mon_file_close(struct mon_file *f);
bool mon_is_gzip(const uint8_t *bytes, size_t n);
/* Unpack gzip data (one or more members) into a new mapping of at most `limit` bytes. */
__attribute__((warn_unused_result)) int mon_gunzip(struct mon_file *out, const char *path, const uint8_t *bytes,
                                                   size_t n, uint64_t limit, struct mon_error *e);
#endif
