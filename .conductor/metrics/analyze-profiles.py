#!/usr/bin/env python3
"""Rank the profiles of a baseline, or of the newest one in a folder, and write its summary.json.

Usage: analyze-profiles.py <baseline_dir>
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pytest_k1n.cli import main

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: analyze-profiles.py <baseline_dir>")
    sys.exit(main(["profile", "analyze", sys.argv[1]]))
