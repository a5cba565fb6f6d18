#!/bin/sh
# Run tasks 3, 4 and 5 side by side, three times; a task that fails sends all three back to one after another.
# Usage: run-parallel-workflow.sh [ITERATIONS]
# Simulated time is 600 times shorter unless K1N_SPEED says otherwise; what is printed is workflow time.
# Exit codes: 0 every iteration passed, side by side or one after another; 1 not; 2 a mistake.
set -u
project=$(cd "$(dirname "$0")/.." && pwd)
iterations=${1:-${K1N_ITERATIONS:-3}}
case $iterations in
    '' | *[!0-9]* | 0)
        echo "usage: run-parallel-workflow.sh [ITERATIONS], a number from 1" >&2
        exit 2
        ;;
esac
. "$project/tests/lib/handlers.sh"
profiles=$metrics/profiles
export K1N_WORKFLOW=${K1N_WORKFLOW:-K1N_22TASK_OPTIMIZED}

shortest=0 longest=0
for iteration in $(seq "$iterations"); do
    echo "Iteration $iteration/$iterations: tasks 3, 4, 5 in parallel..."
    if ! together 3 4 5; then
        echo "Iteration $iteration failed, side by side and one after another" >&2
        exit 1
    fi
    if [ "$shortest" -eq 0 ] || [ "$took_ms" -lt "$shortest" ]; then shortest=$took_ms; fi
    [ "$took_ms" -le "$longest" ] || longest=$took_ms
done
echo "Parallel Duration: $(minutes "$shortest") to $(minutes "$longest") min over $iterations iterations"
if [ "$fallbacks" -gt 0 ]; then
    echo "Parallel workflow passed after $fallbacks fall-back(s) to sequential: it is not stable"
else
    echo "Parallel workflow stable after $iterations runs"
fi
