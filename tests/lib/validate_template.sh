# Shared by tests/validate_template_0N_*.sh: run one template's tests through pytest and say how it went.
#
#   validate_template NUMBER TITLE RESULTS_NAME MODULE [pytest arguments]
#
# The server is the one that pytest would take: --k1n-server, K1N_SERVER, CONDUCTOR_SERVER_URL (with or without /api),
# else the embedded engine. PYTHON names the interpreter (default: .venv/bin/python, else python3).
# Exit codes: 0 validated, 1 not.

info() { printf 'INFO  %s\n' "$*"; }
error() { printf 'ERROR %s\n' "$*" >&2; }

# The directory of the project, from that of the calling script.
project_of() { (cd "$(dirname "$1")/.." && pwd); }

python_of() {
    if [ -n "${PYTHON:-}" ]; then
        printf '%s\n' "$PYTHON"
    elif [ -x .venv/bin/python ]; then
        printf '%s\n' .venv/bin/python
    else
        printf '%s\n' python3
    fi
}

# Print the health address of a URL, without secrets and /api, and the HTTP status that it answers; 000 for none.
# Fails with the reason for a URL that may not be used: from CONDUCTOR_SERVER_URL only loopback counts.
health_of() {
    K1N_HEALTH_URL=$1 K1N_HEALTH_SOURCE=$2 "$python" - <<'PY'
import os
import sys

from pytest_k1n.client.address import Address
from pytest_k1n.servers.external import URL_VARIABLE, server_from_environment
from pytest_k1n.servers.probe import ask

url = os.environ["K1N_HEALTH_URL"]
try:
    if os.environ["K1N_HEALTH_SOURCE"] == URL_VARIABLE:
        server_from_environment(url)
    address = Address.parse(url)
except (ValueError, OSError) as refused:
    sys.exit(" ".join(str(refused).split()))
try:
    status = ask(address, "GET", "/health", timeout_s=5).status
except OSError:
    status = 0
print(f"{status:03d} {address.url}/health")
PY
}

# Say which server it will be: by argument, K1N_SERVER, CONDUCTOR_SERVER_URL, or the default.
check_server() {
    url=${K1N_SERVER:-} source=K1N_SERVER
    [ -n "$url" ] || { url=${CONDUCTOR_SERVER_URL:-} source=CONDUCTOR_SERVER_URL; }
    for argument in "$@"; do
        case $argument in --k1n-server=*) url=${argument#*=} source=--k1n-server ;; esac
    done
    case $url in
        *://*)
            if ! health=$(health_of "$url" "$source" 2>&1); then
                error "$health"
                return 1
            elif [ "${health%% *}" = 200 ]; then
                info "✓ server healthy: ${health#* } (HTTP 200)"
            else
                error "server not healthy: ${health#* } (HTTP ${health%% *})"
                return 1
            fi
            ;;
        *) info "✓ server: ${url:-embedded}, started and stopped by the run" ;;
    esac
}

# The verdict and the makespan in a results file.
outcome_of() {
    "$python" - "$1" <<'PY'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
took = document["makespan_min"]
print(document["verdict"], "no makespan" if took is None else f"{took:.1f} min")
PY
}

validate_template() {
    number=$1 title=$2 results_name=$3 module=$4
    shift 4
    python=$(python_of)
    results=${K1N_RESULTS:-test-results}/$results_name
    info "template $number: $title"
    check_server "$@" || return 1
    # A file of an earlier run must not be taken for this one's.
    rm -f "$results"
    code=0
    "$python" -m pytest "suites/$module" --k1n-results="${K1N_RESULTS:-test-results}" "$@" || code=$?
    if [ -f "$results" ]; then
        outcome=$(outcome_of "$results") || outcome=unreadable
        info "results: $results (${outcome})"
    else
        error "no results file $results was written"
        [ "$code" -ne 0 ] || code=1
    fi
    if [ "$code" -eq 0 ]; then
        info "✓ template $number validated"
        return 0
    fi
    error "template $number failed (pytest exit code $code)"
    return 1
}
