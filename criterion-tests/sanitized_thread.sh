#!/bin/bash
# criterion-tests/sanitized_thread.sh: scripts whose runs have several threads again under TSan.
# SPDX-License-Identifier: Apache-2.0
preset=tsan target=mirrorball
# What has threads beside LLVM's. Criterion aborts under TSan; Debian's boots are the plain build's.
tests=(-R '^(code_store|monitor_calls|run_(gdb|litmus|pages|small_.*|splash|status))$')
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
