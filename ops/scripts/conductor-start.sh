#!/bin/sh
# Start Conductor in the background on the first tier that works: container, then jar, then the embedded engine.
# Usage: conductor-start.sh [--tier auto|docker|jar|embedded] [--port 8080] [further options of `k1n server start`]
# Stop it with `k1n server stop`, typed in this project. It is the same code as `k1n server start`; a server that runs already is kept.
set -eu

project=$(cd "$(dirname "$0")/../.." && pwd)
. "$project/ops/lib/k1n.sh"
export K1N_PROJECT="$project" # wherever it is typed

if k1n server status; then
    exit 0
fi
k1n server start "$@"
