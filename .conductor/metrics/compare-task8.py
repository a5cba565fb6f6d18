#!/usr/bin/env python3
"""Measure task 8 with each of its strategies alone, with none and with all, cold and warm.

Usage: compare-task8.py [--speed 600]
Prints a table in Markdown and writes .conductor/metrics/task8-strategies.json. Durations are workflow time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HANDLER = HERE.parents[1] / "ops" / "agents" / "task-8-codegen-handler.sh"
SETS = ("none", "cache", "parallel", "incremental", "cache,parallel,incremental")


def measured(strategies: str, age: str, state: str, speed: str) -> dict[str, object]:
    """Run task 8 once."""
    environment = os.environ | {"K1N_STRATEGIES": strategies, "K1N_STATE": state, "K1N_SPEED": speed}
    done = subprocess.run([HANDLER, "8"], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"task 8 with {strategies} failed: {done.stderr.strip()}")
    said = json.loads(done.stdout.splitlines()[-1])
    took = {"duration_ms": sum(said["steps_ms"].values()), "steps_ms": said["steps_ms"], "digest": said["digest"]}
    return {"strategies": strategies, "cache": age, **took}


def main() -> int:
    """Measure all; 0, or 1 if two of them made different code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", default="600", help="by how much simulated time is shorter (default: 600)")
    speed = parser.parse_args().speed
    rows = []
    for strategies in SETS:
        with tempfile.TemporaryDirectory() as state:
            rows += [measured(strategies, age, state, speed) for age in ("cold", "warm")]
    before = rows[0]["duration_ms"]
    print("| strategies | cold, min | warm, min | saved cold, s | saved warm, s |\n| --- | --- | --- | --- | --- |")
    for cold, warm in zip(rows[::2], rows[1::2], strict=True):
        took = [row["duration_ms"] for row in (cold, warm)]
        minutes = [f"{ms / 60_000:.1f}" for ms in took]
        saved_s = [str(round((before - ms) / 1000)) for ms in took]
        cells = [cold["strategies"].replace(",", ", "), *minutes, *saved_s]
        print(f"| {' | '.join(cells)} |")
    digests = {row["digest"] for row in rows}
    print(f"\n{len(digests)} digest(s) of what came out: {', '.join(digest[:12] for digest in sorted(digests))}")
    target = Path(os.environ.get("K1N_METRICS") or HERE) / "task8-strategies.json"
    target.write_text(json.dumps({"speed": float(speed), "rows": rows}, indent=1) + "\n", "utf-8")
    print(f"Saved: {target}")
    return 0 if len(digests) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
