#!/bin/sh
# Validate that Conductor and its workers survive what production does: seven core tests on a server of the run's own.
#
# A real Conductor is started from its boot jar (Java >= 21; K1N_JAR names the jar, else the cache or Maven). Arguments
# go to pytest; `--all` runs every resilience test beside the seven, latency to 20 workflows at once. Figures go to
# .conductor/metrics/resilience.xml. Exit codes: 0 seven of seven, 1 not.
set -u
. "$(dirname "$0")/lib/validate_template.sh"
cd "$(project_of "$0")" || exit 1
python=$(python_of)
metrics=.conductor/metrics
module=tests/live/test_resilience.py
mkdir -p "$metrics"
rm -f "$metrics/resilience.xml"

chosen="a_tier_that_cannot_start or both_health_endpoints or a_dependency_chain or 22_tasks_are_done"
chosen="$chosen or killed_in_the_middle or a_killed_workers_task or three_22_task"
if [ "${1:-}" = --all ]; then
    chosen=test
    shift
fi
info "seven core tests on a Conductor of this run's own: it is killed in the middle"
code=0
K1N_LIVE=1 K1N_LONG=1 "$python" -m pytest "$module" -q -k "$chosen" --k1n-server=embedded --junitxml="$metrics/resilience.xml" "$@" ||
    code=$?
"$python" - "$metrics/resilience.xml" <<'PY' || code=1
import sys
import xml.etree.ElementTree as tree

CORE = {
    "tier fallback": "test_a_tier_that_cannot_start_is_passed_over_and_said_why",
    "health": "test_both_health_endpoints_say_that_it_is_well",
    "dependency chain": "test_a_dependency_chain_keeps_its_order",
    "performance": "test_22_tasks_are_done_within_their_budget",
    "server killed, resumed": "test_a_server_killed_in_the_middle_resumes_on_its_database",
    "worker killed, retried": "test_a_killed_workers_task_is_tried_again_with_one_effect",
    "three workflows at once": "test_three_22_task_workflows_at_once_keep_their_order",
}
try:
    cases = {case.get("name"): case for case in tree.parse(sys.argv[1]).iter("testcase")}
except OSError:
    sys.exit("ERROR no test was run")
passed = 0
for number, (title, name) in enumerate(CORE.items(), 1):
    case = cases.get(name)
    bad = case is None or any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
    passed += not bad
    took = "not run" if case is None else f"{float(case.get('time', 0)):.1f} s"
    print(f"INFO  {'✗' if bad else '✓'} {number}/{len(CORE)} {title} ({took})")
print(f"INFO  pass rate {passed}/{len(CORE)} ({passed / len(CORE):.0%})")
sys.exit(passed != len(CORE))
PY
if [ "$code" -eq 0 ]; then
    info "✓ resilience validated"
    exit 0
fi
error "resilience not validated"
exit 1
