#!/bin/sh
# Task 17, deployment: simulated.
set -eu
. "$(dirname "$0")/common.sh"
simulated_task "deployment" configure:40 deploy:60
