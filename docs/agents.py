"""SKILL.md and llms.txt, for programs that write tests: from the other pages and the code, by docs/generate.py."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest_k1n.core.expectations as expectations
from pytest_k1n import plugin
from pytest_k1n.cli import COMMANDS
from pytest_k1n.run.ours import STATIC_MARKERS

ROOT = Path(__file__).parents[1]
NOTE = "<!-- Written by docs/generate.py from the README, the pages and the code: change it there. -->"
SECTIONS = {
    "Tutorial": "docs/tutorial.md",
    "How to": "docs/how-to",
    "Reference": "docs/reference",
    "Explanation": "docs/explanation",
}
WHEN = """\
Use it to test workflows of Conductor (OSS): their order, concurrency, timing, failure paths and quality, from JSON
definitions or from executions that a server recorded. Nothing but Python 3.11 is needed: the default server is an
embedded engine in virtual time, so a workflow of hours is judged in milliseconds. It is not a Conductor server, and
every output says so; `--k1n-server=URL`, `jar` or `docker` runs the same tests on a real one."""
RULES = """\
- Refs are `taskReferenceName`s. A handler is looked up by ref, then by task name; it takes the task and returns its
  output as a dict. Raise in a handler to fail its task. Without a handler, work is simulated: it takes its
  estimate, and says so.
- Durations are strings with a unit, `"250ms"`, `"30s"`, `"6.5m"`, `"1h30m"`, in workflow time.
- Prefer `completed()` and `follows_definition()`: what the definition demands needs no refs. Then add what it
  cannot say.
- A finding names its code, ref, expected and observed; look the code up in `docs/reference/findings.md`. Unknown is
  no pass.
- Never sleep in a test, and never poll: `execution.advance("2h")` moves the clock of the embedded engine."""


def skill() -> str:
    """Return the text of SKILL.md: what an agent needs to write a first test that is right."""
    return "\n".join(_skill()) + "\n"


def _skill() -> Iterator[str]:
    yield from (
        "---",
        "name: pytest-k1n",
        "description: Write and run acceptance tests for Conductor workflows with pytest",
    )
    yield from ("---", "", "# Test Conductor workflows with pytest-k1n", "", NOTE, "", WHEN, "")
    yield from (
        "## A test of a definition",
        "",
        _section("README.md", "Twenty lines").partition("\nNo server")[0].strip(),
        "",
    )
    yield from ("## A plan of several workflows", "", "`k1n init` writes a working example to start from:", "")
    yield from ("```console", "$ k1n init > /dev/null && pytest -q test_order.py", "...", "5 passed in ...s", "```", "")
    yield from ("## Rules", "", RULES, "")
    yield from (
        "## Expectations",
        "",
        "`from pytest_k1n import ...`, given to `execution.expect(...)`; all are judged at once.",
        "",
    )
    for name in expectations.__all__:
        make = getattr(expectations, name)
        if name[0].islower() and make.__module__.rpartition(".")[2] not in ("expectation", "planned"):
            yield f"- `{name}{signature(make)}`: {_first_line(make)}"
    yield from ("", "## Fixtures", "")
    for name in plugin.__all__:
        yield f"- `{name}`: {_first_line(getattr(plugin, name))}"
    yield from ("", "## Marks", "", *(f"- `{line.replace(': ', '`: ', 1)}" for line in STATIC_MARKERS))
    yield from ("", "## Commands", "", *(f"- `k1n {command.name}`: {command.help}" for command in COMMANDS))
    yield from ("", "## Exit codes", "", _section("README.md", "In a pipeline").split("\n\n")[1].strip(), "")
    yield from ("All pages: [llms.txt](llms.txt).",)


def llms() -> str:
    """Return the text of llms.txt: every page with its first sentence."""
    return "\n".join(_llms()) + "\n"


def _llms() -> Iterator[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    yield from ("# pytest-k1n", "", f"> {_first_sentences(readme)}", "")
    yield from (WHEN, "", "- [SKILL.md](SKILL.md): how to write a test that is right, in one page")
    for title, place in SECTIONS.items():
        yield from ("", f"## {title}", "")
        path = ROOT / place
        for page in [path] if path.is_file() else sorted(path.rglob("*.md")):
            text = page.read_text(encoding="utf-8")
            if text.startswith("# "):  # others take a file of the root into the site
                yield f"- [{_title(text)}]({page.relative_to(ROOT)}): {_first_sentences(text)}"
    yield from ("", "## Optional", "")
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        yield f"- [{_title((ROOT / name).read_text(encoding='utf-8'))}]({name})"


def signature(function: Callable[..., object]) -> str:
    """Write a signature without annotations; a marker object as default means: it may be left out."""
    annotated = inspect.signature(function)
    parameters = [each.replace(annotation=inspect.Parameter.empty) for each in annotated.parameters.values()]
    plain = annotated.replace(
        parameters=[each for each in parameters if each.name != "self"], return_annotation=inspect.Signature.empty
    )
    return re.sub(r"=<[^>]*>", "=…", str(plain)).replace("'", '"')


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _section(page: str, heading: str) -> str:
    """Return the body under a heading of the second level. Raises LookupError."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise LookupError(f"{page} has no section {heading!r}, which SKILL.md takes from it")
    return found[1]


def _first_sentences(text: str) -> str:
    """Return the first paragraph of prose, without links, or nothing where a page has none before its first heading."""
    plain = re.sub(r"```.*?```|<!--.*?-->", "", text.partition("\n")[2].split("\n## ")[0], flags=re.DOTALL)
    paragraphs = [
        " ".join(each.split()) for each in plain.split("\n\n") if each.strip() and each.strip()[0] not in "|-#"
    ]
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", paragraphs[0]) if paragraphs else "see the page."


def _first_line(documented: object) -> str:
    return (getattr(documented, "__doc__", None) or "").strip().partition("\n")[0].partition(" Raises ")[0]
