#!/bin/sh
# Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer beside the ordinary build and runs the native tests
# on it. Fails on a finding. The sources are linked, not copied: build/Release stays as it is.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
variant=$root/dist/sanitize
mkdir -p "$variant"
for f in addon binding.gyp package.json node_modules; do ln -sfn "$root/$f" "$variant/$f"; done

# Headers beside the running node spare a download, as in scripts/bootstrap.mjs.
prefix=${npm_config_nodedir:-$(node -p 'require("node:path").dirname(require("node:path").dirname(process.execPath))')}
[ -e "$prefix/include/node/node_api.h" ] || prefix=

flags='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g'
(cd "$variant" && CXXFLAGS=$flags LDFLAGS=$flags "$root/node_modules/.bin/node-gyp" rebuild \
  ${prefix:+--nodedir="$prefix"} --loglevel=error)

"$root/node_modules/.bin/tsc" -b "$root/test"

# Node itself is not instrumented: the runtimes come first by preload, and V8's own leaks at exit are not ours.
LD_PRELOAD="$(${CXX:-g++} -print-file-name=libasan.so) $(${CXX:-g++} -print-file-name=libubsan.so)"
ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:halt_on_error=1
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# node-gyp-build looks below this directory instead of the package's own.
TIMEBALL_PREBUILD=$variant
export LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS TIMEBALL_PREBUILD
cd "$root"
exec node --test "$@" dist/test/unit/devices/native*.test.js
