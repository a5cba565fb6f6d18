#!/bin/sh
# Task 20, release notes: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "release notes" collect:40 write:60
