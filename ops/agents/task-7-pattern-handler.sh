#!/bin/sh
# Task 7, pattern: fails if a pattern of the library asks for a template that is not there.
set -eu
. "$(dirname "$0")/common.sh"
library=${K1N_SCAN:-$project/ops/codegen}

[ -d "$library/patterns" ] && [ -d "$library/templates" ] || {
  echo "nothing to match: no patterns and templates in $library (set K1N_SCAN)" >&2
  exit 2
}
count=$(find "$library/patterns" -type f -name '*.toml' | wc -l | tr -d ' ')
step collect "$count patterns"

missing=
for file in "$library"/patterns/*.toml; do
  [ -f "$file" ] || continue
  template=$(sed -n 's/^template = "\(.*\)"$/\1/p' "$file")
  [ -n "$template" ] && [ -f "$library/templates/$template.py.tmpl" ] || missing="$missing ${file##*/}: ${template:-none named}"
done
step match "with their templates"

if [ -n "$missing" ]; then
  echo "patterns without a template:$missing" >&2
  exit 1
fi
finish "pattern-$count" "$count patterns, each has its template"
