#!/bin/sh
# Start Conductor in the background on the first tier that works: container, then jar, then the embedded engine.
# Usage: conductor-start.sh [--tier auto|docker|jar|embedded] [--port 8080] [further options of `k1n server start`]
# Stop it with `k1n server stop`. It is the same code as `k1n server start`; a server that runs already is kept.
set -eu

if command -v k1n >/dev/null 2>&1; then
    k1n() { command k1n "$@"; }
elif [ -x "$(dirname "$0")/../../.venv/bin/python" ]; then
    python="$(cd "$(dirname "$0")/../.." && pwd)/.venv/bin/python"
    k1n() { "$python" -m pytest_k1n "$@"; }
else
    k1n() { python3 -m pytest_k1n "$@"; }
fi

if k1n server status; then
    exit 0
fi
k1n server start "$@"
