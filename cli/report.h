/* cli/report.h: what results of experiments say: as a table, and as a page of plots. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Text and page are drawn from one model: {"experiments": [{"name", "title", "about", "missing": cells that have not
 * been run, "rows": [{"workload", "vms", "machine", "policy", "fidelity", "label": of those that vary, "seconds": of
 * the guests' time, "percent": of the first row of its workload, "instructions", "host_seconds", "parts": {name:
 * seconds of cpu time, of all vcpus together}, and if there was a modelled machine "misses": {kind: how many},
 * "tlb_refills", "traffic": [[by node and home]], "moves", "pages": of report_pages()}]}], "paper": what it is set
 * beside}. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H
#include <jansson.h>
#include <stdio.h>

/* The model of results_document(). Owned by the caller; NULL: no memory. */
json_t *report_model(const json_t *document);
/* What a page log says of the pages that are missed most: {"all": how many pages it tells of, "page": [{"vm", "n"}],
 * "times": [seconds: when each of equal intervals ends], "heat": [{"page", "time": numbers in these two, "home", "by":
 * [[node, reads, writes]]}], "events": [{"page", "at": seconds, "kind": "m", "r", "c" or "l", "from", "to"}]}. NULL: no
 * memory, or it is none. */
json_t *report_pages(const char *log);
/* From a results_document(). */
void report_print(const json_t *document, FILE *to);
/* 0, or 1 after a line that begins with `command`. */
int report_page(const char *command, const json_t *document, const char *path);
#endif
