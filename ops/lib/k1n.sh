# Shared by scripts that call `k1n`: defines `k1n`. Set `project` to the project's folder before sourcing it.
# The project's own environment wins, then a k1n on the PATH, then python3 on the sources that lie here.
# With `k1n_by=exec` it takes the place of its shell, so that a signal to that reaches it.

if [ -x "$project/.venv/bin/python" ]; then
  k1n() { ${k1n_by:-command} "$project/.venv/bin/python" -m pytest_k1n "$@"; }
elif command -v k1n >/dev/null 2>&1; then
  k1n() { ${k1n_by:-command} k1n "$@"; }
else
  k1n() { ${k1n_by:-command} env "PYTHONPATH=$project${PYTHONPATH:+:$PYTHONPATH}" python3 -m pytest_k1n "$@"; }
fi
