#!/usr/bin/env bash
# Sets up, builds and runs every test: first the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, then everything in
# the release build, whose ctest summary ends the output. The program is left at build/bin/reprise.
#
# usage: ./test.sh                  everything
#        ./test.sh -R barrier       arguments go to ctest; the sanitizer build is left out
#        REPRISE_WERROR=ON ./test.sh   warnings are errors
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$repo"
export REPRISE_GUESTS=${REPRISE_GUESTS:-$repo/build/guests}
options=(-DREPRISE_WERROR="${REPRISE_WERROR:-OFF}")

build() {
  echo "test: building preset $1"
  cmake --preset "$1" "${options[@]}" >"build/configure-$1.log" || { cat "build/configure-$1.log" && return 1; }
  cmake --build --preset "$1"
}

tools/setup.sh
mkdir -p build
if [ $# -eq 0 ]; then
  build asan
  ctest --preset asan
fi
build release
ctest --preset release "$@"
