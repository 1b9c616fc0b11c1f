/* jit/code_memory.c: one anonymous file, two mappings. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "jit/code_memory.h"
#include <sys/mman.h>
#include <unistd.h>

int code_memory_init(struct code_memory *m, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size = (size + page - 1) & ~(page - 1);
  *m = (struct code_memory){0};
  int fd = memfd_create("mirrorball-code", MFD_CLOEXEC);
  if (fd < 0) return -1;
  if (!ftruncate(fd, (off_t)size)) {
    void *w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *x = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (w != MAP_FAILED && x != MAP_FAILED)
      *m = (struct code_memory){w, x, size};
    else {
      if (w != MAP_FAILED) munmap(w, size);
      if (x != MAP_FAILED) munmap(x, size);
    }
  }
  close(fd);
  return m->size ? 0 : -1;
}

void code_memory_fini(struct code_memory *m) {
  if (!m->size) return;
  munmap(m->write, m->size);
  munmap((void *)(uintptr_t)m->exec, m->size);
  *m = (struct code_memory){0};
}

int code_memory_open(uint8_t *exec, size_t size) {
  return mprotect(exec, size, PROT_READ | PROT_WRITE);
}
int code_memory_close(uint8_t *exec, size_t size) {
  return mprotect(exec, size, PROT_READ | PROT_EXEC);
}
