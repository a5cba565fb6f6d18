"""A short form of the sweep over the REST API: the served engine answers as Conductor 3.32.1 did."""

import re

from k1n_parity.oddities import EVERY, numbered
from k1n_parity.sweep import Sweep, differing, read
from k1n_support.soak import served

KNOWN = (
    ("no such column", "A column that the server's tables lack, on SQLite: here such a search finds nothing."),
    ("TaskDef.setCreatedBy", "Words of the JVM's."),
    ("DELETE /workflow/bulk/.* {}", "A body that is not JSON is none for the server in a DELETE: here it is refused."),
)
"""What is answered otherwise: a pattern of the request or of the server's answer, and why."""


def is_known(request, answer):
    return any(re.search(pattern, f"{request} {answer}") for pattern, _ in KNOWN)


def test_the_engine_answers_odd_requests_as_the_server_does():
    recorded, asked = read(), numbered(every=EVERY)
    with served() as (url, _):
        answers = Sweep(url=url, prefix="swept_").run([each for _, each in asked])

    expected = [recorded[place] for place, _ in asked]
    assert [each["request"] for each in expected] == [each["request"] for each in answers], "record the sweep again"
    assert [
        (theirs["request"], [(name, theirs[name], ours[name]) for name in differing(theirs, ours)])
        for theirs, ours in zip(expected, answers, strict=True)
        if theirs != ours and not is_known(theirs["request"], theirs["body"])
    ] == []
