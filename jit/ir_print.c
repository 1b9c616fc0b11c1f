/* jit/ir_print.c: a block of IR as text for people. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/ir.h"
#include <inttypes.h>

static void print_imm(const struct ir_op *o, const char *const *slots, FILE *to) {
  switch (ir_opinfo[o->op].class) {
  case IR_CLASS_GET:
  case IR_CLASS_SET:
    if (o->op == IR_GET32 || o->op == IR_SET32)
      fprintf(to, " %s.%s", slots[o->imm / 2], o->imm & 1 ? "hi" : "lo");
    else
      fprintf(to, " %s", slots[o->imm]);
    break;
  case IR_CLASS_MEM: fprintf(to, " %+" PRId64, o->imm); break;
  case IR_CLASS_CONST:
  case IR_CLASS_EXIT: fprintf(to, " 0x%" PRIx64, (uint64_t)o->imm); break;
  case IR_CLASS_CALL:
  case IR_CLASS_FPU:
  case IR_CLASS_TALLY:
  case IR_CLASS_TRAP: fprintf(to, " #%" PRId64, o->imm); break;
  case IR_CLASS_PURE:
  case IR_CLASS_CMP: break;
  }
}

void ir_print(const struct ir_block *b, const char *const *slots, FILE *to) {
  for (unsigned i = 0; i < b->n; i++) {
    const struct ir_op *o = &b->op[i];
    fprintf(to, "%3u  v%-4u = %-9s", o->at, i, ir_opinfo[o->op].name);
    const ir_ref r[3] = {o->a, o->b, o->c};
    for (int k = 0; k < 3; k++)
      if (r[k] != IR_NONE) fprintf(to, " v%u", r[k]);
    print_imm(o, slots, to);
    if (o->refund) fprintf(to, " refund %u", o->refund);
    fputc('\n', to);
  }
}
