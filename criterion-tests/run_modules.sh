#!/bin/bash
# criterion-tests/run_modules.sh: modules of a kernel that has structures like Linux's, as they were and as they are now,
# and page tables of its own: functions and lines of a module that is mapped, by coverage; what does not fit is not believed.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=runs.bash
source "$(dirname "${BASH_SOURCE[0]}")/runs.bash"
compiler=mipsel-linux-gnu-gcc
command -v $compiler >/dev/null || { echo "skipped: no $compiler"; exit 77; }

# The module: the debug file is what was compiled; what is run was linked to where it is mapped.
cat >mod.c <<'EOF'
static volatile int v;
static __attribute__((noinline)) int twice(int n) {
  return n + v;                /* 7 */
}
int work(int n);
int work(int n) {
  for (int i = 0; i < n; i++)  /* 8 */
    v = twice(i);              /* 7 */
  return v;                    /* 1 */
}
__attribute__((section(".init.text"))) void begin_module(void);
void begin_module(void) {
  v = 0;
}
EOF

# The kernel: a list with one module, whose memory is mapped by its page tables and the TLB.
cat >kernel.c <<'EOF'
#include "symbols.h"
typedef unsigned long word;
enum pgtable_bits { _PAGE_PRESENT_SHIFT, _PAGE_GLOBAL_SHIFT = 6, _PAGE_VALID_SHIFT };
enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING, MODULE_STATE_UNFORMED };
typedef struct { word pgd; } pgd_t;
typedef struct { word pte; } pte_t;
struct list_head { struct list_head *next, *prev; };
struct attribute { const char *name; unsigned short mode; };
struct bin_attribute { struct attribute attr; word size; void *private; };
struct elf_symbol { word name, value, size; unsigned char info, other; unsigned short section; };
struct mod_kallsyms { struct elf_symbol *symtab; unsigned num_symtab; char *strtab; char *typetab; };
#ifdef NEW
struct attribute_group { const char *name; union { struct bin_attribute **bin_attrs; const struct bin_attribute *const *bin_attrs_new; }; };
struct module_sect_attrs { struct attribute_group grp; struct bin_attribute attrs[]; };
struct module_memory { void *base; int is_rox; unsigned size; };
struct module {
  enum module_state state;
  struct list_head list;
  char name[56];
  struct module_memory mem[7];
  struct mod_kallsyms *kallsyms;
  struct module_sect_attrs *sect_attrs;
};
#define SECTION struct bin_attribute
#else
struct attribute_group { const char *name; struct bin_attribute **bin_attrs; };
struct module_sect_attr { struct bin_attribute battr; word address; };
struct module_sect_attrs { struct attribute_group grp; unsigned nsections; struct module_sect_attr attrs[]; };
struct module_layout { void *base; unsigned size, text_size; };
struct module {
  enum module_state state;
  struct list_head list;
  char name[60];
  struct module_layout core_layout, init_layout;
  struct module_sect_attrs *sect_attrs;
  struct mod_kallsyms *kallsyms;
};
#define SECTION struct module_sect_attr
#endif

pgd_t swapper_pg_dir[1024] __attribute__((aligned(4096)));
pte_t invalid_pte_table[1024] __attribute__((aligned(4096)));
static pte_t table[1024] __attribute__((aligned(4096)));
static unsigned char memory[8192] __attribute__((aligned(4096)));
enum pgtable_bits bits = _PAGE_GLOBAL_SHIFT;
struct list_head modules = {&modules, &modules};

extern const unsigned char code[], code_end[];
enum { BASE = 0xc0002000, HERE = 4096 }; /* the module's own structure is on its second page */
#define MAPPED(p) ((void *)(BASE + ((word)(p) - (word)memory)))

static void map(void) {
  word at = (word)memory & 0x1fffffff;
  swapper_pg_dir[BASE >> 22].pgd = (word)table;
  for (int i = 0; i < 2; i++) table[(BASE >> 12 & 1023) + i].pte = ((at >> 12) + i) << 12 | 3 << bits;
  __asm__ volatile("mtc0 %0, $10; mtc0 %1, $2; mtc0 %2, $3; mtc0 $0, $5; mtc0 $0, $0; ehb; tlbwi; ehb" ::"r"(BASE),
                   "r"(at >> 6 | 0x1f), "r"((at + 4096) >> 6 | 0x1f));
}

