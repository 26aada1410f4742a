#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a while, two at a time; one line a target. Exit code 1 when one found something.
#
# usage: tools/run_fuzzers.sh [SECONDS] [TARGET...]      default: 60 seconds, all targets
#
# REPRISE_FUZZ_SEED fixes the order in which inputs are tried: with it a gate gives one program one verdict; without it each run tries others.
# What an input found is kept in build-fuzz/findings; corpora grow in build-fuzz/corpus. tests/fuzz/README.md says more.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build='build-fuzz'
at_once=2
# Memory must stay bounded whatever lengths an input claims, in the program at 64 MiB: no single allocation may be larger ...
malloc_limit_mib=64
# ... and the whole process has what AddressSanitizer (redzones, a quarantine of 16 MiB), the coverage maps and the corpus take beside that.
rss_limit_mib=384
sanitizer_options=quarantine_size_mb=16:detect_leaks=1:allocator_may_return_null=0

seconds=60
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
[ "$seconds" -ge 1 ] || { echo "fuzz: want at least 1 second" >&2; exit 2; }

run_target() {
  local target=$1 log=$build/fuzz-$1.log dictionary=tests/fuzz/dictionaries/$1.dict code=0
  local arguments=(
    -max_total_time="$seconds" -timeout=10 -print_final_stats=1 -malloc_limit_mb="$malloc_limit_mib"
    -rss_limit_mb="$rss_limit_mib"
    -artifact_prefix="$build/findings/$target-"
  )
  [ -z "${REPRISE_FUZZ_SEED:-}" ] || arguments+=(-seed="$REPRISE_FUZZ_SEED")
  [ ! -f "$dictionary" ] || arguments+=(-dict="$dictionary")
  mkdir -p "$build/corpus/$target" "$build/findings"
  ASAN_OPTIONS=$sanitizer_options UBSAN_OPTIONS=print_stacktrace=1 \
    "$build/bin/${target}_fuzz" "${arguments[@]}" "$build/corpus/$target" "tests/fuzz/seeds/$target" >"$log" 2>&1 || code=$?
  local executions coverage peak
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-16s %9s executions, coverage %5s, peak %4s MiB: ' "$target" "${executions:-?}" "${coverage:-?}" "${peak:-?}"
  if [ "$code" = 0 ]; then
    echo "nothing found"
  else
    echo "FOUND SOMETHING: $(grep -m 1 -E 'ERROR: |runtime error: |CHECK\(' "$log" || echo "exit code $code"); see $log"
  fi
  return "$code"
}

mkdir -p "$build"
cmake --preset fuzz >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; exit 4; }
cmake --build --preset fuzz >"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log" >&2; exit 4; }
mapfile -t targets <"$build/fuzz_targets.txt"
for target in "$@"; do
  printf '%s\n' "${targets[@]}" | grep -qxF "$target" || { echo "fuzz: no target '$target'; there are: ${targets[*]}" >&2; exit 2; }
done
[ $# = 0 ] || targets=("$@")

found=0
running=0
for target in "${targets[@]}"; do
  if [ "$running" = "$at_once" ]; then
    wait -n || found=1
    running=$((running - 1))
  fi
  run_target "$target" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
  wait -n || found=1
  running=$((running - 1))
done
exit "$found"
