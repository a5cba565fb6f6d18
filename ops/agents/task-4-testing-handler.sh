#!/bin/sh
# Task 4, testing: fails if a module of the suite holds no test.
set -eu
. "$(dirname "$0")/common.sh"
suites=${K1N_SCAN:-$project/suites}

[ -d "$suites" ] || {
  echo "nothing to count: no folder $suites (set K1N_SCAN)" >&2
  exit 2
}
modules=$(find "$suites" -type f -name 'test_*.py' | wc -l | tr -d ' ')
step collect "$modules modules of tests in $suites"

empty=$(find "$suites" -type f -name 'test_*.py' -exec grep -L '^ *def test_' {} +)
tests=$(find "$suites" -type f -name 'test_*.py' -exec cat {} + | grep -c '^ *def test_' || true)
step count "$tests tests"

if [ -n "$empty" ]; then
  echo "without a test: $empty" | tr '\n' ' ' >&2
  exit 1
fi
finish "testing-$tests" "$tests tests in $modules modules"
