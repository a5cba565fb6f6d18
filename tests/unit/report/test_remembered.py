"""What a run says of its baseline."""

import pytest

from pytest_k1n.report.remembered import sentence


@pytest.mark.parametrize(
    ("is_exact", "effect", "said"),
    [
        (
            True,
            0.0625,
            "no regression; ship +6% (8.0 min -> 8.5 min), below the 10% that count (baseline of 1, virtual",
        ),
        (True, 0.0, "no regression (baseline of 1, virtual time: exact)"),
        (False, 0.0625, "no regression (baseline of 1)"),
    ],
)
def test_an_exact_comparison_names_what_became_slower_by_too_little(is_exact, effect, said):
    series = {"ref": "ship", "segment": "exec", "state": "pass", "effect": effect, "base_ms": 480_000,
              "new_ms": 480_000 * (1 + effect), "is_improvement": False, "detectable": 0.0, "note": ""}  # fmt: skip
    compared = {"title": "PARCEL", "state": "pass", "series": [series], "unknown": 0, "stale": "", "accepted": 1,
                "is_exact": is_exact, "note": ""}  # fmt: skip
    assert sentence(compared).startswith(f"PARCEL {said}")
