#!/bin/sh
# Validate template 03 (parallel execution) on its own; arguments go to pytest.
set -u
. "$(dirname "$0")/lib/validate_template.sh"
cd "$(project_of "$0")" || exit 1
validate_template 03 "parallel execution" template-03-parallel-execution-results.json test_template_03_parallel_execution.py "$@"
