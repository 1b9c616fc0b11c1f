/* jit/code_memory.h: memory for generated code, mapped twice: to write and to execute. */
/* SPDX-License-Identifier: Apache-2.0 */
/* No page is ever writable and executable at one address. */
#ifndef JIT_CODE_MEMORY_H
#define JIT_CODE_MEMORY_H
#include <stddef.h>
#include <stdint.h>

enum { CODE_MEMORY_PAGE = 4096 };
struct code_memory {
  uint8_t *write;
  const uint8_t *exec;
  size_t size;
};
/* 0 or -1. `size` is rounded up to pages. */
int code_memory_init(struct code_memory *m, size_t size);
void code_memory_fini(struct code_memory *m);
/* Whole pages of `exec` can be written to there, and not executed, from open to close. 0 or -1. */
int code_memory_open(uint8_t *exec, size_t size);
int code_memory_close(uint8_t *exec, size_t size);
#endif
