#!/bin/sh
# Task 22, release: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "release" collect:50 sign-off:50
