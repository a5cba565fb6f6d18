#!/bin/sh
# Task 21, compliance: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "compliance" licences:60 trail:40
