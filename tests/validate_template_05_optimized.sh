#!/bin/sh
# Validate template 05 (optimised workflow) on its own; arguments go to pytest.
set -u
. "$(dirname "$0")/lib/validate_template.sh"
cd "$(project_of "$0")" || exit 1
validate_template 05 "optimised workflow" template-05-optimized-results.json test_template_05_optimized.py "$@"
