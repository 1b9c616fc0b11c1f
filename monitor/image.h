/* monitor/image.h: a kernel image taken apart: what goes where in guest memory, and where it begins. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_IMAGE_H
#define MONITOR_IMAGE_H
#include "monitor/file.h"

struct mon_segment {
  uint64_t gpa;
  const uint8_t *bytes; /* borrowed from the image's file */
  uint64_t file_bytes;  /* the rest of mem_bytes is zero */
  uint64_t mem_bytes;
};

enum { MON_SEGMENTS = 32 };

struct mon_image {
  struct mon_file file; /* unpacked */
  const char *kind;     /* "ELF32", "uImage", ...: static text */
  bool is_elf, is64, knows_order, big_endian;
  uint64_t entry; /* virtual, sign-extended */
  struct mon_segment segment[MON_SEGMENTS];
  unsigned segments;
};

/* Read and check a kernel. raw: NULL, or how to take a file that is neither ELF nor uImage. limit: bytes it may unpack
 * to. Whether it fits the guest's memory is not asked here. */
__attribute__((warn_unused_result)) int mon_image_open(struct mon_image *i, const char *path, const struct mb_raw *raw,
                                                       uint64_t limit, struct mon_error *e);
void mon_image_close(struct mon_image *i);

/* The guest-physical address behind one as a linker or boot loader writes it: kseg0, kseg1, xkphys, or already
 * physical. False for mapped segments. */
bool mon_to_gpa(uint64_t address, uint64_t *out);
/* The address to jump at: sign-extended, in kseg0 when it was physical. */
uint64_t mon_to_entry(uint64_t address);
#endif
