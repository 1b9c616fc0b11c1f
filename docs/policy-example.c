/* docs/policy-example.c: a placement policy of one's own: the last node that stores to a page gets it. */
/* SPDX-License-Identifier: Apache-2.0 */
/*   cc -shared -fPIC -I include -o last-writer.so docs/policy-example.c
 *   mirrorball run GUEST --numa cache --policy ./last-writer.so --policy-set trigger=64
 *
 * Producer and consumer: what one node writes and another reads would be passed around by a policy that looks at misses
 * alone. Here it stays with who writes; what nobody writes is copied to who reads it. */
#include "mirrorball-policy.h"

struct mb_page_verdict mb_page_policy(const struct mb_page *page, const struct mb_page_settings *set) {
  struct mb_page_verdict v = {.move = MB_PAGE_LEAVE, .note = page->note};
  uint32_t writes = 0;
  for (uint32_t n = 0; n < page->nodes; n++) writes += page->writes[n];
  /* The page is hot because of this node, which is not its home. The note counts how often it has moved. */
  if (!page->room[page->node] || page->note >= 8) return v;
  v.node = page->node;
  v.note = page->note + 1;
  if (!writes && !(page->replicas >> page->node & 1))
    v.move = MB_PAGE_REPLICATE;
  else if (2 * page->writes[page->node] > writes && page->migrations < set->migrate)
    v.move = MB_PAGE_MIGRATE;
  else
    v.note = page->note;
  return v;
}
