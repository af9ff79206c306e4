#!/usr/bin/env bash
# The benchmark: the gateway beside nginx and HAProxy, over the testing engine's load generator.
#   bench/run.sh [--quick] [--only REGEX] [--out DIR] [--list] [--publish]
#     --quick      2 repetitions and short runs: to see that everything works, not to be quoted
#     --only REGEX rows whose name (see --list) contains a match
#     --out DIR    where JSON, table and plots go; default bench/out
#     --publish    also writes docs/bench and docs/evidence/bench.json; a full run does so anyway
# LLMORCH_BUILD_DIR names a finished release build; otherwise one is made.
# docs/bench/README.md says what is measured and which rows count.
set -uo pipefail
source "$(dirname "$0")/../scripts/lib.sh"
export LC_ALL=C.UTF-8

install_packages nginx-light haproxy strace openssl python3 util-linux
if [[ -z ${LLMORCH_BUILD_DIR:-} ]]; then
  install_packages "${PACKAGES_BUILD[@]}"
  build release llmorch_gateway llmorch_testing_cli || exit 1
  export LLMORCH_BUILD_DIR=$ROOT/build/release
fi
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
exec env PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/bench/rig/run.py" --root "$ROOT" "$@"
