# Shared by the handler scripts: timing of steps, the cost that the plan gives a task, the output on the last line.
# POSIX sh. Sourced with K1N_REF, K1N_ESTIMATE_MS, K1N_SPEED set by the worker.

now_ms() {
  stamp=$(date +%s%3N)
  case $stamp in
    *[!0-9]*) echo "$(($(date +%s) * 1000))" ;; # a date without %N
    *) echo "$stamp" ;;
  esac
}

began_ms=$(now_ms)
step_ms=$began_ms

# step NAME [TEXT...]: logs how long the step that ends here took.
step() {
  ended_ms=$(now_ms)
  echo "$* [$((ended_ms - step_ms))ms]"
  step_ms=$ended_ms
}

# fill_estimate: waits until the task has cost what the plan estimates; sets $simulated. The findings stay real.
fill_estimate() {
  simulated=false
  [ -n "${K1N_ESTIMATE_MS:-}" ] || return 0
  left_ms=$(awk -v estimate="$K1N_ESTIMATE_MS" -v speed="${K1N_SPEED:-1}" -v spent="$(($(now_ms) - began_ms))" \
    'BEGIN { printf "%d", estimate / speed - spent }')
  [ "$left_ms" -gt 0 ] || return 0
  sleep "$(awk -v ms="$left_ms" 'BEGIN { printf "%.3f", ms / 1000 }')"
  simulated=true
}

# finish ARTIFACT SUMMARY: ends the task. Both must be free of quotes and backslashes.
finish() {
  fill_estimate
  printf '{"artifact": "%s", "summary": "%s", "simulated": %s}\n' "$1" "$2" "$simulated"
}
