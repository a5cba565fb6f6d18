#!/bin/sh
# Run one task's handler and write its profile to .conductor/metrics/profiles; exits as the handler did.
# Usage: profile-task.sh <task-id> <handler-script>
# Simulated time is 600 times shorter unless K1N_SPEED says otherwise; profiles are in workflow time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
. "$project/ops/lib/k1n.sh"

[ $# -eq 2 ] || {
  echo "usage: profile-task.sh <task-id> <handler-script>" >&2
  exit 2
}
k1n profile task "$1" "$2" --into "${K1N_METRICS:-$here}/profiles"
