# criterion-tests/sanitized.bash: build a sanitizer preset and run the tests in it; sourced with `preset`, `tests` (options
# of ctest), and what they need, `target`.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
set -eu
source_dir=${MB_SOURCE:?} build=${MB_SOURCE}/build-${preset:?}
[[ ${MB_BUILD:?} != "$build" ]] || { echo "skipped: this is that build"; exit 77; }
# Of libraries that are not built with TSan it sees the locks, but not the atomics.
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=ignore_noninstrumented_modules=1
# Whole guests and random programs have been judged by the plain build: here the same code need only be reached.
export MB_QUICK=1 MB_GARBAGE_SEEDS=1 MB_ORACLE_BLOCKS=1000
cd "$source_dir"
cmake --preset "$preset" >/dev/null
ninja -C "$build" "${target-all}" | tail -1
[[ -d $MB_BUILD/guests ]] && ln -sfn "$MB_BUILD/guests" "$build/guests"
ctest --test-dir "$build" "${tests[@]:?}" --output-on-failure --no-tests=error
