"""Put the differential harness (`k1n_parity`) on the import path; name the live server it runs on."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
