#!/usr/bin/env bash
# Builds and tests llmorch.
#   scripts/test.sh         the developer build and all its tests
#   scripts/test.sh --ci    also sanitizers, clang, fuzz targets and the guard of what a call costs
# The last line is "N passed, N failed, N skipped": doctest cases, and scripts as one each. Exits
# with 0 only if nothing failed, compiling included.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8

mode=${1:-}
[[ -z $mode || $mode == --ci ]] || die "usage: scripts/test.sh [--ci]"

passed=0 failed=0 skipped=0

# Adds one step that is not a test run (a build, say) to the count only if it fails.
step_failed() {
  say "FAILED: $1"
  failed=$((failed + 1))
}
step_skipped() {
  say "skipped: $1"
  skipped=$((skipped + 1))
}

# Counts a ctest run from its JUnit file: where a test printed doctest's summary, its cases.
count() {
  local p f s
  read -r p f s < <(awk '
    function number(word,   text) { return match($0, "[0-9]+ " word) ? substr($0, RSTART, RLENGTH) + 0 : 0 }
    /<testcase / { open = 1; cases = 0; status = $0; sub(/.* status="/, "", status); sub(/".*/, "", status) }
    open && /\[doctest\] test cases:/ { ok = number("passed"); bad = number("failed"); left = number("skipped"); cases = 1 }
    open && (/<\/testcase>/ || /<testcase [^>]*\/>/) {
      open = 0
      if (status == "notrun" || status == "disabled") s++
      else if (status == "run") { if (cases) { p += ok; s += left } else p++ }
      else if (cases && bad > 0) { p += ok; f += bad; s += left }
      else f++
    }
    END { print p + 0, f + 0, s + 0 }' "$1")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  say "  $p passed, $f failed, $s skipped"
}

# run_tests TITLE BUILD_DIRECTORY [CTEST ARGUMENT…]
run_tests() {
  local title=$1 dir=$2 junit=$2/junit.xml started=$SECONDS
  shift 2
  say "$title"
  rm -f "$junit"
  ctest --test-dir "$dir" -j "$JOBS" --timeout 600 --no-tests=error --output-junit "$junit" \
    --test-output-size-passed 2000000 --test-output-size-failed 2000000 \
    "$@" >"$dir/ctest.log" 2>&1 || grep -E '\*\*\*|ERROR|error:' "$dir/ctest.log" | head -n 100
  if [[ -f $junit ]]; then
    count "$junit"
  else
    tail -n 20 "$dir/ctest.log"
    step_failed "$title: no tests ran"
  fi
  say "  $((SECONDS - started)) s; output in ${dir#"$ROOT"/}/Testing/Temporary/LastTest.log"
}

# built TITLE PRESET: builds everything of a preset; false when that fails.
built() {
  local title=$1 started=$SECONDS
  say "$title"
  build "$2" || {
    step_failed "$title"
    return 1
  }
  say "  $((SECONDS - started)) s"
}

fuzz_seconds=5
run_fuzzers() {
  local fuzzer name found=0 corpus
  for fuzzer in "$ROOT"/build/fuzz/tests/fuzz/fuzz_*; do
    [[ -f $fuzzer && -x $fuzzer ]] || continue
    found=1
    name=$(basename "$fuzzer")
    corpus=$(mktemp -d)
    mkdir "$corpus/new"
    # New finds go to the first directory, so that the tree stays as it was.
    local inputs=("$corpus/new")
    [[ ! -d $ROOT/tests/fuzz/corpus/${name#fuzz_} ]] || inputs+=("$ROOT/tests/fuzz/corpus/${name#fuzz_}")
    if quietly "$name" "$fuzzer" -max_total_time=$fuzz_seconds -timeout=5 -rss_limit_mb=2048 \
      -artifact_prefix="$ROOT/build/fuzz/" "${inputs[@]}"; then
      passed=$((passed + 1))
      say "  $name: nothing found in $fuzz_seconds s"
    else
      step_failed "$name"
    fi
    rm -rf "$corpus"
  done
  ((found)) || step_skipped "fuzzing: there are no targets"
}

# What a call costs, against bench/baseline.json.
run_guard() {
  local log=$ROOT/build/guard.log started=$SECONDS
  say "guard (instructions and system calls per request)"
  "$ROOT/bench/guard/guard.sh" >"$log" 2>&1
  case $? in
    0) passed=$((passed + 1)) ;;
    77) step_skipped "$(tail -n 1 "$log")" ;;
    *)
      tail -n 20 "$log"
      step_failed "guard"
      ;;
  esac
  say "  $((SECONDS - started)) s"
}

# Recorded vendor traffic lies beside the repository, not in it; tests that find it replay it.
find_corpus() {
  local fixtures=${LLMORCH_FIXTURES:-$ROOT/../shared/fixtures}
  if [[ -d $fixtures ]]; then
    LLMORCH_FIXTURES=$(cd "$fixtures" && pwd)
    export LLMORCH_FIXTURES
    say "replaying recorded vendor traffic from $LLMORCH_FIXTURES"
  else
    unset LLMORCH_FIXTURES
    step_skipped "replay of recorded vendor traffic: there is none at $fixtures (LLMORCH_FIXTURES names another place)"
  fi
}

summary() {
  say "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0 && passed > 0))
}

install_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
find_corpus
if [[ $mode != --ci ]]; then
  built "build (dev)" dev && run_tests "tests (dev)" "$ROOT/build/dev" -LE slow
  summary
  exit
fi

install_packages "${PACKAGES_CI[@]}"
built "build (dev)" dev && run_tests "tests (dev)" "$ROOT/build/dev"
# The sanitizers run the same tests at a lower volume.
export LLMORCH_SIM_CALLS=3000
built "build (asan: address and undefined behaviour)" asan &&
  run_tests "tests (asan)" "$ROOT/build/asan" -LE slow
built "build (tsan)" tsan && run_tests "concurrent tests (tsan)" "$ROOT/build/tsan" -L concurrent
built "build (clang, fuzz targets)" fuzz && run_fuzzers
run_guard
summary
