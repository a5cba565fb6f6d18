#!/bin/sh
# Task 19, user documentation: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "user documentation" write:70 review:30
