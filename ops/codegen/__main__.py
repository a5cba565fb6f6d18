"""The work of task 8: `python ops/codegen --speed X [--strategies cache,parallel,incremental] …`."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path

from generation import LANES, STRATEGIES, CheckFailed, Job, digest, generate
from library import BadLibrary
from metering import Meter


def main() -> int:
    """Generate; 0, 1 if what was generated does not hold, 2 for a library or an argument that cannot be used."""
    parser = argparse.ArgumentParser(prog="ops/codegen", description=__doc__)
    parser.add_argument("--library", type=Path, default=Path(__file__).parent)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--strategies", type=_strategies, default=frozenset(STRATEGIES), metavar="LIST")
    parser.add_argument("--lanes", type=int, choices=range(1, 33), default=LANES, metavar="N")
    parser.add_argument("--speed", type=float, default=600)
    given = parser.parse_args()
    if not 0 < given.speed < float("inf"):
        parser.error("--speed (K1N_SPEED) is a number above 0")
    say = partial(print, flush=True)
    say(f"[INFO] Strategies: {', '.join(sorted(given.strategies)) or 'none'}")
    meter = Meter(given.speed, say)
    job = Job(
        library=given.library, output=given.output, cache=given.cache, strategies=given.strategies, lanes=given.lanes
    )
    try:
        modules = generate(job, meter)
    except CheckFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except (BadLibrary, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    hashed = digest(modules)
    say(
        json.dumps(
            {
                "artifact": f"code-{hashed[:12]}",
                "summary": f"{len(modules)} modules generated, compiled and checked",
                "digest": hashed,
                "strategies": sorted(given.strategies),
                "steps_ms": dict(meter.steps),
                "simulated": True,
                "simulated_ms": meter.simulated_ms,
            }
        )
    )
    return 0


def _strategies(text: str) -> frozenset[str]:
    named = frozenset(text.replace(",", " ").split()) - {"none"}
    if unknown := named - set(STRATEGIES):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose of {', '.join(STRATEGIES)}, or none")
    return named


if __name__ == "__main__":
    sys.exit(main())
