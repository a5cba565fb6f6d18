#!/bin/sh
# Task 16, packaging: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "packaging" collect:20 pack:60 sign:20
