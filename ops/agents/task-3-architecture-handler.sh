#!/bin/sh
# Task 3, architecture: fails if a workflow definition uses a task that has no task definition beside it.
set -eu
. "$(dirname "$0")/common.sh"
fixtures=${K1N_SCAN:-$project/fixtures}

[ -d "$fixtures/workflows" ] && [ -d "$fixtures/tasks" ] || {
  echo "nothing to compare: no workflows and tasks in $fixtures (set K1N_SCAN)" >&2
  exit 2
}
used=$(grep -hoE '"name": *"(task|probe)_[A-Za-z0-9]+"' "$fixtures"/workflows/*.json | grep -oE '(task|probe)_[A-Za-z0-9]+' | sort -u)
count=$(echo "$used" | wc -l | tr -d ' ')
step collect "$count task names used by workflows"

missing=
for name in $used; do
  [ -f "$fixtures/tasks/$name.json" ] || missing="$missing $name"
done
step compare "with the task definitions"

if [ -n "$missing" ]; then
  echo "no task definition:$missing" >&2
  exit 1
fi
finish "architecture-$count" "$count tasks are used, each has its definition"
