#!/usr/bin/env bash
# scripts/demo.sh --once proves something only if it fails when the gateway is broken: it must pass
# as it is, and fail with failover switched off. Usage: demo_breaks.sh SOURCE_DIR BUILD_DIR
set -uo pipefail
export LLMORCH_DEMO_BUILD=$2
unset OPENAI_API_KEY
"$1/scripts/demo.sh" --once || {
  echo "the demo fails as it is"
  exit 1
}
out=$(LLMORCH_DEMO_FAILOVER=off "$1/scripts/demo.sh" --once)
status=$?
if [[ $status == 0 || $out != *"call 1"*FAILED* ]]; then
  printf '%s\n' "$out"
  echo "with failover off the demo should have failed at its first call after the kill (status $status)"
  exit 1
fi
echo "with failover off it fails, as it should"
