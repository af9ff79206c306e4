#!/usr/bin/env bash
# Builds llmorch and shows it: the gateway and two mock vendors as separate processes, driven with
# plain curl.
#   scripts/demo.sh         drives everything once, then keeps running for your own curl until Ctrl-C
#   scripts/demo.sh --once  drives everything once; exits with 0 only if each step really behaved
# With OPENAI_API_KEY set, the real vendor is asked as well (LLMORCH_DEMO_MODEL: gpt-4o-mini).
# LLMORCH_DEMO_FAILOVER=off breaks the gateway on purpose; --once must then fail.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8

mode=${1:-}
[[ -z $mode || $mode == --once ]] || die "usage: scripts/demo.sh [--once]"
failover=true
[[ ${LLMORCH_DEMO_FAILOVER:-on} != off ]] || failover=false

work=$(mktemp -d)
finish() {
  local status=$?
  stop_services
  if [[ $status != 0 && -f $work/gateway.log ]]; then
    say "--- the gateway's last words"
    tail -n 20 "$work/gateway.log"
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- build (or take a built tree: LLMORCH_DEMO_BUILD) ----
bin=${LLMORCH_DEMO_BUILD:-}
if [[ -z $bin ]]; then
  bin=$ROOT/build/demo
  install_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_DEMO[@]}"
  # A user's compiler may know warnings that ours does not: they are no reason to stop.
  say "building (a few minutes the first time)"
  build_in "$bin" release "-DLLMORCH_DEVELOPER=OFF -DLLMORCH_BUILD_TESTS=OFF -DLLMORCH_BUILD_EXAMPLES=OFF" \
    llmorch_gateway llmorch_testing_cli
fi
llmorch=$(find "$bin" -maxdepth 3 -type f -name llmorch -perm -u+x | head -n 1)
testing=$(find "$bin" -maxdepth 3 -type f -name llmorch-testing -perm -u+x | head -n 1)
[[ -n $llmorch && -n $testing ]] || die "no binaries under $bin"

# ---- two vendors and a gateway ----
start_mock "$testing" first "$work"
first_pid=$SERVICE_PID first=$SERVICE_ADDRESS
start_mock "$testing" second "$work"
second=$SERVICE_ADDRESS
cat >"$work/llmorch.yaml" <<YAML
version: 1
providers:
  - { name: first, type: openai, base_url: "http://$first/v1", api_key: sk-first }
  - { name: second, type: openai, base_url: "http://$second/v1", api_key: sk-second }
models:
  - name: demo
    failover: $failover
    targets:
      - { provider: first, model: mock-model, tier: 1 }
      - { provider: second, model: mock-model, tier: 2 }
YAML
"$llmorch" check-config -c "$work/llmorch.yaml" >"$work/check.log" 2>&1 ||
  die "the generated configuration was refused: $(cat "$work/check.log")"
start_gateway "$llmorch" "$work" "$work/llmorch.yaml"
gateway=$SERVICE_ADDRESS
say "first vendor  $first (pid $first_pid)"
say "second vendor $second"
say "gateway       $gateway"

# ---- how a step asks and checks ----
# ask BODY [CURL OPTION…]: sets STATUS; the answer is in $work/body, its head in $work/head.
ask() {
  local body=$1
  shift
  STATUS=$(curl -sS --noproxy '*' --max-time 60 -D "$work/head" -o "$work/body" -w '%{http_code}' \
    -H 'content-type: application/json' "$@" --data-binary "$body" \
    "http://$gateway/v1/chat/completions") || die "curl failed"
}
nonce() { od -An -N8 -tx8 /dev/urandom | tr -d ' \n'; }
step() { printf '%-60s' "$1"; }
passed() { say "ok${1:+ ($1)}"; }
failed() {
  say "FAILED: $1"
  say "--- status $STATUS"
  head -c 2000 "$work/body"
  exit 1
}
in_body() { grep -qF -- "$1" "$work/body" || failed "no $1 in the answer"; }
header() { tr -d '\r' <"$work/head" | awk -F': ' -v name="$1" 'tolower($1) == name { print $2 }'; }
# The text of a stream: its deltas, put together.
streamed_text() { sed -n 's/^data: .*"delta":{[^}]*"content":"\(\([^"\\]\|\\.\)*\)".*/\1/p' "$work/body" | tr -d '\n'; }
# record REQUEST_ID: the one log line about that call; it is written after the answer.
record() {
  local tries line
  for ((tries = 0; tries < 100; tries++)); do
    line=$(grep -F -- "\"request_id\":\"$1\"" "$work/gateway.log" | grep -F '"attempts":') || true
    if [[ -n $line ]]; then
      printf '%s' "$line"
      return
    fi
    sleep 0.05
  done
}
attempts() { record "$(header x-request-id)" | sed 's/.*"attempts":\[//; s/\],"plan".*//' | grep -o '"provider":"[a-z]*"' | tr '\n' ' '; }

