#!/usr/bin/env bash
# Builds llmorch and shows it: the gateway and three mock vendors (OpenAI, Anthropic, Gemini) as
# separate processes, driven with plain curl.
#   scripts/demo.sh         drives everything once, then keeps running for your own curl until Ctrl-C
#   scripts/demo.sh --once  drives everything once; exits with 0 only if each step really behaved
# With OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY set, that vendor itself is asked as well
# (LLMORCH_DEMO_MODEL names the model of the first one; else the first that it lists).
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

# ---- three vendors and a gateway ----
VENDORS=(openai anthropic gemini)
declare -A address pid weight=([openai]=5 [anthropic]=3 [gemini]=2)
for vendor in "${VENDORS[@]}"; do
  start_mock "$testing" "$vendor" "$work" --key "key-of-$vendor"
  address[$vendor]=$SERVICE_ADDRESS pid[$vendor]=$SERVICE_PID
done
cat >"$work/llmorch.yaml" <<YAML
version: 1
providers:
  - { name: openai, type: openai, base_url: "http://${address[openai]}", api_key: key-of-openai }
  - { name: anthropic, type: anthropic, base_url: "http://${address[anthropic]}", api_key: key-of-anthropic }
  - { name: gemini, type: gemini, base_url: "http://${address[gemini]}", api_key: key-of-gemini }
models:
  - name: demo            # one name, three vendors, shares 5 : 3 : 2
    failover: $failover
    targets:
      - { provider: openai, model: mock-model, weight: ${weight[openai]} }
      - { provider: anthropic, model: mock-model, weight: ${weight[anthropic]} }
      - { provider: gemini, model: mock-model, weight: ${weight[gemini]} }
  - name: careful         # Anthropic, and the others when it is ill
    failover: $failover
    targets:
      - { provider: anthropic, model: mock-model, tier: 1 }
      - { provider: gemini, model: mock-model, tier: 2 }
      - { provider: openai, model: mock-model, tier: 3 }
YAML
"$llmorch" check-config -c "$work/llmorch.yaml" >"$work/check.log" 2>&1 ||
  die "the generated configuration was refused: $(cat "$work/check.log")"
start_gateway "$llmorch" "$work" "$work/llmorch.yaml"
gateway=$SERVICE_ADDRESS
gateway_pid=$SERVICE_PID
for vendor in "${VENDORS[@]}"; do
  say "$(printf '%-10s' "$vendor")${address[$vendor]} (pid ${pid[$vendor]})"
done
say "gateway   $gateway"

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

# whole VENDOR, streamed VENDOR, tool_call VENDOR: asked as provider/model, in OpenAI's words.
whole() {
  step "$1: a whole answer"
  word=$(nonce)
  ask "{\"model\":\"$1/mock-model\",\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},
    {\"role\":\"user\",\"content\":\"say $word\"}]}"
  [[ $STATUS == 200 && $(header x-llmorch-provider) == "$1" ]] || failed "not 200 from $1"
  in_body '"object":"chat.completion"'
  in_body "$word"
  in_body '"usage":{"prompt_tokens":'
  passed "the vendor saw our random $word"
}

streamed() {
  step "$1: a stream"
  word=$(nonce)
  ask "{\"model\":\"$1/mock-model\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}" -N
  [[ $STATUS == 200 && $(header content-type) == text/event-stream* ]] || failed "not an event stream"
  frames=$(grep -c '^data: {' "$work/body") || failed "no frames"
  ((frames >= 3)) || failed "only $frames frames"
  [[ $(streamed_text) == *"$word"* ]] || failed "the text is not ours: $(streamed_text)"
  [[ $(grep '^data:' "$work/body" | tail -n 1 | tr -d '\r') == "data: [DONE]" ]] || failed "no [DONE] at the end"
  passed "$frames frames, then [DONE]"
}

tool_call() {
  step "$1: a tool call and its result"
  ask "{\"model\":\"$1/mock-model\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the weather in Oslo?\"}],
    $WEATHER_TOOL,\"tool_choice\":\"required\"}"
  [[ $STATUS == 200 ]] || failed "not 200"
  in_body '"tool_calls":'
  in_body '"name":"get_weather"'
  in_body '"finish_reason":"tool_calls"'
  call_id=$(grep -o '"tool_calls":\[{[^}]*' "$work/body" | grep -o '"id":"[^"]*"' | head -n 1 | cut -d'"' -f4)
  [[ -n $call_id ]] || failed "the call has no id"
  word=$(nonce)
  ask "{\"model\":\"$1/mock-model\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the weather in Oslo?\"},
    {\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"$call_id\",\"type\":\"function\",
    \"function\":{\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]},
    {\"role\":\"tool\",\"tool_call_id\":\"$call_id\",\"content\":\"rain $word\"}],$WEATHER_TOOL}"
  [[ $STATUS == 200 ]] || failed "the tool's result was refused"
  in_body "$word"
  passed "get_weather was called, and its result was answered"
}
WEATHER_TOOL='"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
  "properties":{"city":{"type":"string"}},"required":["city"]}}}]'

