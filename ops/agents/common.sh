# Shared by the handler scripts: timing of steps, what the plan says a task costs, the output on the last line.
# POSIX sh, sourced. A worker sets K1N_WORKFLOW, K1N_REF, K1N_ESTIMATE_MS and K1N_SPEED. Typed by hand the estimate is
# the plan's, and simulated time is 600 times shorter; K1N_SPEED=1 takes as long as the plan says.

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
task=${0##*/task-} task=${task%%-*}
ref=${K1N_REF:-task_$task}
speed=${K1N_SPEED:-600}
simulated_ms=0 # raw ms that were waited, not worked

# number NAME VALUE LEAST EXAMPLE: ends the task if a setting is no number, or not above LEAST; EXAMPLE is one.
number() {
  awk -v value="$2" -v least="$3" \
    'BEGIN { exit !(value ~ /^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$/ && value + 0 > least) }' && return
  echo "$1 is '$2': write a number, such as $4" >&2
  exit 2
}
number K1N_SPEED "$speed" 0 "600, or 1 for real time"

now_ms() {
  stamp=$(date +%s%3N)
  case $stamp in
    *[!0-9]*) echo "$(($(date +%s) * 1000))" ;; # a date without %N
    *) echo "$stamp" ;;
  esac
}

# planned_ms WORKFLOW REF: the estimate in the plan, in ms of workflow time; nothing if it has none.
planned_ms() {
  awk -v workflow="$1" -v ref="$2" '
    $1 == "workflow" { current = $3 }
    current == "\"" workflow "\"" && match($0, "(^|[ {])" ref " = \"[0-9.]+m\"") {
      split(substr($0, RSTART, RLENGTH), part, "\"")
      printf "%d", part[2] * 60000 + 0.5
      exit
    }' "${K1N_PLAN:-$project/suites/plan.toml}" </dev/null
}

began_ms=$(now_ms)
step_ms=$began_ms
estimate_ms=${K1N_ESTIMATE_MS-$(planned_ms "${K1N_WORKFLOW:-K1N_22TASK_COMPLETE}" "$ref")}
if [ -n "$estimate_ms" ]; then
  number K1N_ESTIMATE_MS "$estimate_ms" -1 "60000 for a minute"
  estimate_ms=$(awk -v value="$estimate_ms" 'BEGIN { printf "%d", value + 0.5 }')
fi

# step NAME [TEXT...]: logs how long the step that ends here took.
step() {
  ended_ms=$(now_ms)
  echo "$* [$((ended_ms - step_ms))ms]"
  step_ms=$ended_ms
}

# simulate MS NAME [TEXT...]: waits for a step that costs MS of workflow time, and logs it.
simulate() {
  cost_ms=$1
  shift
  sleep "$(awk -v cost="$cost_ms" -v speed="$speed" 'BEGIN { printf "%.6f", cost / speed / 1000 }')"
  simulated_ms=$(awk -v sum="$simulated_ms" -v cost="$cost_ms" -v speed="$speed" \
    'BEGIN { printf "%.3f", sum + cost / speed }')
  echo "$* (simulated) [${cost_ms}ms]"
  step_ms=$(now_ms)
}

# finish ARTIFACT SUMMARY: waits for what is left of the estimate, and ends the task.
# Both must be free of quotes and backslashes. What the handler found stays real.
finish() {
  left_ms=$((${estimate_ms:-0} - ($(now_ms) - began_ms)))
  [ "$left_ms" -le 0 ] || simulate "$left_ms" rest "of what the plan estimates"
  if [ "$simulated_ms" != 0 ]; then
    printf '{"artifact": "%s", "summary": "%s", "simulated": true, "simulated_ms": %s}\n' "$1" "$2" "$simulated_ms"
  else
    printf '{"artifact": "%s", "summary": "%s", "simulated": false}\n' "$1" "$2"
  fi
}

# simulated_task TITLE STEP:PERCENT...: a task of which all is simulated, the steps with their share of the estimate.
simulated_task() {
  title=$1
  shift
  cost_of_all_ms=${estimate_ms:-60000}
  for each in "$@"; do
    simulate $((cost_of_all_ms * ${each#*:} / 100)) "${each%:*}"
  done
  printf '{"artifact": "%s-simulated", "summary": "%s", "simulated": true, "simulated_ms": %s}\n' \
    "$(printf '%s' "$ref" | tr -d '"\\\\[:cntrl:]')" "simulated: $title" "$simulated_ms" # a ref may be any text
}
