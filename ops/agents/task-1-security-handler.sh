#!/bin/sh
# Task 1, security baseline: fails if a definition or script can be written by everyone, or carries a credential.
set -eu
. "$(dirname "$0")/common.sh"
scanned=${K1N_SCAN:-$project/fixtures}

[ -d "$scanned" ] || {
  echo "nothing to scan: no folder $scanned (set K1N_SCAN)" >&2
  exit 2
}
files=$(find "$scanned" "$here" -type f | wc -l | tr -d ' ')
step collect "$files files under $scanned and $here"

writable=$(find "$scanned" "$here" -type f -perm -0002)
step permissions "of $files files"

# Names are shown, never the lines: a log is no place for a credential.
pattern='AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|"(password|secret|token|apiKey)"[[:space:]]*:[[:space:]]*"[^"$]{6,}"'
leaking=$(find "$scanned" -type f -name '*.json' -exec grep -lE -e "$pattern" {} + || true)
step credentials "in definitions"

if [ -n "$writable" ] || [ -n "$leaking" ]; then
  [ -z "$writable" ] || echo "writable by everyone: $writable" | tr '\n' ' ' >&2
  [ -z "$leaking" ] || echo "holds a credential: $leaking" | tr '\n' ' ' >&2
  exit 1
fi
finish "security-baseline-$files" "$files files, none writable by everyone, no credential in a definition"
