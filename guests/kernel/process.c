/* guests/kernel/process.c: processes, the scheduler, system calls, and every exception that is not a plain refill. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

static struct process table[PROCESSES]; /* [0] is idle: kernel mode, never waits for anything */
struct process *current;
reg *current_pages; /* for the refill handler: current->pages */
static uint32_t ticks;
static int next_pid = 1;
static char keys[64];
static unsigned keys_in, keys_out;

_Static_assert(offsetof(struct process, frame) == 0, "entry.S saves at the start of a process");
_Static_assert(sizeof(struct frame) == FRAME_REGS * SZ, "entry.S knows the frame");

/* --- the scheduler --- */

static void run(struct process *p) {
  current = p;
  current_pages = p->pages;
  setreg("$10, 0", p->asid);
}

/* The next ready process after the current one; idle when there is none. */
static void schedule(void) {
  unsigned from = (unsigned)(current - table);
  for (unsigned i = 1; i <= PROCESSES; i++) {
    struct process *p = &table[(from + i) % PROCESSES];
    if (p != table && p->state == STATE_READY) return run(p);
  }
  run(table);
}

static void wake(struct process *p, reg result) {
  p->frame.r[2] = result;
  p->state = STATE_READY;
}

static struct process *find(int pid) {
  for (struct process *p = table + 1; p < table + PROCESSES; p++)
    if (p->state != STATE_FREE && p->pid == pid) return p;
  return NULL;
}

static void reap(struct process *p) {
  p->state = STATE_FREE;
}

/* End a process: its parent gets the code when it waits, or at once if it does already. */
static void end(struct process *p, int code) {
  page_free_all(p);
  p->state = STATE_DEAD;
  p->code = code;
  struct process *parent = find(p->parent);
  if (!parent || parent->state == STATE_DEAD)
    reap(p);
  else if (parent->state == STATE_WAIT && (int)parent->wake == p->pid) {
    wake(parent, (reg)code);
    reap(p);
  }
  for (struct process *c = table + 1; c < table + PROCESSES; c++) /* orphans end unseen */
    if (c->parent == p->pid && c->state == STATE_DEAD) reap(c);
  if (p->pid == 1) board_off(code); /* the shell was all there was */
  if (p == current) schedule();
}

static void tick(void) {
  uint32_t next = get32(CP0_COMPARE) + TICK;
  if ((int32_t)(next - get32(CP0_COUNT)) < TICK / 2) next = get32(CP0_COUNT) + TICK; /* late: do not try to catch up */
  set32(CP0_COMPARE, next);
  ticks++;
  current->used++;
  for (int key; (key = board_get()) >= 0;)
    if (keys_in - keys_out < sizeof keys) keys[keys_in++ % sizeof keys] = (char)key;
  for (struct process *p = table + 1; p < table + PROCESSES; p++) {
    if (p->state == STATE_SLEEP && (int32_t)(ticks - p->wake) >= 0) wake(p, 0);
    if (p->state == STATE_KEY && keys_in != keys_out) wake(p, (unsigned char)keys[keys_out++ % sizeof keys]);
  }
  schedule();
}

/* --- system calls: (process, a0, a1) -> $2, unless the process has been put to sleep --- */

static reg call_exit(struct process *p, reg code, reg unused) {
  (void)unused;
  end(p, (int)code);
  return 0;
}

static reg call_write(struct process *p, reg from, reg n) {
  for (reg i = 0; i < n; i++) {
    const char *c = page_byte(p, from + i);
    if (!c) return i;
    board_put(*c);
  }
  return n;
}

static reg call_key(struct process *p, reg a, reg b) {
  (void)a, (void)b;
  if (keys_in != keys_out) return (unsigned char)keys[keys_out++ % sizeof keys];
  p->state = STATE_KEY;
  schedule();
  return 0;
}

static reg call_pid(struct process *p, reg a, reg b) {
  (void)a, (void)b;
  return (reg)p->pid;
}

static reg call_yield(struct process *p, reg a, reg b) {
  (void)p, (void)a, (void)b;
  schedule();
  return 0;
}

static reg call_fork(struct process *p, reg a, reg b) {
  (void)a, (void)b;
  for (struct process *c = table + 1; c < table + PROCESSES; c++) {
    if (c->state != STATE_FREE) continue;
    c->asid = (unsigned)(c - table);
    if (!page_copy_all(c, p)) {
      page_free_all(c);
      return (reg)-1;
    }
    c->frame = p->frame;
    c->parent = p->pid;
    c->pid = ++next_pid;
    c->used = 0;
    wake(c, 0);
    return (reg)c->pid;
  }
  return (reg)-1;
}

