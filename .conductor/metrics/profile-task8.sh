#!/bin/sh
# Run task 8 and say what its five steps took; the same as lines of JSON in .conductor/metrics/task8-breakdown.jsonl.
# K1N_STRATEGIES chooses among cache, parallel and incremental; without it none is used: the baseline.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
. "$project/ops/lib/k1n.sh"

echo "Running Task 8 with detailed profiling..."
k1n profile steps 8 "$project/ops/agents/task-8-codegen-handler.sh" \
  --into "${K1N_METRICS:-$here}/task8-breakdown.jsonl"
