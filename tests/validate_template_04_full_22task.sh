#!/bin/sh
# Validate template 04 (full 22-task workflow) on its own; arguments go to pytest.
set -u
. "$(dirname "$0")/lib/validate_template.sh"
cd "$(project_of "$0")" || exit 1
validate_template 04 "full 22-task workflow" template-04-full-22task-results.json test_template_04_full_22task.py "$@"
