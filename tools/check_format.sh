#!/usr/bin/env bash
# Checks (or with --fix, corrects) the layout of all C and C++ sources with clang-format.
#
# usage: tools/check_format.sh [--fix]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cc' '*.h' '*.c' | sort -u)
if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
elif ! clang-format --dry-run --Werror "${files[@]}"; then
  echo "format: run tools/check_format.sh --fix" >&2
  exit 1
else
  echo "format: ${#files[@]} files are laid out as .clang-format says"
fi