whole() {
  step "a whole answer"
  word=$(nonce)
  ask "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}"
  [[ $STATUS == 200 ]] || failed "not 200"
  in_body '"object":"chat.completion"'
  in_body "$word"
  passed "the vendor saw our random $word"
}

streamed() {
  step "a stream"
  word=$(nonce)
  ask "{\"model\":\"demo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}" -N
  [[ $STATUS == 200 && $(header content-type) == text/event-stream* ]] || failed "not an event stream"
  frames=$(grep -c '^data: {' "$work/body") || failed "no frames"
  ((frames >= 3)) || failed "only $frames frames"
  [[ $(streamed_text) == *"$word"* ]] || failed "the text is not ours: $(streamed_text)"
  [[ $(grep '^data:' "$work/body" | tail -n 1 | tr -d '\r') == "data: [DONE]" ]] || failed "no [DONE] at the end"
  passed "$frames frames, then [DONE]"
}

tool_call() {
  step "a tool call"
  ask '{"model":"demo","messages":[{"role":"user","content":"What is the weather in Oslo?"}],
    "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
    "properties":{"city":{"type":"string"}},"required":["city"]}}}],"tool_choice":"required"}'
  [[ $STATUS == 200 ]] || failed "not 200"
  in_body '"tool_calls":'
  in_body '"name":"get_weather"'
  in_body '"finish_reason":"tool_calls"'
  call_id=$(grep -o '"id":"call[^"]*"' "$work/body" | head -n 1 | cut -d'"' -f4)
  [[ -n $call_id ]] || failed "the call has no id"
  word=$(nonce)
  ask "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the weather in Oslo?\"},
    {\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"$call_id\",\"type\":\"function\",
    \"function\":{\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]},
    {\"role\":\"tool\",\"tool_call_id\":\"$call_id\",\"content\":\"rain $word\"}]}"
  [[ $STATUS == 200 ]] || failed "the tool's result was refused"
  in_body "$word"
  passed "get_weather was called, and its result was answered"
}

unknown_model() {
  step "an unknown model"
  ask '{"model":"dem","messages":[{"role":"user","content":"hello"}]}'
  [[ $STATUS == 404 ]] || failed "not 404"
  in_body model_not_found
  in_body demo
  passed "404, and the nearest name"
}

failing_over() {
  step "failover: the first vendor is killed (pid $first_pid)"
  kill -9 "$first_pid"
  wait "$first_pid" 2>/dev/null || true
  say ""
  local number
  for number in 1 2 3 4; do
    step "  call $number"
    word=$(nonce)
    ask "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}"
    [[ $STATUS == 200 ]] || failed "not 200"
    in_body "$word"
    tried=$(attempts)
    if ((number == 1)); then
      [[ $tried == '"provider":"first" "provider":"second" ' ]] ||
        failed "the log does not show a second attempt: $tried"
    fi
    passed "attempts: $(sed 's/"provider"://g; s/"//g; s/ $//' <<<"$tried")"
  done
  step "  a stream"
  word=$(nonce)
  ask "{\"model\":\"demo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}" -N
  [[ $STATUS == 200 && $(streamed_text) == *"$word"* ]] || failed "no stream from the second vendor"
  passed
}

real_vendor() {
  local model=${LLMORCH_DEMO_MODEL:-gpt-4o-mini}
  cat >"$work/real.yaml" <<YAML
version: 1
providers:
  - { name: openai, type: openai, api_key: "\${OPENAI_API_KEY}" }
models:
  - { name: demo, targets: [ { provider: openai, model: "$model" } ] }
YAML
  start_service real "$work" "$llmorch" serve -c "$work/real.yaml" --listen 127.0.0.1:0
  gateway=$SERVICE_ADDRESS
  step "the real vendor, $model"
  word=$(nonce)
  ask "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"Repeat exactly: $word\"}]}"
  [[ $STATUS == 200 ]] || failed "not 200"
  in_body "$word"
  ask "{\"model\":\"demo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Repeat exactly: $word\"}]}" -N
  [[ $STATUS == 200 && $(streamed_text) == *"$word"* ]] || failed "the stream did not repeat our word"
  passed "whole and stream"
}

if [[ -n ${OPENAI_API_KEY:-} ]]; then
  mock_gateway=$gateway
  real_vendor
  gateway=$mock_gateway
fi
whole
streamed
tool_call
unknown_model
failing_over
say "everything behaved"
[[ $mode != --once ]] || exit 0

cat <<TEXT

The gateway keeps running. Try:
  curl http://$gateway/v1/models
  curl http://$gateway/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"demo","messages":[{"role":"user","content":"hello"}]}'
  curl -N http://$gateway/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"demo","stream":true,"messages":[{"role":"user","content":"hello"}]}'
Ctrl-C ends it.
TEXT
wait "$SERVICE_PID"
