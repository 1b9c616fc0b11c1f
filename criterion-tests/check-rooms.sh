#!/bin/bash
# criterion-tests/check-rooms.sh: holds the sources against the house's rules that a machine can check.
# SPDX-License-Identifier: Apache-2.0
# 1. A room includes only its own headers and those of the rooms its room() line in CMakeLists.txt NEEDS.
# 2. The first line of every source file is a comment that begins with its path.
# 3. Every path named in README.md and docs/*.md exists.
set -u
top=${MB_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
cd "$top" || exit 1
failed=0
complain() {
  failed=$((failed + 1))
  echo "$1"
}

# --- 1. includes ---
declare -A needs=([cli]="include" [include]="" [guests]="iosys")
while read -r room list; do needs[$room]=$list; done < <(
  tr '\n' ' ' <CMakeLists.txt | grep -oE '\broom\([a-z-]+[^)]*\)' |
    sed -E 's/^room\(//; s/\)$//; s/ +LIBS .*//; s/ NEEDS / /' | grep -v 'name')
((${#needs[@]} > 3)) || complain "CMakeLists.txt: no room() lines found"

may_include() { # room target-room header
  local room=$1 from=$2 header=$3
  case $room in
    jit) [[ $from == jit || $header == mmu/softtlb.h ]] ;;
    guests) [[ $from == guests || $header == iosys/board.h || $header != */* ]] ;; # own programs: their own folder
    *) [[ $from == "$room" || " ${needs[$room]} " == *" $from "* ]] ;;
  esac
}

for room in "${!needs[@]}"; do
  while IFS=: read -r file line header; do
    from=${header%%/*}
    [[ $header == mirrorball*.h ]] && from=include
    [[ $room == guests && $header == ../* ]] && continue
    may_include "$room" "$from" "$header" || complain "$file:$line: $room/ may not include $header (NEEDS: ${needs[$room]:-nothing})"
  done < <(grep -rnE --include='*.[chS]' --include='*.def' '^[ \t]*#[ \t]*include[ \t]*"' "$room" 2>/dev/null |
    sed -E 's/^([^:]*):([0-9]+):[^"]*"([^"]*)".*/\1:\2:\3/')
done

# --- 2. first lines ---
while read -r file; do
  IFS= read -r first <"$file" || first=
  case $first in
    "/* $file: "* | "// $file: "*) ;;
    *) complain "$file:1: should begin with: /* $file: what it is. */" ;;
  esac
done < <(find "${!needs[@]}" criterion-tests perf -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.S' \) 2>/dev/null | sort -u)

# --- 3. paths in the documents ---
folders=$(printf '%s|' "${!needs[@]}" docs perf criterion-tests .ci)
for doc in README.md docs/*.md; do
  [[ -f $doc ]] || continue
  while IFS=: read -r line path; do
    path=${path%%:*}
    path=${path%[.,;]}
    # A path may be a pattern: one match is enough.
    compgen -G "$path" >/dev/null && continue
    missing=
    # Braces are the shell's to open; the pattern below lets nothing through that eval could stumble over.
    for one in $(eval "printf '%s\\n' $path"); do
      [[ -e $one ]] || compgen -G "$one" >/dev/null || missing=$one
    done
    [[ -z $missing ]] || complain "$doc:$line: there is no $missing"
  done < <(grep -noE "(^|[^A-Za-z0-9_./-])(${folders%|})/[A-Za-z0-9_.{},*/-]*[A-Za-z0-9_*}/]" "$doc" |
    sed -E 's/^([0-9]+):[^A-Za-z.]*/\1:/')
done

((failed)) && echo "$failed complaints" || echo "rooms, first lines and paths are as they should be"
((failed == 0))
