# What the scripts share. Sourced, never run. Everything it starts it also ends, by pid.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=$(nproc 2>/dev/null || echo 2)

PACKAGES_BUILD=(g++ cmake ninja-build pkg-config libcurl4-openssl-dev libssl-dev libsqlite3-dev
  libfmt-dev rapidjson-dev libcpp-httplib-dev libyaml-cpp-dev libcli11-dev)
PACKAGES_DEMO=(curl)
PACKAGES_TEST=(doctest-dev python3 curl)
PACKAGES_CI=(clang-14 libclang-rt-14-dev valgrind strace)

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Runs a command quietly; its output is shown only when it fails.
quietly() {
  local what=$1 log
  shift
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  printf '%s failed: %s\n' "$what" "$*" >&2
  tail -n 60 "$log" >&2
  rm -f "$log"
  return 1
}

# Installs what is missing of the named Debian packages; silent when nothing is.
install_packages() {
  local package missing=() as_root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian system: taking for granted that these or their like are installed: $*"
    return 0
  fi
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *" installed" ]] ||
      missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null ||
      die "missing packages; as root, run: apt-get install -y ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing packages: ${missing[*]}"
  quietly "updating the package list" "${as_root[@]}" apt-get update ||
    say "going on with the package list as it is"
  quietly "installing packages" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}" ||
    die "could not install: ${missing[*]} (is this Debian 12, and is its mirror reachable?)"
}

# build PRESET [TARGET…]: configures (once; the build re-runs CMake when it has to) and builds.
# build_in DIR PRESET "CMAKE ARGUMENTS" [TARGET…] does so in another directory.
build() {
  local preset=$1
  shift
  build_in "$ROOT/build/$preset" "$preset" "" "$@"
}
build_in() {
  local dir=$1 preset=$2 arguments=$3 targets=()
  shift 3
  [[ $# -eq 0 ]] || targets=(--target "$@")
  if [[ ! -f $dir/build.ninja ]]; then
    # shellcheck disable=SC2086 # several arguments in one string
    (cd "$ROOT" && quietly "configuring $preset" cmake --preset "$preset" -B "$dir" $arguments) ||
      return 1
  fi
  quietly "building $preset" cmake --build "$dir" -j "$JOBS" "${targets[@]}"
}

# ---- processes under test ----
# start_service NAME DIRECTORY COMMAND…: starts COMMAND with its output in DIRECTORY/NAME.log, waits
# until it says on which address of 127.0.0.1 it listens, and sets SERVICE_PID and SERVICE_ADDRESS.
SERVICE_PIDS=()
start_service() {
  local name=$1 log=$2/$1.log tries
  shift 2
  : >"$log"
  "$@" >>"$log" 2>&1 </dev/null &
  SERVICE_PID=$!
  SERVICE_PIDS+=("$SERVICE_PID")
  SERVICE_ADDRESS=
  for ((tries = 0; tries < 400; tries++)); do
    SERVICE_ADDRESS=$(grep -oE '127\.0\.0\.1:[1-9][0-9]*' "$log" | head -n 1) || true
    [[ -z $SERVICE_ADDRESS ]] || return 0
    kill -0 "$SERVICE_PID" 2>/dev/null || break
    sleep 0.05
  done
  printf '%s did not start: %s\n' "$name" "$*" >&2
  cat "$log" >&2
  return 1
}

# start_mock LLMORCH_TESTING NAME DIRECTORY [OPTION…]: a mock vendor on a free port.
start_mock() {
  local testing=$1 name=$2 directory=$3
  shift 3
  start_service "$name" "$directory" "$testing" mock --listen 127.0.0.1:0 --max-seconds 86400 "$@"
}

# start_gateway LLMORCH DIRECTORY CONFIG_FILE
start_gateway() {
  start_service gateway "$2" "$1" serve -c "$3" --listen 127.0.0.1:0
}

stop_service() {
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
stop_services() {
  local pid
  for pid in "${SERVICE_PIDS[@]}"; do
    stop_service "$pid"
  done
  SERVICE_PIDS=()
}
