# perf/setup.bash: from a fresh checkout to a measurement: packages, build, then Python.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
perf_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$perf_folder")
me=perf/$(basename "$0")
# shellcheck source=.ci/setup.sh
source "$top/.ci/setup.sh"

# perf_exec SCRIPT "GROUP..." ARGUMENTS...: become that Python script, with the package groups there and all built.
perf_exec() {
  local script=$perf_folder/$1 groups arg
  read -ra groups <<<"$2"
  shift 2
  export PYTHONDONTWRITEBYTECODE=1
  for arg; do
    [[ $arg == -h || $arg == --help ]] && command -v python3 >/dev/null && exec python3 "$script" --help
  done
  install_packages "${groups[@]}" || exit 2
  build_program
  exec python3 "$script" "$@"
}
