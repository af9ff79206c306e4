#!/usr/bin/env bash
# The vendors' own SDKs against the gateway, and the vendors' own types against the bodies it sends.
#
# Usage: tests/sdk/run.sh LLMORCH_BINARY LLMORCH_TESTING_BINARY [BODIES_FOLDER]
#
# BODIES_FOLDER: what the request tests wrote there when LLMORCH_UPSTREAM_BODIES named it.
# Packages go into build/sdk. The last line is a JSON summary. Exit: 0 all that could run passed, 1
# something failed, 77 nothing could run.
set -uo pipefail
source "$(dirname "$0")/../../scripts/lib.sh"
[[ $# -ge 2 ]] || die "usage: tests/sdk/run.sh LLMORCH_BINARY LLMORCH_TESTING_BINARY [BODIES_FOLDER]"
llmorch=$1 testing=$2 bodies=${3:-}
here=$ROOT/tests/sdk
build=$ROOT/build/sdk
work=$(mktemp -d)
trap 'stop_services; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$build"

declare -A model=([openai]=gpt-4o [anthropic]=claude-sonnet-4-5 [gemini]=gemini-3-pro-preview)
summary=() failed=0 ran=0
skip() {
  say "skipped: $1: $2"
  summary+=("\"$1\": {\"skipped\": $(python3 -c 'import json,sys; print(json.dumps(sys.argv[1]))' "$2")}")
}

python_packages() {
  if [[ ! -x $build/venv/bin/python ]] && ! python3 -m venv "$build/venv" >"$work/venv.log" 2>&1; then
    reason="no virtual environment: $(tail -n 1 "$work/venv.log")"
    return 1
  fi
  "$build/venv/bin/python" -c 'import openai, anthropic, google.genai' 2>/dev/null && return 0
  "$build/venv/bin/python" -m pip install -q openai anthropic google-genai >"$work/pip.log" 2>&1 && return 0
  reason="PyPI did not hand out openai, anthropic and google-genai: $(tail -n 1 "$work/pip.log")"
  return 1
}

node_packages() {
  if ! command -v npm >/dev/null; then
    reason="npm is not installed"
    return 1
  fi
  [[ -d $build/node_modules/openai ]] && return 0
  npm install --prefix "$build" --no-save --no-audit --no-fund openai >"$work/npm.log" 2>&1 && return 0
  reason="npm did not hand out openai: $(tail -n 1 "$work/npm.log")"
  return 1
}

# One port of the mock speaks all three, by path.
start_both() {
  start_mock "$testing" mock "$work" || return 1
  mock=$SERVICE_ADDRESS
  cat >"$work/gateway.yaml" <<YAML
version: 1
providers:
  - { name: openai, type: openai, base_url: "http://$mock/v1", api_key: sk-mock }
  - { name: anthropic, type: anthropic, base_url: "http://$mock", api_key: sk-mock }
  - { name: gemini, type: gemini, base_url: "http://$mock", api_key: sk-mock }
models:
  - { name: by-openai, targets: [ { provider: openai, model: ${model[openai]} } ] }
  - { name: by-anthropic, targets: [ { provider: anthropic, model: ${model[anthropic]} } ] }
  - { name: by-gemini, targets: [ { provider: gemini, model: ${model[gemini]} } ] }
YAML
  start_gateway "$llmorch" "$work" "$work/gateway.yaml" || return 1
  gateway="http://$SERVICE_ADDRESS/v1"
}

# sdk NAME COMMAND…: runs COMMAND for each vendor, with URL, model, mock and vendor behind it.
sdk() {
  local name=$1 vendor counts=() version="" out
  shift
  for vendor in openai anthropic gemini; do
    out=$work/$name-$vendor.out
    say "$name through $vendor:"
    ran=$((ran + 1))
    if "$@" "$gateway" "by-$vendor" "${extra[@]}" "$vendor" >"$out" 2>&1; then
      counts+=("\"$vendor\": $(grep -c ': ok$' "$out")")
      version=$(sed -n 's/^\(openai[a-z-]* [^:]*\):.*/\1/p' "$out" | tail -n 1)
      tail -n 1 "$out"
    else
      failed=$((failed + 1))
      counts+=("\"$vendor\": \"failed\"")
      cat "$out"
      tail -n 3 "$work/gateway.log"
    fi
  done
  summary+=("\"$name\": {\"sdk\": \"$version\", \"steps\": {$(IFS=,; printf '%s' "${counts[*]}")}}")
}

check_types() {
  local out=$work/types.out code
  "$build/venv/bin/python" "$here/upstream_types.py" "$bodies" >"$out" 2>&1
  code=$?
  cat "$out"
  if ((code == 77)); then
    skip types "$(head -n 1 "$out")"
    return
  fi
  ran=$((ran + 1))
  ((code == 0)) || failed=$((failed + 1))
  summary+=("\"types\": {\"packages\": \"$(tail -n 2 "$out" | head -n 1)\", \"result\": \"$(tail -n 1 "$out")\", \"failed\": $((code != 0))}")
}

if start_both; then
  reason=
  if python_packages; then
    extra=("$mock")
    sdk python "$build/venv/bin/python" "$here/openai_python.py"
  else
    skip python "$reason"
  fi
  if node_packages; then
    extra=()
    NODE_PATH=$build/node_modules sdk node node "$here/openai_node.mjs"
  else
    skip node "$reason"
  fi
else
  failed=$((failed + 1))
fi
if [[ -z $bodies ]]; then
  skip types "no folder of encoded bodies was named"
elif python_packages; then
  check_types
else
  skip types "$reason"
fi
printf '{%s, "failed": %d}\n' "$(IFS=,; printf '%s' "${summary[*]}")" "$failed"
((failed == 0)) || exit 1
((ran > 0)) || exit 77
