"""`python -m pytest_k1n`: the `k1n` command."""

import sys

from pytest_k1n.cli import main

if __name__ == "__main__":
    sys.exit(main())
