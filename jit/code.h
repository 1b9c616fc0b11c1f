/* jit/code.h: lowered code: IR with its values placed in slots and temporaries. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the slot-to-slot tiers run. Each operation names its operands by byte offset from the cpu; a guest register is
 * read and written in place, a value that has no register of its own lives in jit_cpu.temp. The opcodes are derived
 * from ir_ops.def in opcodes.def. */
#ifndef JIT_CODE_H
#define JIT_CODE_H
#include "jit/jit.h"

enum jit_opcode {
#define JIT_OPCODE(name) J_##name,
#include "jit/opcodes.def"
  JIT_OPCODES
};

struct jit_op {
  uint16_t op;
  uint16_t d, a, b; /* byte offsets from the jit_cpu */
  union {
    int64_t imm; /* forms with an immediate, exits: pc */
    struct {
      int32_t offset; /* memory: displacement. CALL, RAISE: which. EXIT_x: instructions refunded */
      uint16_t c;     /* CALL, SELECT: third operand. EXIT_x: index into the block's exits */
      uint8_t at;
    };
  };
};
_Static_assert(sizeof(struct jit_op) == 16, "four to a cache line");

enum { JIT_MAX_CODE = 2 * IR_MAX_OPS };

/* An exit to a known address; owned by its block. `to` is followed without asking anyone. */
struct jit_exit {
  uint64_t pc;
  struct jit_block *to;
  struct jit_block *owner;
  struct jit_exit *next, **prev; /* among the exits that lead to `to` */
};

enum { JIT_EXITS = 2 };

struct jit_block {
  struct jit_key key;
  struct jit_shape shape;
  uint16_t ops;
  struct jit_exit exit[JIT_EXITS];
  struct jit_exit *incoming;
  struct jit_page *page;  /* NULL: an orphan */
  struct jit_block *next; /* in its bucket, or among the dead */
  struct jit_op code[];
};

/* Lower ir. Exits' addresses go to exit_pc[]. Returns the number of operations, 0 when temporaries ran out. */
unsigned jit_lower(const struct jit_guest *g, const struct ir_block *ir, struct jit_op out[JIT_MAX_CODE],
                   uint64_t exit_pc[JIT_EXITS]);
/* The eval tier's loop; see jit_run(). */
enum jit_exit_kind jit_eval(const struct jit_guest *g, struct jit_block *b, struct jit_cpu *cpu);
#endif
