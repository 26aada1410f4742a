#!/usr/bin/env bash
# Records the chain of command with several latencies of its link, and prints how many zombies each leaves, and how many its replay. Then once more
# with the first latency and a link that becomes slow when the first kill leaves, and compares: what differs first is the delivery of that kill.
#
# usage: examples/command_chain/sweep.sh FOLDER [LATENCY...]       (default: 1ms 4ms 16ms; REPRISE names the program)
set -euo pipefail

example=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
reprise=${REPRISE:-$example/../../build/bin/reprise}
[ $# -gt 0 ] || {
  sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
folder=$1
shift
[ $# -gt 0 ] || set -- 1ms 4ms 16ms
mkdir -p "$folder"

# The officer's first count after a kill.
zombies_in() { sed -n 's/.*officer: after kill: \([0-9]*\) zombies.*/\1/p' "$1" | head -n 1; }

# Records with these attributes of the link, as FOLDER/NAME.trace, and replays.
run() {
  local name=$1 link=$2
  sed "s/bandwidth=\"100Mbps\" latency=\"1ms\"/$link/" "$example/platform.xml" >"$folder/$name.xml"
  "$reprise" record "$folder/$name.xml" "$example/deployment.xml" -o "$folder/$name.trace" --console "$folder/$name" >/dev/null
  "$reprise" replay "$folder/$name.trace" --console "$folder/$name.replayed" >/dev/null
  echo "$name: $(zombies_in "$folder/$name/vm2.log") zombies, $(zombies_in "$folder/$name.replayed/vm2.log") in the replay"
}

for latency in "$@"; do
  run "$latency" "bandwidth=\"100Mbps\" latency=\"$latency\""
done

# The kill is the first frame of 71 bytes: Ethernet, IPv4 and TCP take 66, "kill" and a line feed the rest. SimGrid looks at a link one lookahead
# after a frame was sent.
sent=$("$reprise" dump "$folder/$1.trace" --guest vm1 --kind frame | sed -n 's/^\([0-9]*\) vm1 frame #[0-9]* sent [^ ]* 71 bytes.*/\1/p' | head -n 1)
[ -n "$sent" ] || {
  echo "sweep: $folder/$1.trace has no frame with a kill" >&2
  exit 1
}
lookahead=$("$reprise" info "$folder/$1.trace" | sed -n 's/.*lookahead \([0-9]*\) ns.*/\1/p')
slow_from=$((sent + lookahead - 1000))
printf '%d.%09d 5000\n' $((slow_from / 1000000000)) $((slow_from % 1000000000)) >"$folder/slow.bw"
run slow "bandwidth=\"100Mbps\" latency=\"$1\" bandwidth_file=\"slow.bw\""
"$reprise" diff "$folder/$1.trace" "$folder/slow.trace" --guest vm2 || [ $? = 1 ]
