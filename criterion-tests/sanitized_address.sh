#!/bin/bash
# criterion-tests/sanitized_address.sh: the suite again, guest boots included, under ASan and UBSan.
# SPDX-License-Identifier: Apache-2.0
preset=dev
# For time, left to the plain build: unit tests once more with LLVM, most of which is LLVM's time (it is not instrumented; what
# is ours there test_llvm and test_torture reach), and of whole guests all but one, as they take ten times as long.
# ctest --test-dir build-dev runs them too.
tests=(-E '^(sanitized_|guest_[^d]|guest_di|guest_debian_[^4]|test_.*\.llvm)')
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
