#!/usr/bin/env bash
# Everything a fresh Debian 12 or 13 needs to build and run Reprise: packages, and the demo guest. Does nothing when all is there.
#
# usage: tools/setup.sh
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$tools/install_packages.sh"
"$tools/build_guest.sh"
