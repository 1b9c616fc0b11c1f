/* cli/cmd_disasm.c: mirrorball disasm: show how a block of MIPS code is translated. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "mirrorball.h"

int cmd_disasm(int argc, char **argv);

enum { OPT_IR, OPT_CODE, OPT_HOST, OPT_CPU, OPT_ENDIAN, OPT_PC, OPT_HELP };
static const struct option_row rows[] = {
    [OPT_IR] = {"ir", NULL, "show the intermediate representation"},
    [OPT_CODE] = {"code", NULL, "show the lowered code, which the eval tier runs"},
    [OPT_HOST] = {"host", NULL, "show the host code that the stencil tier and LLVM make of it"},
    [OPT_CPU] = {"cpu", "MODEL", "cpu model (24Kf); run --cpu help lists them"},
    [OPT_ENDIAN] = {"endian", "big|little", "byte order of its memory accesses (little)"},
    [OPT_PC] = {"pc", "ADDR", "address of the first instruction (0xffffffff80100000)"},
    [OPT_HELP] = {"help", NULL, "this text"},
    {0},
};

static int help(void) {
  puts("Usage: mirrorball disasm [OPTION...] WORD...\n"
       "\n"
       "Shows the block that these instruction words form: MIPS, and how it is translated.\n");
  options_help(stdout, rows);
  puts("\nTry it:\n"
       "  mirrorball disasm --ir --code --host 0x00221821 0x8c440010 0x1480fffd 0x24420004");
  return 0;
}

static int bad_endian(const char *value, bool *big) {
  *big = value[0] == 'b';
  return (value[0] != 'b' || value[1] != 'i') && (value[0] != 'l' || value[1] != 'i');
}

int cmd_disasm(int argc, char **argv) {
  struct options o;
  const char *model = "24Kf", *error;
  uint32_t word[64];
  uint64_t pc = UINT64_C(0xffffffff80100000), w;
  size_t n = 0;
  unsigned show = 0;
  bool big = false;
  options_begin(&o, argc, argv, rows);
  for (int row; (row = options_next(&o)) != OPTIONS_END;) switch (row) {
    case OPT_IR: show |= MB_DISASM_IR; break;
    case OPT_CODE: show |= MB_DISASM_CODE; break;
    case OPT_HOST: show |= MB_DISASM_HOST; break;
    case OPT_CPU: model = o.value; break;
    case OPT_ENDIAN:
      if (bad_endian(o.value, &big)) return options_fail("disasm: --endian is big or little, not \"%s\"", o.value);
      break;
    case OPT_PC:
      if (!options_number(o.value, false, UINT64_MAX, &pc) || pc & 3)
        return options_fail("disasm: --pc wants a multiple of 4, not \"%s\"", o.value);
      break;
    case OPT_HELP: return help();
    case OPTIONS_WORD:
      if (!options_number(o.value, false, UINT32_MAX, &w)) return options_fail("disasm: \"%s\" is no word", o.value);
      if (n == sizeof word / sizeof *word) return options_fail("disasm: more than %zu words", n);
      word[n++] = (uint32_t)w;
      break;
    default: return 2;
    }
  if (!n) return options_fail("disasm: no instruction words (mirrorball disasm --help)");
  if (mb_disasm(model, big, pc, word, n, show, stdout, &error)) return options_fail("disasm: %s", error);
  return 0;
}
