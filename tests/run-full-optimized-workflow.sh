#!/bin/sh
# Run the whole optimised 22-task workflow by its handlers, without a server, and compare it with the baseline.
# Usage: run-full-optimized-workflow.sh
# What it says is kept in .conductor/metrics/optimized-run-<timestamp>.log, the figures beside it as .json.
# Simulated time is 600 times shorter unless K1N_SPEED says otherwise; all figures are workflow time.
# Exit codes: 0 done in 60 to 90 minutes; 1 a task failed, or the target was missed.
set -u
project=$(cd "$(dirname "$0")/.." && pwd)
. "$project/tests/lib/handlers.sh"
stamp=$(date +%Y%m%d_%H%M%S)
name=$metrics/optimized-run-$stamp
profiles=$metrics/optimized/$stamp
export K1N_WORKFLOW=K1N_22TASK_OPTIMIZED
mkdir -p "$profiles"

total_ms=0
phases=

# phase TITLE STEP...: a step is a task, or several with + between them that run side by side.
phase() {
    echo
    echo "$1"
    shift
    phase_ms=0
    for step in "$@"; do
        # Unquoted on purpose: the parts of a step are its tasks.
        case $step in
            *+*) together $(echo "$step" | tr + ' ') ;;
            *) one "$step" ;;
        esac || {
            echo "$step failed" >"$work/failed"
            return 1
        }
        phase_ms=$((phase_ms + took_ms))
    done
    echo "  phase: $(minutes "$phase_ms") min"
    total_ms=$((total_ms + phase_ms))
    phases="$phases${phases:+, }$phase_ms"
}

# The total of the newest baseline that was profiled, else what the plan estimates.
baseline() {
    newest=$(find "$metrics/baselines" -name summary.json 2>/dev/null | sort | tail -n 1)
    baseline_ms=$([ -n "$newest" ] && field_of "$newest" total_duration_ms)
    origin=${newest:-}
    if [ -z "$baseline_ms" ]; then
        baseline_ms=7800000 origin="the plan's estimates: no baseline was profiled"
    fi
}

run() {
    echo "Starting complete optimized 22-task workflow..."
    phase "Phase 1: foundation (tasks 1-2)" 1 2 || return 1
    phase "Phase 2: design and code generation (tasks 3, 4, 5 in parallel, then 6-8)" 3+4+5 6 7 8 || return 1
    phase "Phase 3: implementation and verification (tasks 10-14 in parallel)" 9 10+11+12+13+14 15 || return 1
    phase "Phase 4: release (tasks 16-21 in parallel)" 16+17+18+19+20+21 22 || return 1
    baseline
    met=false
    if [ "$total_ms" -ge 3600000 ] && [ "$total_ms" -le 5400000 ]; then met=true; fi
    ratio=$(awk -v a="$baseline_ms" -v b="$total_ms" 'BEGIN { printf "%.2f", a / b }')
    less=$(awk -v a="$baseline_ms" -v b="$total_ms" 'BEGIN { printf "%.0f", 100 * (1 - b / a) }')
    echo
    echo "OPTIMIZATION RESULTS:"
    echo "Total Duration: $((total_ms / 1000))s ($(minutes "$total_ms")m)"
    echo "Baseline:       $((baseline_ms / 1000))s ($(minutes "$baseline_ms")m), $origin"
    echo "Improvement:    $(((baseline_ms - total_ms) / 1000))s saved, $less % less time"
    echo "Speedup:        ${ratio}x"
    echo "Fall-backs:     $fallbacks of 3 parallel groups ran again one after another"
    printf '{"total_ms": %s, "baseline_ms": %s, "phases_ms": [%s], "fallbacks": %s, "target_met": %s}\n' \
        "$total_ms" "$baseline_ms" "$phases" "$fallbacks" "$met" >"$name.json"
    if [ "$met" = true ]; then
        echo "TARGET MET: 60 to 90 minutes"
    else
        echo "TARGET MISSED: $(minutes "$total_ms") min is outside 60 to 90 minutes"
    fi
    [ "$met" = true ]
}

# What is said goes through a pipe to a process beside this one, so that signals reach this one at once.
mkfifo "$work/said"
tee "$name.log" <"$work/said" &
listener=$!
exec 3>&1 >"$work/said" 2>&1
run
code=$?
exec >&3 2>&3
wait "$listener"
echo "Log: $name.log"
exit "$code"
