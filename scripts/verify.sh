#!/usr/bin/env bash
# The full volumes: what is too long, or needs too much, for every test run. Each section writes
# docs/evidence/NAME.json with its command, commit, machine, date and figures.
#   scripts/verify.sh [SECTION…]    default: all
# Sections: simulation faults fuzz valgrind sdk streams nginx
# A section that cannot run here says why, counts as skipped, and writes nothing.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8

ALL=(simulation faults fuzz valgrind sdk streams nginx)
sections=("$@")
[[ $# -gt 0 ]] || sections=("${ALL[@]}")
for section in "${sections[@]}"; do
  [[ " ${ALL[*]} " == *" $section "* ]] || die "no section \"$section\"; there are: ${ALL[*]}"
done

work=$(mktemp -d)
trap 'stop_services; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

install_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
commit=$(git -C "$ROOT" rev-parse HEAD)
[[ -z $(git -C "$ROOT" status --porcelain -- . ':!docs/evidence') ]] || commit="$commit, with changes"
machine="$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(uname -sr), $(. /etc/os-release && echo "$PRETTY_NAME")"

# evidence NAME FIGURES_JSON: writes docs/evidence/NAME.json.
evidence() {
  [[ -n $2 ]] || { say "no figures for $1"; return 1; }
  mkdir -p "$ROOT/docs/evidence"
  python3 - "$ROOT/docs/evidence/$1.json" "scripts/verify.sh $1" "$commit" "$machine" "$2" <<'PY'
import datetime, json, sys
path, command, commit, machine, figures = sys.argv[1:]
entry = {"command": command, "commit": commit, "machine": machine,
         "date": datetime.date.today().isoformat(), "figures": json.loads(figures)}
with open(path, "w") as out:
    json.dump(entry, out, indent=2, ensure_ascii=False)
    out.write("\n")
print(json.dumps(entry["figures"], indent=2, ensure_ascii=False))
PY
}

release() { build release llmorch_gateway llmorch_testing_cli; }
llmorch=$ROOT/build/release/server/llmorch
testing=$ROOT/build/release/lib/testing/llmorch-testing

# What is measured runs on core 0, everything else on core 1. Prefixes and not functions: a function
# put into the background is a shell, and then $! is that shell and not what is to be measured.
ON_CORE_0=() ON_CORE_1=()
if command -v taskset >/dev/null && (($(nproc) > 1)); then
  ON_CORE_0=(taskset -c 0) ON_CORE_1=(taskset -c 1)
fi
# is_process PID NAME: false, and says so, when PID is not the program whose cost is asked for.
is_process() {
  local found
  found=$(cat "/proc/$1/comm" 2>/dev/null)
  [[ $found == "$2" ]] || { say "process $1 is \"$found\", not $2: nothing measured"; return 1; }
}
# CPU time of a process so far, user and system, all its threads, in milliseconds.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' "/proc/$1/stat"; }
status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }

# gateway_before MOCK_ADDRESS: a gateway on core 0 in front of a mock; sets GATEWAY and GATEWAY_PID.
gateway_before() {
  cat >"$work/gateway.yaml" <<YAML
version: 1
providers:
  - { name: mock, type: openai, base_url: "http://$1/v1", api_key: sk-mock }
models:
  - { name: mock, targets: [ { provider: mock, model: mock } ] }
YAML
  start_service gateway "$work" "${ON_CORE_0[@]}" "$llmorch" serve -c "$work/gateway.yaml" \
    --listen 127.0.0.1:0 || return 1
  GATEWAY=$SERVICE_ADDRESS GATEWAY_PID=$SERVICE_PID
  is_process "$GATEWAY_PID" llmorch
}
mock_on_core_1() {
  start_service mock "$work" "${ON_CORE_1[@]}" "$testing" mock --listen 127.0.0.1:0 --max-seconds 3600 "$@" ||
    return 1
  MOCK=$SERVICE_ADDRESS
}
# load NAME ADDRESS OPTION…: runs the load generator on core 1; its JSON lands in $work/NAME.json.
load() {
  local name=$1 address=$2
  shift 2
  "${ON_CORE_1[@]}" "$testing" load --url "http://$address/v1/chat/completions" --max-seconds 600 "$@" \
    >"$work/$name.json" 2>"$work/$name.err" || {
    cat "$work/$name.err" "$work/$name.json"
    return 1
  }
}

# ---- sections ----
run_simulation() {
  local calls=${LLMORCH_SIM_CALLS:-1000000} log=$work/simulation.log words
  build release test_engine || return 1
  LLMORCH_SIM_CALLS=$calls "$ROOT/build/release/tests/test_engine" \
    --test-case="no schedule of faults breaks a promise" >"$log" 2>&1 || {
    cat "$log"
    return 1
  }
  words=$(grep -oE '[0-9]+ calls: [0-9]+ succeeded, [0-9]+ failed, [0-9]+ cancelled, [0-9]+ with failover' "$log")
  [[ -n $words ]] || return 1
  # shellcheck disable=SC2046 # one number per %s
  evidence simulation "$(printf '{"schedules": %s, "answered": %s, "ended_in_an_error": %s, "cancelled": %s, "with_failover": %s, "promises_broken": 0}' \
    $(grep -oE '[0-9]+' <<<"$words"))"
}

run_faults() {
  local rounds=${LLMORCH_FAULT_ROUNDS:-20} junit=$ROOT/build/asan/verify.xml
  build asan || return 1
  ctest --test-dir "$ROOT/build/asan" -L 'e2e|concurrent' --repeat until-fail:"$rounds" \
    --output-junit "$junit" >"$work/faults.log" 2>&1 || {
    grep -E '\*\*\*|ERROR' "$work/faults.log" | head -n 50
    return 1
  }
  evidence faults "{\"rounds\": $rounds, \"tests_per_round\": $(grep -c '<testcase ' "$junit"), \"failed\": 0, \"sanitizers\": \"address, undefined\"}"
}

run_fuzz() {
  local seconds=$((${LLMORCH_FUZZ_MINUTES:-10} * 60)) fuzzer name figures= runs
  install_packages "${PACKAGES_CI[@]}"
  build fuzz || return 1
  for fuzzer in "$ROOT"/build/fuzz/tests/fuzz/fuzz_*; do
    [[ -f $fuzzer && -x $fuzzer ]] || continue
    name=$(basename "$fuzzer")
    mkdir -p "$work/new" "$ROOT/tests/fuzz/corpus/${name#fuzz_}"
    "$fuzzer" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$ROOT/build/fuzz/" "$work/new" "$ROOT/tests/fuzz/corpus/${name#fuzz_}" \
      >"$work/$name.log" 2>&1 || {
      tail -n 40 "$work/$name.log"
      return 1
    }
    rm -rf "$work/new"
    runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$work/$name.log")
    say "  $name: $runs inputs"
    figures+="${figures:+, }\"$name\": {\"seconds\": $seconds, \"inputs\": ${runs:-0}, \"crashes\": 0}"
  done
  [[ -n $figures ]] || { REASON="there are no fuzz targets"; return 77; }
  evidence fuzz "{$figures}"
}

run_valgrind() {
  local test name log figures= cases
  install_packages valgrind
  build dev || return 1
  for test in "$ROOT"/build/dev/tests/test_*; do
    [[ -x $test ]] || continue
    name=$(basename "$test")
    log=$work/$name.log
    valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
      "$test" >"$log" 2>&1
    if [[ $? == 99 ]]; then
      grep -E '^==' "$log" | head -n 60
      return 1
    fi
    cases=$(awk '/\[doctest\] test cases:/ { print $4 }' "$log")
    say "  $name: $cases cases, no errors"
    figures+="${figures:+, }\"$name\": {\"cases\": ${cases:-0}, \"errors\": 0}"
  done
  evidence valgrind "{$figures}"
}

# The SDKs against the gateway in front of a mock of each vendor, and every body that the request
# tests encode against the vendors' own types.
run_sdk() {
  install_packages python3-venv
  release && build dev test_formats || return 1
  mkdir "$work/bodies"
  LLMORCH_FIXTURES=${LLMORCH_FIXTURES:-} LLMORCH_UPSTREAM_BODIES=$work/bodies \
    "$ROOT/build/dev/tests/test_formats" >"$work/formats.log" 2>&1 || {
    tail -n 40 "$work/formats.log"
    return 1
  }
  "$ROOT/tests/sdk/run.sh" "$llmorch" "$testing" "$work/bodies" | tee "$work/sdk.out"
  local code=${PIPESTATUS[0]}
  if ((code == 77)); then
    REASON="neither PyPI nor npm handed out the SDKs"
    return 77
  fi
  ((code == 0)) || return 1
  evidence sdk "$(tail -n 1 "$work/sdk.out")"
}

run_streams() {
  # Not pinned: a pinned gateway counts one core and starts fewer threads than it would by itself.
  local ON_CORE_0=() ON_CORE_1=()
  local streams=2000 loader threads=0 peak=0 idle now
  release || return 1
  mock_on_core_1 --script '{"chunks": 60, "chunk_delay_ms": 200}' && gateway_before "$MOCK" || return 1
  load warm "$GATEWAY" --connections 1 --requests 1 || return 1
  idle=$(status_of "$GATEWAY_PID" VmRSS)
  load streams "$GATEWAY" --stream --connections $streams --requests $streams &
  loader=$!
  while kill -0 "$loader" 2>/dev/null; do
    now=$(status_of "$GATEWAY_PID" VmRSS)
    ((now <= peak)) || peak=$now
    now=$(status_of "$GATEWAY_PID" Threads)
    ((now <= threads)) || threads=$now
    sleep 0.2
  done
  wait "$loader" || return 1
  evidence streams "$(python3 - "$work/streams.json" "$streams" "$idle" "$peak" "$threads" <<'PY'
import json, sys
path, streams, idle, peak, threads = sys.argv[1:]
run = json.load(open(path))
streams, idle, peak = int(streams), int(idle), int(peak)
assert peak > idle > 0, f"memory did not grow under load ({idle} to {peak} KB): wrong process?"
assert run["outcomes"]["ok"] == streams and run["peak_live"] == streams, run
print(json.dumps({"streams": streams, "complete_and_checked": run["checked"],
                  "events": run["events"], "seconds": run["seconds"], "threads": int(threads),
                  "rss_idle_mb": round(idle / 1024, 1), "rss_peak_mb": round(peak / 1024, 1),
                  "kb_per_stream": round((peak - idle) / streams, 1),
                  "gap_us": run["gap_us"]}))
PY
)"
}

start_nginx() {
  cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.err;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path $work/nginx-body;
  proxy_temp_path $work/nginx-proxy;
  fastcgi_temp_path $work/nginx-fastcgi;
  uwsgi_temp_path $work/nginx-uwsgi;
  scgi_temp_path $work/nginx-scgi;
  keepalive_requests 100000000;
  upstream mock { server $MOCK; keepalive 2048; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:$1 backlog=4096;
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer sk-mock";
      proxy_buffering off;
    }
  }
}
CONF
  "${ON_CORE_0[@]}" nginx -c "$work/nginx.conf" >"$work/nginx.log" 2>&1 &
  SERVICE_PIDS+=($!)
  local tries master=$!
  for ((tries = 0; tries < 200; tries++)); do
    NGINX_PID=$(cat "/proc/$master/task/$master/children" 2>/dev/null | awk '{ print $1 }')
    if [[ -n $NGINX_PID ]] && curl -s --noproxy '*' -o /dev/null "http://127.0.0.1:$1/v1/models"; then
      is_process "$NGINX_PID" nginx
      return
    fi
    sleep 0.05
  done
  cat "$work/nginx.log" "$work/nginx.err" 2>/dev/null
  return 1
}

