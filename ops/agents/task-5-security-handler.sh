#!/bin/sh
# Task 5, security review: fails if a script pipes a download into a shell, evaluates text, or runs with another's rights.
set -eu
. "$(dirname "$0")/common.sh"
reviewed=${K1N_SCAN:-$project/ops}

[ -d "$reviewed" ] || {
  echo "nothing to review: no folder $reviewed (set K1N_SCAN)" >&2
  exit 2
}
scripts=$(find "$reviewed" -type f -name '*.sh' | wc -l | tr -d ' ')
step collect "$scripts scripts under $reviewed"

risky=$(find "$reviewed" -type f -name '*.sh' -exec grep -lE '^[^#]*((curl|wget)[^|]*\|[[:space:]]*(ba|da|z)?sh|[[:space:];]eval[[:space:]])' {} + || true)
step contents "of $scripts scripts"

privileged=$(find "$reviewed" -type f \( -perm -4000 -o -perm -2000 \))
step rights "of everything else"

if [ -n "$risky$privileged" ]; then
  [ -z "$risky" ] || echo "runs text that it did not write: $risky" | tr '\n' ' ' >&2
  [ -z "$privileged" ] || echo "runs with another's rights: $privileged" | tr '\n' ' ' >&2
  exit 1
fi
finish "security-review-$scripts" "$scripts scripts, none evaluates text or borrows rights"
