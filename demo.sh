#!/usr/bin/env bash
# Shows the whole of Reprise on a fresh Debian 12 or 13: sets up, builds, records two guests that ping each other over a simulated
# network, replays them bit for bit, compares two recordings and prints statistics. What it makes is in build/demo.
#
# usage: ./demo.sh
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$repo"
export REPRISE_GUESTS=${REPRISE_GUESTS:-$repo/build/guests}
reprise=build/bin/reprise
example=examples/ping
out=build/demo
steps=9
step=0
title='start'

announce() {
  step=$((step + 1))
  title=$1
  printf '\n[%d/%d %02d:%02d] %s\n' "$step" "$steps" $((SECONDS / 60)) $((SECONDS % 60)) "$title"
}
# The first word of a command line is said as a user would type it.
run() {
  echo "\$ $*"
  "$@"
}
on_exit() {
  local code=$?
  [ "$code" = 0 ] || printf '\ndemo: failed in step %d/%d (%s), exit code %d\n' "$step" "$steps" "$title" "$code" >&2
}
trap on_exit EXIT

announce "Set up: Debian packages and the demo guest (only what is missing)"
run tools/setup.sh
announce "Build"
run cmake --preset release
run cmake --build --preset release --target reprise reprise_qemu_hooks # the tests are not needed here
rm -rf "$out"
mkdir -p "$out"
announce "Record two guests that ping each other over a simulated network"
run "$reprise" record "$example/platform.xml" "$example/deployment.xml" -o "$out/ping.trace" --console "$out/console"
announce "What the guest 'alice' saw: each round trip is twice the platform's 10 ms path"
cat "$out/console/alice.log"
announce "Record the same again"
run "$reprise" record "$example/platform.xml" "$example/deployment.xml" -o "$out/again.trace"
announce "Replay every guest alone, comparing each output with the recording"
run "$reprise" replay "$out/ping.trace"
announce "Replay one guest only"
run "$reprise" replay "$out/ping.trace" --guest alice
announce "Compare the two recordings"
run "$reprise" diff "$out/ping.trace" "$out/again.trace"
announce "Statistics"
run "$reprise" stats "$out/ping.trace"

printf '\nDone in %d:%02d. Traces and consoles are in %s.\n' $((SECONDS / 60)) $((SECONDS % 60)) "$repo/$out"
