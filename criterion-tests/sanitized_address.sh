#!/bin/bash
# criterion-tests/sanitized_address.sh: the suite again, guest boots included, under ASan and UBSan.
# SPDX-License-Identifier: Apache-2.0
preset=dev
# For time, left to the plain build: the installers, and what is cut into so many slices that it is all LLVM's time (LLVM is
# not instrumented). ctest --test-dir build-dev runs them too.
tests=(-E '^(sanitized_|guest_[^d]|guest_di|guest_debian_[^4]|test_run\.llvm)') # of whole guests one: the others take ten times as long
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
