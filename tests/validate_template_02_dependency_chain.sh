#!/bin/sh
# Validate template 02 (dependency chain) on its own; arguments go to pytest.
set -u
. "$(dirname "$0")/lib/validate_template.sh"
cd "$(project_of "$0")" || exit 1
validate_template 02 "dependency chain" template-02-dependency-chain-results.json test_template_02_dependency_chain.py "$@"
