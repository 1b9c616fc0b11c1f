/* cli/config_file.h: reading files in libconfig's format, whatever they hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H
#include <libconfig.h>

/* Read `path`, a "machine", an "experiment" ..., into *c, which the caller destroys. 0, or 2 after one line on stderr
 * that names the file, and the line if the text is at fault; there is nothing to destroy then. */
int config_file_read(config_t *c, const char *path, const char *what) __attribute__((warn_unused_result));
#endif
