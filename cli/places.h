/* cli/places.h: the words of --numa and its kin, --place, --policy, --policy-set, --sched and --pin. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H
#include "cli/request.h"

/* What such an option says, into the machine's configuration. 0; 2, after one line on stderr; -1: all is done. */
int places_numa(struct request *r, const char *v);
int places_numa_sample(struct request *r, const char *v);
int places_numa_machine(struct request *r, const char *v);
int places_place(struct request *r, const char *v);
int places_policy(struct request *r, const char *v);
int places_feed(struct request *r, const char *v);
int places_setting(struct request *r, const char *v);
int places_sched(struct request *r, const char *v);
int places_pin(struct request *r, const char *v);
#endif
