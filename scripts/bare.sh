#!/usr/bin/env bash
# Proves the two commands of the README on a machine with nothing: makes a minimal Debian 12 root,
# clones the committed tree into it, and runs demo.sh --once and test.sh there, as root without sudo.
# Needs root, mmdebstrap and a Debian mirror. Usage: scripts/bare.sh [LOG_FILE]
set -euo pipefail
source "$(dirname "$0")/lib.sh"

log=$(realpath -m "${1:-$ROOT/build/bare.log}")
[[ $(id -u) == 0 ]] || die "bare.sh makes a root file system and enters it: run it as root"
install_packages mmdebstrap
mkdir -p "$(dirname "$log")"

# All mounts are made in a mount namespace of the guest's own, all its processes live in a process
# namespace of its own: both are gone with it, however it ends.
guest=$(mktemp -d)
trap 'rm -rf --one-file-system "$guest"' EXIT
trap 'exit 130' INT TERM
in_guest() {
  unshare --mount --pid --fork --kill-child --mount-proc="$guest/proc" \
    chroot "$guest" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    bash -c "$1"
}

{
  say "commit $(git -C "$ROOT" rev-parse HEAD), $(date -u +%FT%TZ), $(nproc) cores"
  [[ -z $(git -C "$ROOT" status --porcelain) ]] || say "(what is not committed is not tested)"

  say "making a minimal Debian 12 root"
  quietly "mmdebstrap" mmdebstrap --variant=minbase --include=git,ca-certificates bookworm "$guest"
  cp /etc/resolv.conf "$guest/etc/resolv.conf"
  git -C "$ROOT" bundle create -q "$guest/root/llmorch.bundle" HEAD
  in_guest 'cd && git clone -q llmorch.bundle llmorch 2>/dev/null && cd llmorch && git log -1 --oneline &&
    echo "sudo: $(command -v sudo || echo none), c++: $(command -v c++ || echo none), user: $(id -un)"'

  status=0
  for command in "./scripts/demo.sh --once" "./scripts/test.sh" "./scripts/demo.sh --once"; do
    started=$SECONDS
    printf '\n$ %s\n' "$command"
    in_guest "cd /root/llmorch && $command" || status=1
    say "[$command: $((SECONDS - started)) s]"
  done
  if ((status == 0)); then say "bare: ok"; else say "bare: FAILED"; fi
  exit $status
} 2>&1 | tee "$log"
exit "${PIPESTATUS[0]}"
