#!/bin/sh
# Task 11, integration tests of the build: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "integration tests of the build" prepare:30 run:60 report:10
