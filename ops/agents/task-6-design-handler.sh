#!/bin/sh
# Task 6, design: fails if a workflow definition gives two of its tasks the same reference name.
set -eu
. "$(dirname "$0")/common.sh"
fixtures=${K1N_SCAN:-$project/fixtures}

[ -d "$fixtures/workflows" ] || {
  echo "nothing to read: no workflows in $fixtures (set K1N_SCAN)" >&2
  exit 2
}
count=$(find "$fixtures/workflows" -type f -name '*.json' | wc -l | tr -d ' ')
step collect "$count workflow definitions"

doubled=
for file in "$fixtures"/workflows/*.json; do
  twice=$(grep -oE '"taskReferenceName": *"[^"]+"' "$file" | sort | uniq -d | sed 's/.*: *//' | tr -d '"' | tr '\n' ' ')
  [ -z "$twice" ] || doubled="$doubled ${file##*/}: $twice"
done
step compare "their reference names"

if [ -n "$doubled" ]; then
  echo "reference names that are used twice:$doubled" >&2
  exit 1
fi
finish "design-$count" "$count definitions, every reference name is unique"