static reg call_wait(struct process *p, reg pid, reg unused) {
  (void)unused;
  struct process *c = find((int)pid);
  if (!c || c->parent != p->pid) return (reg)-1;
  if (c->state == STATE_DEAD) {
    reap(c);
    return (reg)c->code;
  }
  p->wake = (uint32_t)pid;
  p->state = STATE_WAIT;
  schedule();
  return 0;
}

static reg call_sleep(struct process *p, reg n, reg unused) {
  (void)unused;
  p->wake = ticks + (uint32_t)n;
  p->state = STATE_SLEEP;
  schedule();
  return 0;
}

static reg call_ticks(struct process *p, reg a, reg b) {
  (void)p, (void)a, (void)b;
  return ticks;
}

/* Copy to user memory; false when it does not fit there. */
static bool copy_out(struct process *p, reg to, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) {
    char *c = page_byte(p, to + i);
    if (!c) return false;
    *c = ((const char *)from)[i];
  }
  return true;
}

static reg call_info(struct process *p, reg to, reg slot) {
  if (slot >= PROCESSES) return (reg)-1;
  struct process *q = &table[slot];
  struct info info = {q->pid, q->parent, q->state, (int)q->used, 0, (int)memory_free_pages()};
  for (unsigned i = 0; i < USER_PAGES; i++) info.pages += q->pages[i] != 0;
  return copy_out(p, to, &info, sizeof info) ? 0 : (reg)-1;
}

static reg call_kill(struct process *p, reg pid, reg unused) {
  (void)p, (void)unused;
  struct process *q = find((int)pid);
  if (!q || q->state == STATE_DEAD || pid == 1) return (reg)-1;
  end(q, -9);
  return 0;
}

static reg call_bootline(struct process *p, reg to, reg n) {
  return copy_out(p, to, boot_line, n < sizeof boot_line ? n : sizeof boot_line) ? 0 : (reg)-1;
}

static reg call_off(struct process *p, reg code, reg unused) {
  (void)p, (void)unused;
  board_off((int)code);
}

static reg (*const calls[CALLS])(struct process *, reg, reg) = {
    [CALL_EXIT] = call_exit,         [CALL_WRITE] = call_write, [CALL_KEY] = call_key,   [CALL_PID] = call_pid,
    [CALL_YIELD] = call_yield,       [CALL_FORK] = call_fork,   [CALL_WAIT] = call_wait, [CALL_SLEEP] = call_sleep,
    [CALL_TICKS] = call_ticks,       [CALL_INFO] = call_info,   [CALL_KILL] = call_kill, [CALL_OFF] = call_off,
    [CALL_BOOTLINE] = call_bootline,
};

static void system_call(struct process *p) {
  reg n = p->frame.r[2];
  p->frame.epc += 4;
  reg result = n < CALLS ? calls[n](p, p->frame.r[4], p->frame.r[5]) : (reg)-1;
  if (p->state == STATE_READY) p->frame.r[2] = result;
}

/* --- exceptions --- */

void kernel_trap(struct process *p) {
  unsigned code = p->frame.cause >> 2 & 31;
  if (code == 0) return tick();
  if (!(p->frame.status & STATUS_UM)) panic("an exception in the kernel", &p->frame);
  if (code == 8) return system_call(p);
  if ((code == 2 || code == 3) && page_add(p, p->frame.badvaddr)) return; /* memory appears when touched */
  say("\nown kernel: process %d ended: exception %u at %lx, address %lx\n", p->pid, code, p->frame.epc,
      p->frame.badvaddr);
  end(p, -(int)code);
}

/* --- the first processes --- */

void process_init(const void *image, size_t n) {
  table[0].state = STATE_READY;
  table[0].frame.epc = (reg)(intptr_t)idle;
  table[0].frame.status = STATUS_TIMER | STATUS_EXL | STATUS_IE;
  struct process *first = &table[1];
  first->pid = next_pid;
  first->asid = 1;
  first->state = STATE_READY;
  first->frame.epc = USER_BASE;
  first->frame.r[29] = USER_BASE + USER_PAGES * (reg)PAGE - 64;
  first->frame.status = STATUS_TIMER | STATUS_UM | STATUS_EXL | STATUS_IE | (SZ == 8 ? STATUS_UX : 0);
  if (!copy_out(first, USER_BASE, image, n)) panic("no memory for the first process", NULL);
  for (reg i = 0; i < n; i += 4) __asm__ volatile("synci 0(%0)" : : "r"(page_byte(first, USER_BASE + i)) : "memory");
  run(first);
}
