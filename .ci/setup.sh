# .ci/setup.sh: shell functions shared by guests/boot and criterion-tests/run: packages, build, progress.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced with `top` set to the checkout and `me` to the script's name for messages. All messages go to stderr.

: "${top:?}" "${me:?}"

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 2; }

# step WHAT COMMAND...: run a long command quietly; show that it moves, and its last lines if it fails.
step() {
  local what=$1 log pid waited=0 status=0
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; rm -f "$log"; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    waited=$((waited + 1))
    if [[ -t 2 ]]; then
      ((waited % 5)) || printf '\r%s: %s: %s\033[K' "$me" "$what" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-60)" >&2
    elif ((waited % 100 == 0)); then
      say "$what: $((waited / 10)) s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-80)"
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM
  [[ -t 2 ]] && printf '\r\033[K' >&2
  if ((status)); then
    say "$what failed:"
    tail -n 20 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

# The packages of these groups that are not installed.
missing_packages() {
  local group package wanted=" $* "
  while read -r group package; do
    [[ $wanted == *" $group "* ]] || continue
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ?i* ]] || echo "$package"
  done < <(grep -v -e '^#' -e '^$' "$top/.ci/packages")
}

# install_packages GROUP...: make sure they are there. Returns 1, having said what to do, when that cannot be.
install_packages() {
  local missing as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "this is no Debian: make sure that what .ci/packages names is installed"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  ((EUID)) && as_root=(sudo -n)
  if ((EUID)) && ! sudo -n true 2>/dev/null; then
    say "packages are missing; as root, run: apt-get install ${missing[*]}"
    return 1
  fi
  say "installing ${missing[*]}"
  # A third party's broken source must not stop us: what counts is whether the packages come.
  step "reading package lists" "${as_root[@]}" apt-get update || true
  if ! step "installing packages" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"; then
    say "these packages are missing and could not be installed: ${missing[*]}"
    say "check the network (or a proxy, or /etc/apt), then run this again"
    return 1
  fi
}

# Build the program (and the tests) into build/.
build_program() {
  if [[ ! -f $top/build/build.ninja ]]; then
    (cd "$top" && step "configuring" cmake --preset release) || die "cmake could not configure the build (above)"
  fi
  step "building" ninja -C "$top/build" || die "the build failed (above)"
}
