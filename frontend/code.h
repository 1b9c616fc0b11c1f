/* frontend/code.h: which translations a frame has, of one cpu or of many that run at once. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Cpus that take turns share a jit, and frame->code is its page. In a gang each cpu has a jit of its own, which its
 * thread alone touches; frame->code then tells what each has of the frame. While a frame has code no cpu may store to
 * it unseen. In a gang all here is called with the right to run. */
#ifndef FRONTEND_CODE_H
#define FRONTEND_CODE_H
#include "frontend/cpu.h"

/* What this cpu's jit has of a frame; NULL: nothing. */
struct jit_page *mips_code_page(const struct cpu *c, const struct mmu_page *f);
/* In a gang, before anything is read in order to be translated: from now on every store to the frame is seen. False: no
 * memory. */
bool mips_code_watch(struct cpu *c, struct mmu_page *f);
/* Keep others from storing to frames with code, for a moment. Nothing to do for cpus that take turns. */
void mips_code_lock(struct cpu *c);
void mips_code_unlock(struct cpu *c);
/* With that lock: are these words from pc on still what the frame holds, and is it still watched? */
bool mips_code_unchanged(const struct cpu *c, const struct mmu_page *f, uint64_t pc, const uint32_t *word, unsigned n);
/* Keep a block. NULL: no memory. */
struct jit_block *mips_code_add(struct cpu *c, struct mmu_page *f, const struct jit_key *k, struct jit_shape shape);
/* Before a store to a frame: see to translations of what is there. False: it must wait for its unit to be run alone
 * (trouble is set). If f->code is not NULL then, the caller unlocks after the store. */
bool mips_code_store(struct cpu *c, struct mmu_page *f, uint32_t offset, uint32_t bytes);
/* In a gang: drop what others have found to be out of date. */
void mips_code_settle(struct cpu *c);
/* Forget all translations that have an instruction from this address, whatever page it is on. Between runs; not in a
 * gang. */
void mips_code_renew(struct cpu *c, uint64_t pc);
/* The last of the cpus with these frames goes. */
void mips_code_forget(struct cpu *c);
#endif
