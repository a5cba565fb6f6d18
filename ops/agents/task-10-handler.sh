#!/bin/sh
# Task 10, unit tests of the build: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "unit tests of the build" collect:10 run:80 report:10
