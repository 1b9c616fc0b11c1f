/* cli/request_values.h: words that describe a VM, into its configuration. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each as request_set(): 0, 2 (one line was printed), or -1: a list was printed, and all is done. */
#ifndef CLI_REQUEST_VALUES_H
#define CLI_REQUEST_VALUES_H
#include "cli/request.h"

int request_set_cpu(struct request *r, const char *v);
int request_set_board(struct request *r, const char *v);
int request_set_mem(struct request *r, const char *v);
int request_set_code_cache(struct request *r, const char *v);
int request_set_rtc(struct request *r, const char *v);
int request_set_tier(struct request *r, const char *v);
int request_set_mode(struct request *r, const char *v);
int request_set_disk(struct request *r, const char *v);
#endif
