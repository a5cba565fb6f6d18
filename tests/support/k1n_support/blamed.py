"""Which executions of a server `k1n check` blames, by finding: of true ones each is a false alarm, or has a reason.

`k1n conformance URL` has a server make thousands of executions of definitions that strangers might write, and operate
on them; `python -m k1n_support.blamed URL` judges all that the server has. How an execution ended is not judged, only
what its record says of its order and of itself.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import requests

from k1n_support.mutations.judging import ENDS, by_record_alone
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.wire import wire

_PAGE = 500


def blamed(url: str) -> Iterator[tuple[str, list[Finding]]]:
    """Yield every execution of a server that has ended: its id, and what is doubted or blamed of it."""
    with requests.Session() as session:
        for workflow_id in _ids(session, url):
            document = session.get(f"{url}/api/workflow/{workflow_id}", timeout=30).json()
            if document["status"] not in ENDS:
                continue
            try:
                found = by_record_alone(document, document["status"])
            except wire.WireError:
                continue  # removed meanwhile, or stored without a name
            yield workflow_id, [each for each in found if each.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]


def _ids(session: requests.Session, url: str) -> Iterator[str]:
    seen: set[str] = set()
    start = 0
    while True:
        asked = {"start": start, "size": _PAGE, "query": "", "freeText": "*"}
        page = session.get(f"{url}/api/workflow/search", params=asked, timeout=30).json()["results"]
        if not page:
            return
        start += len(page)
        new = [each["workflowId"] for each in page if each["workflowId"] not in seen]
        seen.update(new)
        yield from new


def main() -> None:
    """Print a table: finding, verdict, how many executions, and one of them."""
    parser = argparse.ArgumentParser(prog="python -m k1n_support.blamed", description=__doc__)
    parser.add_argument("url")
    url = parser.parse_args().url.rstrip("/")
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    executions = 0
    for workflow_id, findings in blamed(url):
        executions += 1
        for kind in {(each.code, str(each.verdict)) for each in findings}:
            counts[kind] += 1
            examples.setdefault(kind, workflow_id)
    print(f"{executions} executions of {url}")
    for (code, verdict), count in counts.most_common():
        print(f"{count:6}  {code:18} {verdict:8} {examples[code, verdict]}")


if __name__ == "__main__":
    main()
