/* guests/splash/splash.h: a library OS for one parallel program on the board disco. */
/* SPDX-License-Identifier: Apache-2.0 */
/* In the spirit of SPLASHOS (Bugnion et al., SOSP'97, 5.4): program and system are one image in kernel mode, without
 * virtual memory but for one page. Threads belong to a vcpu for life, which runs those that can go on one after the
 * other; only waiting gives way. A vcpu without work waits for an interrupt from another. Memory is what the first 256
 * MiB of the machine have above the program.
 *
 * A program is splash_name, splash_params and splash_main(). This header is all it sees, so that host.c can run it on
 * the computer at hand, for comparison; os.h is the system's own. */
#ifndef SPLASH_H
#define SPLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the program --- */

/* A word NAME=NUMBER of the command line. "threads" is known to all; by default there is one for each vcpu. */
struct param {
  const char *name;
  unsigned *value, min, max; /* *value: what it is when nobody says */
};
extern const char splash_name[];
extern const struct param splash_params[]; /* one without a name ends them */
/* The verdict, as exit code. */
int splash_main(void);

extern unsigned threads;

/* --- threads --- */

struct lock {
  unsigned held;
};
void lock_take(struct lock *l);
void lock_give(struct lock *l);

struct thread;
/* Start fn(arg) on a vcpu, in turn. Memory of threads is not given back. */
struct thread *thread_start(void (*fn)(void *arg), void *arg);
/* Wait until it has returned. One thread may, once. */
void thread_join(struct thread *t);
void thread_yield(void);
/* fn(0, arg) to fn(threads - 1, arg) side by side; returns when all have. */
void run_all(void (*fn)(unsigned id, void *arg), void *arg);

struct barrier {
  struct lock lock;
  unsigned here;
  struct thread *sleepers;
};
/* Wait for all `threads` threads. A zeroed barrier is a barrier, also when it is used again. */
void barrier_wait(struct barrier *b);

/* --- a little libc --- */

/* Aligned to a page; for ever. When there is none left the run ends. */
void *take_memory(size_t n);
/* %d %u %x %lx %s %c %%, with width and zero fill; from one thread at a time. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Into memory, without an end. */
void print_into(char *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void finish(int code);
/* Virtual time, in units of 10 ns. */
uint64_t now(void);
/* "NAME: WHAT MICROSECONDS us" for a phase that ends now, and took less than 171 seconds; returns now. */
uint64_t phase(const char *what, uint64_t since);
/* A step of splitmix64, or of a checksum. */
uint64_t mix(uint64_t v);

/* --- memory that is mapped --- */

/* All vcpus have a page of take_memory() at PAGE_VA from now on, and no other: on return each has said so (a TLB
 * shootdown by interrupts). */
#define PAGE_VA 0x00400000
void page_map(void *page);

/* --- a disk, if the machine has one (--disk) --- */

/* Write n bytes, and what follows them up to a whole sector, to its start; they are stable on return. False: no disk,
 * or it refuses. */
bool disk_write(const void *from, size_t n);
/* Read as much, and what follows, from there. */
bool disk_read(void *to, size_t n);

/* --- a network card, if the machine has one (--net) --- */

/* Frames are a head and whole pages, aligned. One is being sent and one awaited at a time. */
enum { NET_HEAD = 64, NET_PAGES = 15 };
bool net_open(void); /* false: no card */
void net_send(uint8_t head[NET_HEAD], void *const pages[], unsigned n);
/* Offer room for a frame; is it there?; wait until it is. */
void net_offer(uint8_t head[NET_HEAD], void *const pages[], unsigned n);
bool net_has_come(void);
void net_await(void);

/* --- words.c --- */

/* Take the words of a command line, which is written to; at one that cannot be done the run ends. */
void splash_words(char *line);
#endif
