/* guests/linux/mirrorball_pages.c: a module for Linux: tells the monitor which pages are free. */
/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Linux reports free pages of whole pageblocks to whoever registers (CONFIG_PAGE_REPORTING, which Debian's kernels have
 * for virtio_balloon), some time after they became free, and keeps them to itself meanwhile. What is reported reads as
 * zeros afterwards. Loading it does so with all that is free. `pages` counts; `scrub`, when written, has Linux allocate
 * that many pages and give each back as zeros of the monitor's. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>

static void __iomem *registers;
#define MB_CALL_REGISTER        ((volatile uint32_t __force *)registers)
#define MB_CALL_ADDRESS_OF(ptr) ((uint32_t)virt_to_phys((void *)(ptr)))
#include "../include/mirrorball-calls.h"

static unsigned long pages, zeroed;
module_param(pages, ulong, 0444);
MODULE_PARM_DESC(pages, "free pages told to the monitor so far");
module_param(zeroed, ulong, 0444);
MODULE_PARM_DESC(zeroed, "pages that the monitor has zeroed so far");

static int report(struct page_reporting_dev_info *dev, struct scatterlist *list, unsigned int n) {
  struct scatterlist *s;
  unsigned int i;
  for_each_sg(list, s, n, i) {
    if (mb_free_pages(sg_phys(s), s->length >> PAGE_SHIFT)) return -EIO;
    pages += s->length >> PAGE_SHIFT;
  }
  return 0;
}

/* Zeroed pages, without the kernel touching them. */
static int scrub(const char *text, const struct kernel_param *param) {
  unsigned long n;
  int error = kstrtoul(text, 0, &n);
  for (; !error && n; n--) {
    struct page *p = alloc_page(GFP_KERNEL);
    if (!p) return -ENOMEM;
    if (mb_zero_pages(page_to_phys(p), 1))
      error = -EIO;
    else
      zeroed++;
    __free_page(p);
  }
  return error;
}
static const struct kernel_param_ops scrub_ops = {.set = scrub};
module_param_cb(scrub, &scrub_ops, NULL, 0200);
MODULE_PARM_DESC(scrub, "write a number: have so many pages zeroed by the monitor");

static struct page_reporting_dev_info reporter = {.report = report};

static int __init begin(void) {
  int error;
  registers = ioremap(MB_CALL_GPA, 4);
  if (!registers) return -ENOMEM;
  error = mb_calls_present() ? page_reporting_register(&reporter) : -ENODEV;
  if (error) iounmap(registers);
  return error;
}
static void __exit end(void) {
  page_reporting_unregister(&reporter);
  iounmap(registers);
}
module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tells the monitor mirrorball of free pages");
