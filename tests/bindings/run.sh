#!/usr/bin/env bash
# Starts a mock upstream, runs a command with its base URL as last argument, stops the mock.
# Usage: run.sh LLMORCH_TESTING COMMAND [ARGUMENT…]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
testing=$1
shift
work=$(mktemp -d)
trap 'stop_services; rm -rf "$work"' EXIT
start_mock "$testing" mock "$work"
"$@" "http://$SERVICE_ADDRESS/v1"
