#!/usr/bin/env bash
# Fails when a call costs more than bench/baseline.json says:
#   instructions   per request and per streamed chunk, in-process, over the scripted transport
#   system calls   per request, of the gateway binary between real sockets
# Each is the difference of two runs of different length, divided by what the longer one did more,
# so that starting and stopping do not count.
#
#   bench/guard/guard.sh                   builds build/bench (Release) and measures it
#   bench/guard/guard.sh --build DIR       measures what was built there with LLMORCH_BUILD_BENCH
#   bench/guard/guard.sh --update REASON   measures, and takes the figures as the new baseline
#
# Exits with 0 when all is well, 1 when something grew by more than 5 % (or the log does not say why
# the baseline was raised), 77 when something could not be measured here: the reason is printed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../scripts/lib.sh"
export LC_ALL=C.UTF-8

build_dir='' reason='' skipped=0
usage() {
  say "usage: bench/guard/guard.sh [--build DIR] [--update REASON]" >&2
  exit 2
}
while (($# > 0)); do
  [[ $# -ge 2 && -n $2 ]] || usage
  case $1 in
    --build) build_dir=$2 ;;
    --update) reason=$2 ;;
    *) usage ;;
  esac
  shift 2
done

work=$(mktemp -d)
trap 'stop_services; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

failed() {
  say "guard: FAILED: $1"
  exit 1
}
# What cannot be measured here is no success: the exit code says so in the end.
skip() {
  say "guard: skipped: $1"
  skipped=1
}

command -v python3 >/dev/null || {
  skip "python3 is missing, which reads the baseline"
  exit 77
}
compare() { python3 -B "$here/compare.py" "$@"; }

if [[ -z $build_dir ]]; then
  build_dir=$ROOT/build/bench
  build_in "$build_dir" release "-DLLMORCH_BUILD_BENCH=ON -DLLMORCH_BUILD_TESTS=OFF" \
    guard_calls llmorch_gateway llmorch_testing_cli || failed "the build"
fi
guard_calls=$build_dir/bench/guard/guard_calls
gateway=$build_dir/server/llmorch
testing=$build_dir/lib/testing/llmorch-testing
for program in "$guard_calls" "$gateway" "$testing"; do
  [[ -x $program ]] || failed "$program is not there; was it built with LLMORCH_BUILD_BENCH?"
done

# The C library is in every call too (malloc, memcpy), so it is part of what must be the same.
key="$("$guard_calls" --build) $(getconf GNU_LIBC_VERSION 2>/dev/null || echo unknown libc)"
say "guard: $key"
if [[ -z $reason ]]; then
  compare known "$key"
  case $? in
    0) ;;
    77) exit 77 ;;
    *) failed "the baseline cannot be read" ;;
  esac
fi
figures=$work/figures
: >"$figures"

# ---- instructions ----
# The same C library routines on every processor: the plain ones of the architecture.
plain=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-RTM
plain+=,-SSSE3,-SSE4_1,-SSE4_2,-BMI1,-BMI2,-LZCNT,-MOVBE

# instructions ARGUMENT…: of one run of guard_calls, in $counted.
instructions() {
  local out=$work/callgrind.out
  rm -f "$out"
  env -i PATH=/usr/bin:/bin LC_ALL=C LD_BIND_NOW=1 MALLOC_ARENA_MAX=1 \
    GLIBC_TUNABLES=glibc.cpu.hwcaps=$plain \
    valgrind --tool=callgrind --callgrind-out-file="$out" "$guard_calls" "$@" \
    >"$work/valgrind.log" 2>&1 || {
    cat "$work/valgrind.log"
    failed "guard_calls $*"
  }
  counted=$(sed -n 's/^\(summary\|totals\): *//p' "$out" | head -n 1)
  [[ $counted =~ ^[0-9]+$ ]] || failed "callgrind counted nothing in guard_calls $*"
}

# own SCENE COUNT…: what llmorch itself takes: a run less the same script without it, in $counted.
own() {
  local engine
  instructions engine "$@"
  engine=$counted
  instructions bare "$@"
  counted=$((engine - counted))
}

