#!/usr/bin/env bash
# Runs clang-tidy over our sources, or over those whose path matches a regular expression.
#
# usage: tools/run_tidy.sh [REGEX]      recorder/ or tests/recorder/barrier; default: the program and its tests
# REPRISE_TIDY_JOBS (default: all cores) and REPRISE_TIDY_LIMIT (default: 25m) bound it.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repo"
build='build-tidy'
limit=${REPRISE_TIDY_LIMIT:-25m}
pattern=${1:-(tests/)?[a-z_]+/[a-z0-9_]+[.]cc} # build folders have a hyphen in their name

cmake --preset tidy >/dev/null
# Sources include headers that Cap'n Proto generates; these alone are built here.
mapfile -t generated < <(ninja -C "$build" -t targets all | sed -n 's/^\([^:]*[.]capnp[.]h\): .*/\1/p')
[ ${#generated[@]} -eq 0 ] || ninja -C "$build" "${generated[@]}" >/dev/null
files=$(grep -cE "\"file\": \"$repo/$pattern" "$build/compile_commands.json" || true)
if [ "$files" = 0 ]; then
  echo "tidy: no source that is built matches '$pattern'" >&2
  exit 2
fi
log=$build/tidy.log
code=0
timeout "$limit" run-clang-tidy -quiet -p "$build" -j "${REPRISE_TIDY_JOBS:-$(nproc)}" \
  -header-filter "^$repo/(tests/)?[a-z_]+/[a-z0-9_]+[.]h\$" "^$repo/$pattern" >"$log" 2>&1 || code=$?
if [ "$code" = 124 ]; then
  echo "tidy: stopped after $limit; REPRISE_TIDY_LIMIT raises that" >&2
elif [ "$code" != 0 ]; then
  # One finding in a header comes once for each file that includes it, in colour.
  sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^[^ ]+:[0-9]+:[0-9]+: (error|warning): ' | sort -u >&2 || tail -n 40 "$log" >&2
  echo "tidy: see above; $log has the source lines" >&2
else
  echo "tidy: $files files, nothing found"
fi
exit "$code"
