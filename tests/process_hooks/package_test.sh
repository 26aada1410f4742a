#!/usr/bin/env bash
# What is installed serves a program outside of this build: by pkg-config, shared and static, and as a CMake package; in C and C++.
#
# usage: package_test.sh BUILD-FOLDER SOURCE-FOLDER
set -euo pipefail

build=$1
source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cmake --install "$build" --component client --prefix "$folder/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$folder/prefix" -name reprise_client.pc)")
export PKG_CONFIG_PATH
read -r -a flags <<<"$(pkg-config --cflags --libs reprise_client)"
cc "$source/actor.c" "${flags[@]}" -pthread -o "$folder/shared"
readelf -d "$folder/shared" | grep -q 'NEEDED.*libreprise_client[.]so[.]0'
read -r -a flags <<<"$(pkg-config --static --cflags --libs reprise_client | sed 's/-lreprise_client/-l:libreprise_client.a/')"
cc "$source/actor.c" "${flags[@]}" -o "$folder/static"
grep -q 'reprise client library, protocol 1' "$folder/static"

mkdir "$folder/project"
cp "$source/actor.c" "$folder/project/"
printf 'extern "C" {\n#include <tansiv-client.h>\n}\nint main() { return vsg_poll(nullptr) == 0; }\n' >"$folder/project/vsg.cc"
cat >"$folder/project/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C CXX)
find_package(reprise_client 0.1 REQUIRED)
add_executable(shared actor.c)
target_link_libraries(shared reprise_client::shared Threads::Threads)
add_executable(static actor.c)
target_link_libraries(static reprise_client::static)
add_executable(vsg vsg.cc)
target_link_libraries(vsg reprise_client::shared)
EOF
cmake -S "$folder/project" -B "$folder/built" -DCMAKE_PREFIX_PATH="$folder/prefix" >"$folder/log" || { cat "$folder/log" >&2; exit 1; }
cmake --build "$folder/built" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
"$folder/built/vsg"
echo "installed: headers, pkg-config, CMake package"
