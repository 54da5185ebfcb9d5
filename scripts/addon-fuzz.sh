#!/bin/sh
# Builds the addon's parsers of what the kernel says with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer
# (clang with its compiler-rt: Debian's clang-14 and libclang-rt-14-dev) and runs each: scripts/addon-fuzz.sh [SECONDS].
# Fails on a finding; exit status 77: there is no such clang.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/dist/fuzz
mkdir -p "$out"
probe='extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
clang=
for name in ${CLANGXX:-} clang++-14 clang++; do
  if echo "$probe" | "$name" -x c++ -fsanitize=fuzzer,address,undefined -o "$out/probe" - 2> /dev/null; then
    clang=$name && break
  fi
done
if [ -z "$clang" ]; then
  echo "addon-fuzz: no clang++ with libFuzzer" >&2
  exit 77
fi
cd "$out"
for name in ancillary tsreply; do
  "$clang" -std=c++17 -O1 -g -D_GNU_SOURCE -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined -o "$name" "$root/test/fuzz/native/$name.cc"
  "./$name" -max_total_time="${1:-10}" -max_len=512 -seed=20 -print_final_stats=1
done
