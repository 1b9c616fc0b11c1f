/* cli/nets.h: the words of --net. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_NETS_H
#define CLI_NETS_H
#include "cli/request.h"

/* What --net takes, and what it does, for the table of options. */
extern const char nets_words[], nets_help[];
/* "nat,pcnet,forward=tcp:8080:80" or "subnet=NAME": into *net, whose strings are then the caller's to free. Returns 0,
 * or 2 after one line on stderr. */
int nets_parse(const struct request *r, struct mb_net *net, const char *text);
#endif
