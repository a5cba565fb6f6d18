"""Coverage as one HTML page: self-contained, readable without scripts, everything from outside escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from pytest_k1n.core.text import one_line
from pytest_k1n.coverage.goals import Goal
from pytest_k1n.coverage.merging import Covered, rate

_STYLE = """
:root { color-scheme: light dark; --good: #1a7f37; --bad: #b42318; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.met { color: var(--good); } .missing { color: var(--bad); }
code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; }
"""


def page(definitions: Sequence[Covered]) -> str:
    """Write the page."""
    return "\n".join(_page(definitions)) + "\n"


def _page(definitions: Sequence[Covered]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    # Nothing is loaded from anywhere, whatever a definition's names try.
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>Coverage of workflow definitions</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    met, goals = sum(len(each.tests) for each in definitions), sum(len(each.goals) for each in definitions)
    yield f"<h1>Coverage of workflow definitions: {rate(definitions):.1%}</h1>"
    yield f"<p>{met} of {goals} goals exercised, in {sum(len(each.executions) for each in definitions)} executions.</p>"
    yield _head("definition", "exercised", "covered", "executions")
    for number, each in enumerate(definitions):
        yield (
            f'<tr><td><a href="#d{number}">{_shown(each.title)}</a></td>'
            f'<td class="number">{len(each.tests)}/{len(each.goals)}</td>'
            f'<td class="number">{rate([each]):.1%}</td><td class="number">{len(each.executions)}</td></tr>'
        )
    yield "</tbody>\n</table>"
    for number, each in enumerate(definitions):
        yield f'<h2 id="d{number}">{_shown(each.title)}: {rate([each]):.1%}</h2>'
        yield _head("", "goal", "exercised by, or what to write next")
        yield from (_row(goal, each.tests.get(goal, ())) for goal in each.goals)
        yield "</tbody>\n</table>"
    yield "</body>\n</html>"


def _head(*names: str) -> str:
    cells = "".join(f"<th>{name}</th>" for name in names)
    return f"<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>"


def _row(goal: Goal, tests: Sequence[str]) -> str:
    if not tests:
        return (
            f'<tr><td class="missing">missing</td><td>{_shown(goal.what)}</td>'
            f"<td><code>{_shown(goal.advice)}</code></td></tr>"
        )
    listed = "".join(f"<li>{_shown(test)}</li>" for test in tests)
    many = f"<details><summary>{len(tests)} tests</summary><ul>{listed}</ul></details>"
    return (
        f'<tr><td class="met">met</td><td>{_shown(goal.what)}</td>'
        f"<td>{many if len(tests) > 1 else _shown(tests[0])}</td></tr>"
    )


def _shown(text: str) -> str:
    return escape(one_line(text, most=2000))
