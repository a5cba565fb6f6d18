# Shared by the scripts that run handlers without a server: one task, several side by side, and how long that took.
#
# Every task goes through `k1n profile task`, so that each leaves a profile in workflow time. `took_ms` is what the last
# `one` or `together` took: simulated time as long as it stands for, everything else as measured, once.
# K1N_AGENTS is the folder of handlers, K1N_METRICS that of the profiles.

. "$project/ops/lib/k1n.sh"
agents=${K1N_AGENTS:-$project/ops/agents}
metrics=${K1N_METRICS:-$project/.conductor/metrics}
fallbacks=0
running= # processes of tasks

# tidy: end what still runs, and remove the scratch folder $work; at the end of the script, whatever its reason.
tidy() {
    for process in $running; do kill "$process" 2>/dev/null; done
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d)

clock_ms() { date +%s%3N; }

# A number out of a profile.
field_of() { sed -n "s/^  \"$2\": \([0-9]*\),\{0,1\}$/\1/p" "$1"; }

# start_task N LOG: run a handler beside this script, everything it says to LOG. Its process is $started.
start_task() {
    (k1n_by=exec && k1n profile task "$1" "$agents/task-$1-handler.sh" --into "$profiles" >"$2" 2>&1) &
    started=$!
    running="$running $started"
}

profile_in() { sed -n 's/^Profile saved: //p' "$1" | tail -n 1; }

# one N: run a task alone; exits with the handler's code.
one() {
    one_began=$(clock_ms)
    start_task "$1" "$work/task-$1.out"
    wait "$started"
    code=$?
    running=
    one_wall=$(($(clock_ms) - one_began))
    profile=$(profile_in "$work/task-$1.out")
    if [ -z "$profile" ]; then
        echo "  Task $1: no profile was written" >&2
        cat "$work/task-$1.out" >&2
        took_ms=$one_wall
        return 1
    fi
    took_ms=$(field_of "$profile" duration_ms)
    echo "  Task $1: $(minutes "$took_ms") min, exit code $code"
    [ "$code" -eq 0 ] || tail -n 3 "$work/task-$1.out" | sed 's/^/    /'
    return "$code"
}

# sequence N...: run tasks one after another; stops at the first that fails.
sequence() {
    sum_ms=0
    for each in "$@"; do
        one "$each" || return 1
        sum_ms=$((sum_ms + took_ms))
    done
    took_ms=$sum_ms
}

# side_by_side N...: run tasks at once, timed from the launch. Fails if one of them did, when all have ended.
side_by_side() {
    group_began=$(clock_ms)
    for each in "$@"; do
        start_task "$each" "$work/task-$each.out"
        echo "$started" >"$work/task-$each.pid"
    done
    failed=
    for each in "$@"; do
        wait "$(cat "$work/task-$each.pid")"
        echo $? >"$work/task-$each.code"
    done
    running=
    group_wall=$(($(clock_ms) - group_began))
    longest_ms=0 longest_wall=0 alone_ms=0
    for each in "$@"; do
        code=$(cat "$work/task-$each.code")
        profile=$(profile_in "$work/task-$each.out")
        each_ms=$([ -n "$profile" ] && field_of "$profile" duration_ms)
        each_wall=$([ -n "$profile" ] && field_of "$profile" wall_ms)
        echo "  Task $each: $(minutes "${each_ms:-0}") min, exit code $code"
        if [ "$code" -ne 0 ]; then
            failed="$failed $each"
            tail -n 3 "$work/task-$each.out" | sed 's/^/    /'
        fi
        alone_ms=$((alone_ms + ${each_ms:-0}))
        [ "${each_ms:-0}" -le "$longest_ms" ] || longest_ms=$each_ms
        [ "${each_wall:-0}" -le "$longest_wall" ] || longest_wall=$each_wall
    done
    took_ms=$((longest_ms + group_wall - longest_wall))
    echo "  side by side: $(minutes "$took_ms") min, one after another they take $(minutes "$alone_ms") min"
    [ -z "$failed" ]
}

# together N...: run tasks at once; if one fails, all of them again, one after another. Both count.
together() {
    if side_by_side "$@"; then
        return 0
    fi
    echo "  Parallel execution failed (task$failed): falling back to sequential"
    fallbacks=$((fallbacks + 1))
    parallel_ms=$took_ms
    sequence "$@" || return 1
    took_ms=$((parallel_ms + took_ms))
}

minutes() { awk -v ms="$1" 'BEGIN { printf "%.1f", ms / 60000 }'; }
