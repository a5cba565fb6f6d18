#!/bin/sh
# Validate template 01 (single task) on its own; arguments go to pytest.
set -u
. "$(dirname "$0")/lib/validate_template.sh"
cd "$(project_of "$0")" || exit 1
validate_template 01 "single task" template-01-single-task-results.json test_template_01_single_task.py "$@"