static void add(void) {
  static struct elf_symbol symtab[] = {{0}, {1, WORK, WORK_SIZE, 0, 0, 1}, {6, TWICE, 0, 0, 0, 1}, {12, 0x1234, 4, 0, 0, 1}};
  static struct mod_kallsyms kallsyms = {symtab, 4, "\0work\0twice\0nowhere", "?Ttt"};
  static SECTION text, gone;
  static struct bin_attribute *list[] = {(struct bin_attribute *)&text, (struct bin_attribute *)&gone, 0};
  static struct module_sect_attrs sections;
  struct module *m = (struct module *)(memory + HERE), *there = MAPPED(m);
#ifdef NEW
  text.attr.name = ".text", text.private = (void *)BASE;
  gone.attr.name = ".init.text", gone.private = (void *)0xc0800000;
  m->mem[0].base = (void *)BASE, m->mem[0].size = 4096;
  m->mem[2].base = (void *)(BASE + 4096), m->mem[2].size = 4096;
#else
  text.battr.attr.name = ".text", text.address = BASE;
  gone.battr.attr.name = ".init.text", gone.address = 0xc0800000;
  m->core_layout.base = (void *)BASE, m->core_layout.size = 8192;
#endif
  sections.grp.bin_attrs = list;
  m->kallsyms = &kallsyms;
  m->sect_attrs = &sections;
  for (int i = 0; i < 9; i++) m->name[i] = "fake_mod"[i];
  m->list.next = m->list.prev = &modules;
  modules.next = modules.prev = &there->list;
}

void start(void);
void start(void) {
  for (const unsigned char *c = code; c < code_end; c++) memory[c - code] = *c;
  for (word i = 0; i < 4096; i += 16) __asm__ volatile("cache 0x19, 0(%0); cache 0x10, 0(%0)" ::"r"(memory + i));
  map();
  add();
  ((int (*)(int))WORK)(7);
#ifdef BROKEN
  modules.next->prev = 0;
#endif
  *(volatile unsigned *)0xbf000a00 = 0x4d420000;
  for (;;)
    ;
}
EOF
cat >boot.S <<'EOF'
  .globl begin
begin:
  .set noreorder
  lui $29, 0x8020
  j start
  nop
  .data
  .globl code, code_end
code:
  .incbin "code"
code_end:
EOF
flags=(-march=mips32r2 -g -O1 -ffreestanding -fno-pic -mno-abicalls -G0 -nostdlib -static '-Wl,--build-id=none'
  '-Wl,-z,max-page-size=4096')
build() { # order name defines...
  local order=$1 name=$2
  shift 2
  mkdir -p "$name.d/modules"
  $compiler "$order" "${flags[@]}" -O0 -mlong-calls -c mod.c -o "$name.d/modules/fake-mod.ko" &&
    $compiler "$order" "${flags[@]}" -Wl,-Ttext=0xc0002000 -Wl,--section-start=.init.text=0xc0800000 -Wl,-e,work \
      "$name.d/modules/fake-mod.ko" -o linked && mipsel-linux-gnu-objcopy -O binary -j .text linked code &&
    mipsel-linux-gnu-nm -S linked | awk '$4 == "work" { print "#define WORK 0x" $1 "\n#define WORK_SIZE 0x" $2 }
      $4 == "twice" { print "#define TWICE 0x" $1 }' >symbols.h &&
    $compiler "$order" "${flags[@]}" "$@" -Wl,-Ttext=0x80100000 -Wl,-e,begin boot.S kernel.c -o "$name.d/vmlinux"
}