measure_instructions() {
  local few=100 many=600 short=8 long=72 whole_few short_few
  own whole $few
  whole_few=$counted
  own whole $many
  say "instructions_per_request $(((counted - whole_few) / (many - few)))" >>"$figures"

  own stream $few $short
  short_few=$counted
  own stream $few $long
  local chunk=$(((counted - short_few) / (few * (long - short))))
  say "instructions_per_chunk $chunk" >>"$figures"
  own stream $many $short
  # Of a stream but for its chunks: head, first and last frames, record.
  local stream=$(((counted - short_few) / (many - few)))
  say "instructions_per_stream $((stream - short * chunk))" >>"$figures"
}

if ! command -v valgrind >/dev/null; then
  skip "valgrind is missing, so no instructions were counted"
elif ! valgrind --tool=none -q true >"$work/valgrind.log" 2>&1; then
  skip "valgrind does not run here: $(head -n 1 "$work/valgrind.log")"
else
  measure_instructions
fi

# ---- system calls ----
# How often a process waits, is woken and asks for memory is decided by time and by who else runs,
# not by the code: these are shown and not judged.
waits='epoll_wait|epoll_pwait|futex|restart_syscall|sched_yield|brk|mmap|munmap|mprotect|madvise'

# syscalls REQUESTS: of a gateway that answers so many and ends, in $counted and $waited.
syscalls() {
  local out=$work/strace.$1 tries
  # -D: the tracer is the grandchild, so that the process to be ended is the gateway itself.
  start_service gateway "$work" strace -D -f -c -o "$out" "$gateway" serve -c "$work/gateway.yaml" \
    --listen 127.0.0.1:0 || failed "the gateway under strace"
  "$testing" load --url "http://$SERVICE_ADDRESS/v1/chat/completions" --connections 16 \
    --requests "$1" --size 600 --model m --max-seconds 60 >"$work/load.log" 2>&1 || {
    cat "$work/load.log"
    failed "not all of $1 requests were answered as they should be"
  }
  stop_service "$SERVICE_PID"
  for ((tries = 0; tries < 200; tries++)); do
    grep -q ' total$' "$out" 2>/dev/null && break
    sleep 0.05
  done
  read -r counted waited < <(awk -v waits="^($waits)\$" '
    $4 ~ /^[0-9]+$/ && $NF != "total" { if ($NF ~ waits) waited += $4; else counted += $4 }
    END { print counted + 0, waited + 0 }' "$out")
  ((counted > 0)) || failed "strace counted nothing"
}

measure_syscalls() {
  local few=400 many=2400 counted_few waited_few
  start_mock "$testing" mock "$work" || failed "the mock upstream"
  cat >"$work/gateway.yaml" <<EOF
version: 1
threads: 1
providers:
  - { name: p, type: openai, base_url: "http://$SERVICE_ADDRESS/v1", api_key: sk-guard }
models:
  - { name: m, targets: [{ provider: p, model: up }] }
EOF
  syscalls $few
  counted_few=$counted waited_few=$waited
  syscalls $many
  awk -v n="$((counted - counted_few))" -v requests=$((many - few)) \
    'BEGIN { printf "syscalls_per_request %.1f\n", n / requests }' >>"$figures"
  awk -v n="$((waited - waited_few))" -v requests=$((many - few)) 'BEGIN {
    printf "  (and %.1f waits and calls for memory per request, not judged)\n", n / requests }'
}

if ! command -v strace >/dev/null; then
  skip "strace is missing, so no system calls were counted"
elif ! strace -f -c -o "$work/strace.try" true >"$work/strace.log" 2>&1; then
  skip "strace may not trace here: $(head -n 1 "$work/strace.log")"
else
  measure_syscalls
fi

# ---- verdict ----
if [[ -n $reason ]]; then
  ((skipped == 0)) || failed "a baseline is only taken whole"
  compare update "$key" "$figures" "$reason" || failed "the baseline was not written"
  exit 0
fi
compare check "$key" "$figures" || failed "see above; a baseline is raised by --update REASON"
((skipped == 0)) || exit 77
say "guard: ok"
