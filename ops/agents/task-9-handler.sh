#!/bin/sh
# Task 9, integration build: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "integration build" collect:20 build:60 link:20
