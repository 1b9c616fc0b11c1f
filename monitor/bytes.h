/* monitor/bytes.h: numbers in a guest's byte order. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_BYTES_H
#define MONITOR_BYTES_H
#include <stdbool.h>
#include <stdint.h>

/* Of up to 8 bytes. */
static inline uint64_t mon_number(const uint8_t *bytes, unsigned n, bool big_endian) {
  uint64_t v = 0;
  for (unsigned i = 0; i < n; i++) v = v << 8 | bytes[big_endian ? i : n - 1 - i];
  return v;
}
#endif
