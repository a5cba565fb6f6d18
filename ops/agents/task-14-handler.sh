#!/bin/sh
# Task 14, static analysis of the build: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "static analysis of the build" parse:40 analyse:50 report:10
