#!/bin/sh
# Task 13, security scan of the build: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "security scan of the build" fetch:20 scan:70 report:10
