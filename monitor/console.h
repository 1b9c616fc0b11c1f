/* monitor/console.h: what stands between the first serial port and the host: text out, keys in. */
/* SPDX-License-Identifier: Apache-2.0 */
/* It knows virtual time only through its owner: now() is asked when a time stamp is wanted, stop() is called on the
 * byte that completes the awaited text. VCPU thread only. */
#ifndef MONITOR_CONSOLE_H
#define MONITOR_CONSOLE_H
#include "monitor/error.h"
#include "numa-model/snap.h"

/* Finds a text in a stream of bytes (Knuth, Morris, Pratt). */
struct mon_matcher {
  uint8_t *text;
  size_t *back; /* length of the longest proper prefix that ends after i bytes */
  size_t n, at;
};
/* `text` NULL: zeros. 0, or MB_ERR_MEMORY. */
__attribute__((warn_unused_result)) int mon_matcher_init(struct mon_matcher *m, const char *text, size_t n);
void mon_matcher_fini(struct mon_matcher *m);
/* Take one byte; true when it completes the text. An empty text never is. */
bool mon_matcher_byte(struct mon_matcher *m, uint8_t byte);

struct mon_step { /* of scripted typing */
  struct mon_matcher wait;
  uint8_t *keys;
  size_t n, typed;
  struct mon_step *next;
};

struct mon_stamp {
  uint64_t ns, instructions;
};

/* What the guest has shown since power-on, to be shown again: see boots.c. */
struct mon_shown_line {
  size_t at; /* where it begins */
  struct mon_stamp when;
};
struct mon_shown {
  bool wanted, lost; /* lost: there was no memory for all of it */
  uint8_t *text;
  size_t n, room;
  struct mon_shown_line *line;
  size_t lines, lines_room;
};

struct mon_console {
  struct mb_console host;
  struct mon_stamp (*now)(void *owner);
  void (*stop)(void *owner);
  void *owner;
  bool timestamps;
  struct mon_matcher until;
  bool until_set;
  struct mon_step *step;   /* first one not done; the list is owned */
  struct mon_step *typing; /* list of steps whose keys are being typed, in order; owned */
  uint8_t out[512];
  size_t out_n;
  bool in_line; /* the present line has begun */
  uint8_t in[256];
  size_t in_at, in_n;
  bool in_ready; /* the host may have input: cleared by a look that found none, set again by mon_console_poll */
  bool in_ended;
  bool heard; /* somebody has typed something, or a script */
  struct mon_shown shown;
  bool in_held; /* what is in `in` has not come for the guest yet: that is at its next chance, */
  /* which is told here (n < 0: no more will ever come). May be NULL. */
  void (*came)(void *owner, const uint8_t *bytes, int n);
  /* The guest asks, and nothing is there: a replay may let something arrive. May be NULL. */
  void (*asked)(void *owner);
  bool deaf; /* a replay: what is typed now goes nowhere */
  bool mute; /* what is said has been shown before */
  uint64_t lines, bytes, digest, last_out_ns;
};

void mon_console_init(struct mon_console *c);
void mon_console_fini(struct mon_console *c);
__attribute__((warn_unused_result)) int mon_console_type(struct mon_console *c, const char *text, size_t text_n,
                                                         const char *keys, size_t keys_n);
__attribute__((warn_unused_result)) int mon_console_until(struct mon_console *c, const char *text, size_t n);
/* May anything ever be typed? */
bool mon_console_has_input(const struct mon_console *c);
/* What has been typed and not been taken, scripted steps, and what has been counted; where it goes is the host's. When
 * it is restored the steps of the file come before those that are there. */
void mon_console_state(struct mon_console *c, struct snap *s);
/* Would showing this finish what is waited for, --until's text or a step's? Then it is to be lived through. */
bool mon_console_awaits(const struct mon_console *c, const struct mon_shown *shown);
/* Show to the host what another run of the guest had shown so far, which counts as shown already. */
void mon_console_again(struct mon_console *c, const struct mon_shown *shown);
void mon_shown_fini(struct mon_shown *s);
/* For struct io_tty; ctx is the console. */
int mon_console_get(void *console);
void mon_console_put(void *console, uint8_t byte);
/* Hand what the guest has shown to the host. */
void mon_console_flush(struct mon_console *c);
/* Look for typed bytes; true when some are there. Called now and then, so that the guest's own polling costs nothing.
 */
bool mon_console_poll(struct mon_console *c);
/* The same while the guest stands: what is typed waits until it can come. */
void mon_console_poll_held(struct mon_console *c);
/* A replay: this comes now; n < 0: nothing ever will again. False: there is no room. */
__attribute__((warn_unused_result)) bool mon_console_arrive(struct mon_console *c, const uint8_t *bytes, int n);
/* Will nothing be typed by the host any more? */
bool mon_console_is_over(const struct mon_console *c);
/* Forget scripted steps. */
void mon_console_forget_steps(struct mon_console *c);
#endif
