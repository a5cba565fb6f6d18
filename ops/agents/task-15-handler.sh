#!/bin/sh
# Task 15, verification: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "verification" collect:40 verify:60