watch() { # folder options of run...
  local d=$1
  shift
  run --kernel "$d/vmlinux" --symbols --debug-info "$d/vmlinux" --stats "$d/stats" "$@"
}
for order in -EL -EB; do
  for shape in OLD NEW; do
    name=k$order$shape
    build $order "$name" -D$shape 2>err
    held=$?
    check "$name builds: $(cat err)" $held
    ((held)) && continue
    for tier in eval auto; do
      watch "$name.d" --tier $tier --coverage "$name.$tier.txt" --coverage "$name.$tier.info" --profile-exact "$name.$tier.folded"
      code=$?
      has_tier || continue
      check "$name, $tier: exit code 0, not $code: $(cat err)" $code
      cmp -s "$name.eval.txt" "$name.$tier.txt" && cmp -s "$name.eval.info" "$name.$tier.info"
      held=$?
      check "$name, $tier: the counts are those of eval" $held
    done
    run --kernel "$name.d/vmlinux" --stats stats.plain
    check "$name: the run is the one without counting" "$(same_run stats.plain "$name.d/stats")"
    grep -qE ' +1 +[0-9]+ +[0-9]+  work \[fake_mod\]$' "$name.eval.txt" &&
      grep -qE ' +7 +[0-9]+ +[0-9]+  twice \[fake_mod\]$' "$name.eval.txt" && ! grep -q nowhere "$name.eval.txt"
    held=$?
    check "$name: functions: $(cat "$name.eval.txt")" $held
    grep -q '^kernel;.*start;work_\[fake_mod\];twice_\[fake_mod\] [0-9]*$' "$name.eval.folded"
    held=$?
    check "$name: it is in call paths: $(cat "$name.eval.folded")" $held
    sed -n '/^SF:.*mod.c$/,/^end_of_record/s/^DA://p' "$name.eval.info" | tr , ' ' | sort -n >got
    awk -F'/[*] ' '/[/][*] [0-9]+ [*][/]$/ { split($NF, n, " "); print NR, n[1] }' mod.c >want
    wrong=$(awk 'NR == FNR { got[$1] = $2; next } got[$1] != $2 { print "line " $1 ": " got[$1] ", not " $2 }' got want)
    check "$name: each line has its count: $wrong" $((${#wrong} != 0 || $(wc -l <want) != 4))
    check "$name: functions that are not there have no lines" "$(! grep -q begin_module "$name.eval.info"; echo $?)"
  done
done

# By what the kernel's makefiles leave; without debug files; with damaged ones.
good=k-ELNEW.d
mkdir -p listed.d/drivers && cp $good/vmlinux listed.d/ && cp $good/modules/fake-mod.ko listed.d/drivers/
printf 'kernel/other.o\ndrivers/fake-mod.o\n' >listed.d/modules.order
watch listed.d --coverage c.info
check "modules.order tells where it is" "$(grep -q 'SF:.*/mod.c' c.info; echo $?)"
mkdir absent.d && cp $good/vmlinux absent.d/
watch absent.d --coverage c.info --coverage c.txt
check "without a file there are names" "$(! grep -q 'SF:.*/mod.c' c.info && grep -q 'work \[fake_mod\]' c.txt; echo $?)"
cp -r $good damaged.d
for damage in empty cut vmlinux seed{1..12}; do
  file=damaged.d/modules/fake-mod.ko
  case $damage in
    empty) : >$file ;;
    cut) head -c 2000 $good/modules/fake-mod.ko >$file ;;
    vmlinux) cp $good/vmlinux $file ;;
    *)
      python3 - "${damage#seed}" $good/modules/fake-mod.ko $file <<'EOF'
import random, sys
random.seed(int(sys.argv[1]))
b = bytearray(open(sys.argv[2], "rb").read())
for _ in range(1 << random.randrange(8)): b[random.randrange(len(b))] = random.randrange(256)
open(sys.argv[3], "wb").write(b)
EOF
      ;;
  esac
  watch damaged.d --coverage c.info --coverage c.txt
  code=$?
  check "$damage: exit code 0, not $code, and names: $(cat err)" "$([[ $code == 0 ]] && grep -q 'work \[fake_mod\]' c.txt; echo $?)"
done

# A list that does not lead back, and debug information without modules.
build -EL broken -DNEW -DBROKEN 2>err
watch broken.d --coverage c.txt
check "a broken list is told: $(cat c.txt)" "$(grep -q '^modules are by page: .*list of modules' c.txt && ! grep -q fake_mod c.txt; echo $?)"
mipsel-linux-gnu-objcopy -N modules $good/vmlinux absent.d/vmlinux
watch absent.d --coverage c.txt
check "so is what is missing: $(cat c.txt)" "$(grep -q '^modules are by page: .* does not have .*list of modules' c.txt; echo $?)"
run --kernel $good/vmlinux --coverage c.txt
check "a kernel that has DWARF itself needs no file" "$(grep -q 'work \[fake_mod\]' c.txt; echo $?)"
finish
