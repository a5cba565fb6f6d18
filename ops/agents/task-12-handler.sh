#!/bin/sh
# Task 12, performance tests of the build: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "performance tests of the build" prepare:20 run:70 report:10
