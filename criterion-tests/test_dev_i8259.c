/* criterion-tests/test_dev_i8259.c: priorities, EOI forms, rotation, special modes, polling, cascade, ELCR. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum { M = 0x20, MD = 0x21, S = 0xa0, SD = 0xa1 };
#define SETUP(icw4)                                                                                                    \
  {WR, M, 0x11}, {WR, MD, 0x00}, {WR, MD, 0x04}, {WR, MD, (icw4)}, {WR, S, 0x11}, {WR, SD, 0x08}, {WR, SD, 0x02},      \
      {WR, SD, (icw4)}, {WR, MD, 0}, {WR, SD, 0}, {                                                                    \
    ISA, 0, 0                                                                                                          \
  } /* the PIT idles high */
#define UP(n)                                                                                                          \
  { ISA, (n), 1 }
#define DOWN(n)                                                                                                        \
  { ISA, (n), 0 }
#define EDGE(n) UP(n)
#define EOI                                                                                                            \
  { WR, M, 0x20 }
#define EOI_S                                                                                                          \
  {WR, S, 0x20}, {                                                                                                     \
    WR, M, 0x20                                                                                                        \
  }
#define ISR(port, v)                                                                                                   \
  {WR, (port), 0x0b}, {                                                                                                \
    RD, (port), (v)                                                                                                    \
  }
#define IRR(port, v)                                                                                                   \
  {WR, (port), 0x0a}, {                                                                                                \
    RD, (port), (v)                                                                                                    \
  }
#define INT(v)                                                                                                         \
  { LINE, 0, (v) }

#define CASE(name, ...)                                                                                                \
  Test(i8259, name) {                                                                                                  \
    static struct bench b;                                                                                             \
    bench_init(&b);                                                                                                    \
    static const struct step steps[] = {__VA_ARGS__};                                                                  \
    BENCH_RUN(&b, steps);                                                                                              \
  }

/* clang-format off */
CASE(one_edge, SETUP(1), INT(0), UP(3), INT(1), IRR(M, 8), {ACK, 0, 3}, INT(0), ISR(M, 8), IRR(M, 0),
     EOI, ISR(M, 0), INT(0), /* still high: no new edge */
     DOWN(3), UP(3), INT(1), {ACK, 0, 3}, EOI)
CASE(request_that_goes_away_is_spurious, SETUP(1), UP(3), INT(1), DOWN(3), INT(0), {ACK, 0, 7}, ISR(M, 0))
CASE(mask, SETUP(1), {WR, MD, 0x08}, {RD, MD, 0x08}, UP(3), INT(0), IRR(M, 8), {WR, MD, 0}, INT(1), {ACK, 0, 3})
CASE(priority, SETUP(1), UP(5), UP(1), {ACK, 0, 1}, INT(0), /* 5 waits for 1 */
     UP(0), INT(1), {ACK, 0, 0}, ISR(M, 3), EOI, ISR(M, 2), INT(0), EOI, INT(1), {ACK, 0, 5}, EOI, ISR(M, 0))
CASE(specific_eoi, SETUP(1), UP(1), {ACK, 0, 1}, UP(0), {ACK, 0, 0}, {WR, M, 0x61}, ISR(M, 1), {WR, M, 0x60}, ISR(M, 0))
CASE(cascade, SETUP(1), UP(12), INT(1), IRR(M, 4), IRR(S, 0x10), {ACK, 0, 12}, ISR(M, 4), ISR(S, 0x10), INT(0),
     UP(9), INT(0), /* better on the slave, but the master is busy with input 2 */
     UP(1), INT(1), {ACK, 0, 1}, EOI, EOI_S, INT(1), {ACK, 0, 9}, EOI_S, INT(0))
CASE(fully_nested_lets_the_slave_through, SETUP(0x11), UP(12), {ACK, 0, 12}, UP(9), INT(1), {ACK, 0, 9}, ISR(S, 0x12))
CASE(slave_spurious, SETUP(1), UP(12), {ACK, 0, 12}, EOI_S, DOWN(12), INT(0))
CASE(auto_eoi, SETUP(3), UP(4), {ACK, 0, 4}, ISR(M, 0), UP(6), INT(1), {ACK, 0, 6}, INT(0),
     UP(8), UP(9), {ACK, 0, 8}, INT(1), {ACK, 0, 9}, INT(0))
CASE(rotate_on_eoi, SETUP(1), UP(2 + 1), {ACK, 0, 3}, {WR, M, 0xa0}, /* 3 becomes the lowest */
     DOWN(3), UP(3), UP(4), {ACK, 0, 4}, EOI, {ACK, 0, 3}, EOI)
CASE(rotate_specific, SETUP(1), {WR, M, 0xc4}, UP(4), UP(5), {ACK, 0, 5}, EOI, {ACK, 0, 4})
CASE(rotate_auto, SETUP(3), {WR, M, 0x80}, UP(0), {ACK, 0, 0}, DOWN(0), UP(0), UP(1), {ACK, 0, 1}, {ACK, 0, 0})
CASE(special_mask, SETUP(1), UP(1), {ACK, 0, 1}, UP(5), INT(0), {WR, MD, 2}, INT(0), {WR, M, 0x68}, INT(1), /* SMM */
     {ACK, 0, 5}, {WR, M, 0x48}, INT(0))
CASE(poll, SETUP(1), {WR, M, 0x0c}, {RD, M, 0}, UP(6), {WR, M, 0x0c}, {RD, M, 0x86}, ISR(M, 0x40), INT(0),
     UP(14), {WR, S, 0x0c}, {RD, S, 0x86}, ISR(S, 0x40))
CASE(level, SETUP(1), {WR, 0x4d1, 0xff}, {RD, 0x4d1, 0xde}, {WR, 0x4d0, 0xff}, {RD, 0x4d0, 0xf8},
     UP(11), {ACK, 0, 11}, INT(0), EOI_S, INT(1), /* as long as it is high it comes back */
     {ACK, 0, 11}, DOWN(11), EOI_S, INT(0))
CASE(vectors_and_reinit, SETUP(1), UP(1), {ACK, 0, 1}, {WR, M, 0x11}, {WR, MD, 0x40}, {WR, MD, 4}, {WR, MD, 1},
     ISR(M, 0), {RD, MD, 0}, INT(0), DOWN(1), UP(1), {ACK, 0, 0x41})
CASE(single_without_icw4, {WR, M, 0x12}, {WR, MD, 0x20}, {WR, MD, 0x7f}, {RD, MD, 0x7f}, UP(7), {ACK, 0, 0x27})
CASE(through_the_gt64120, SETUP(1), UP(4), {RD, BOARD_GT + 0xc34, 4}, INT(0), {RD, BOARD_GT + 0xc34, 7})
/* clang-format on */