# 300 calls of one name: who answered each, within three standard deviations of the weights.
shares() {
  step "300 calls of one model, shared by weight"
  local vendor
  curl -sS --noproxy '*' --max-time 120 -o /dev/null -w '%{http_code} %header{x-llmorch-provider}\n' \
    -H 'content-type: application/json' \
    -d '{"model":"demo","messages":[{"role":"user","content":"hello"}]}' \
    "http://$gateway/v1/chat/completions?call=[1-300]" >"$work/shares" || die "curl failed"
  STATUS=$(awk '$1 != 200' "$work/shares" | head -n 1)
  [[ $(grep -c '^200 ' "$work/shares") == 300 ]] || failed "not all 300 were answered"
  local told=
  for vendor in "${VENDORS[@]}"; do
    local count
    count=$(grep -c " $vendor\$" "$work/shares") || true
    awk -v n=300 -v k="$count" -v w="${weight[$vendor]}" 'BEGIN {
      p = w / 10; d = k - n * p; if (d < 0) d = -d; exit d > 3 * sqrt(n * p * (1 - p)) }' ||
      failed "$vendor answered $count of 300, its weight is ${weight[$vendor]} of 10"
    told+="$vendor $count, "
  done
  passed "${told%, }"
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
  step "failover: the Anthropic mock is killed (pid ${pid[anthropic]})"
  kill -9 "${pid[anthropic]}"
  wait "${pid[anthropic]}" 2>/dev/null || true
  say ""
  local number
  for number in 1 2 3 4; do
    step "  call $number"
    word=$(nonce)
    ask "{\"model\":\"careful\",\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}"
    [[ $STATUS == 200 ]] || failed "not 200"
    in_body "$word"
    tried=$(attempts)
    if ((number == 1)); then
      [[ $tried == '"provider":"anthropic" "provider":"gemini" ' ]] ||
        failed "the log does not show a second attempt: $tried"
    fi
    passed "attempts: $(sed 's/"provider"://g; s/"//g; s/ $//' <<<"$tried")"
  done
  step "  a stream"
  word=$(nonce)
  ask "{\"model\":\"careful\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"say $word\"}]}" -N
  [[ $STATUS == 200 && $(streamed_text) == *"$word"* ]] || failed "no stream from another vendor"
  passed "from $(header x-llmorch-provider)"
}

# The vendors whose keys are in the environment, without any configuration file.
real_vendors() {
  start_service real "$work" env -u LLMORCH_CONFIG "$llmorch" serve --listen 127.0.0.1:0 --data "$work/real-data"
  local mock_gateway=$gateway model
  gateway=$SERVICE_ADDRESS
  step "the real vendors' models"
  curl -sS --noproxy '*' --max-time 30 "http://$gateway/v1/models" >"$work/body" || die "curl failed"
  model=${LLMORCH_DEMO_MODEL:-$(grep -o '"id":"[^"]*"' "$work/body" | head -n 1 | cut -d'"' -f4)}
  [[ -n $model ]] || failed "no model is listed"
  passed "$(grep -o '"id":' "$work/body" | wc -l), asking $model"
  step "a real vendor, whole"
  word=$(nonce)
  ask "{\"model\":\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"Repeat exactly: $word\"}]}"
  [[ $STATUS == 200 ]] || failed "not 200"
  in_body "$word"
  passed
  step "a real vendor, streamed"
  ask "{\"model\":\"$model\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Repeat exactly: $word\"}]}" -N
  [[ $STATUS == 200 && $(streamed_text) == *"$word"* ]] || failed "the stream did not repeat our word"
  passed
  gateway=$mock_gateway
}

for vendor in "${VENDORS[@]}"; do
  whole "$vendor"
  streamed "$vendor"
  tool_call "$vendor"
done
shares
unknown_model
failing_over
if [[ -n ${OPENAI_API_KEY:-}${ANTHROPIC_API_KEY:-}${GEMINI_API_KEY:-} ]]; then
  real_vendors
fi
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
wait "$gateway_pid"
