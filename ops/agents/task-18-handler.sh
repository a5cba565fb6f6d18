#!/bin/sh
# Task 18, monitoring: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "monitoring" dashboards:50 alerts:50
