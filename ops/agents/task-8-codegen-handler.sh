#!/bin/sh
# Task 8, code generation: parses patterns, generates modules, compiles, checks and writes them (ops/codegen).
# K1N_STRATEGIES chooses among cache, parallel and incremental, or none. Without it the plan's workflows that are not
# optimised use none of them: they are what the others are compared with.
set -eu
. "$(dirname "$0")/common.sh"

case ${K1N_WORKFLOW:-} in
  K1N_22TASK_COMPLETE | K1N_TEMPLATE_02) usual=none ;;
  *) usual=cache,parallel,incremental ;;
esac
python=${K1N_PYTHON:-$project/.venv/bin/python}
[ -x "$python" ] || python=python3
"$python" -c 'import tomllib' 2>/dev/null || {
  echo "task 8 needs Python >= 3.11, $python is not: set K1N_PYTHON" >&2
  exit 2
}
state=${K1N_STATE:-$project/.conductor}
exec "$python" "$project/ops/codegen" --speed "$speed" --strategies "${K1N_STRATEGIES:-$usual}" \
  --output "${K1N_OUTPUT:-$state/generated}" --cache "$state/cache"