# cost NAME PID ADDRESS OPTION…: CPU milliseconds of PID over one load run, as "cpu_ms" in NAME.json.
cost() {
  local name=$1 pid=$2 address=$3 before
  shift 3
  load warm "$address" --connections 64 --requests 2000 || return 1
  before=$(cpu_ms "$pid")
  load "$name" "$address" "$@" || return 1
  echo "$(($(cpu_ms "$pid") - before))" >"$work/$name.cpu"
}

run_nginx() {
  local requests=${LLMORCH_BENCH_REQUESTS:-50000} port streams=1000
  install_packages nginx-light
  release || return 1
  mock_on_core_1 && gateway_before "$MOCK" || return 1
  port=$((20000 + RANDOM % 10000))
  start_nginx "$port" || return 1
  local whole=(--connections 64 --requests "$requests" --size 600)
  local stream=(--stream --connections $streams --requests $((streams * 10)))
  # One after the other in one run, twice, so that neither has the quieter machine.
  local round
  for round in 1 2; do
    cost "whole.gateway.$round" "$GATEWAY_PID" "$GATEWAY" "${whole[@]}" &&
      cost "whole.nginx.$round" "$NGINX_PID" "127.0.0.1:$port" "${whole[@]}" || return 1
  done
  curl -sS --noproxy '*' -o /dev/null --data-binary '{"chunks": 20, "chunk_delay_ms": 20}' "http://$MOCK/mock/script" || return 1
  for round in 1 2; do
    cost "stream.gateway.$round" "$GATEWAY_PID" "$GATEWAY" "${stream[@]}" &&
      cost "stream.nginx.$round" "$NGINX_PID" "127.0.0.1:$port" "${stream[@]}" || return 1
  done
  evidence nginx "$(python3 - "$work" <<'PY'
import json, sys
def run(kind, who, count):
    cpu = done = 0.0
    rates = []
    for number in (1, 2):
        result = json.load(open(f"{sys.argv[1]}/{kind}.{who}.{number}.json"))
        assert result["failed"] == 0, (kind, who, result)
        cpu += int(open(f"{sys.argv[1]}/{kind}.{who}.{number}.cpu").read())
        done += count(result)
        rates.append(result["ok_per_second"])
    assert cpu > 0, f"{who} used no CPU: wrong process?"
    return round(cpu * 1000 / done, 1), round(sum(rates) / 2)
figures = {"setting": "gateway or nginx on core 0; mock and load generator on core 1; "
                      "600-byte requests, 64 connections; streams: 1000 at once, 20 chunks each"}
for kind, unit, count in (("whole", "request", lambda r: r["outcomes"]["ok"]),
                          ("stream", "chunk", lambda r: r["events"])):
    ours, our_rate = run(kind, "gateway", count)
    theirs, their_rate = run(kind, "nginx", count)
    figures[f"gateway_cpu_us_per_{unit}"] = ours
    figures[f"nginx_cpu_us_per_{unit}"] = theirs
    figures[f"cpu_ratio_per_{unit}"] = round(ours / theirs, 2)
    if kind == "whole":
        figures["gateway_requests_per_second"] = our_rate
        figures["nginx_requests_per_second"] = their_rate
print(json.dumps(figures))
PY
)"
}

passed=0 failed=0 skipped=0
for section in "${sections[@]}"; do
  say "== $section"
  REASON=
  started=$SECONDS
  "run_$section"
  status=$?
  stop_services
  case $status in
  0) passed=$((passed + 1)) ;;
  77)
    say "skipped: $REASON"
    skipped=$((skipped + 1))
    ;;
  *)
    say "FAILED: $section"
    failed=$((failed + 1))
    ;;
  esac
  say "   $((SECONDS - started)) s"
done
say "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
