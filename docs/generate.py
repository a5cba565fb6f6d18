"""Write the reference pages from the code: `python docs/generate.py` (`--check`: only say which are out of date)."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest_k1n.core.expectations as expectations
import pytest_k1n.report.document as report_document
from pytest_k1n.cli import COMMANDS
from pytest_k1n.conformance.known import EMBEDDED, NEXT, RACE, known_differences
from pytest_k1n.core.codes import CODES
from pytest_k1n.core.gates import CATEGORIES
from pytest_k1n.core.gates.document import QualityDocument
from pytest_k1n.fixtures import definitions as factories
from pytest_k1n.lint.table import CHECKS
from pytest_k1n.options import INI_ONLY, OPTIONS, Option
from pytest_k1n.report.weather import RunWeatherDocument
from pytest_k1n.run.ours import STATIC_MARKERS
from pytest_k1n.servers.releases import OLDER, PINNED
from pytest_k1n.settings import DEFAULT_SERVER

sys.path.insert(0, str(Path(__file__).parent))
from agents import llms, signature, skill  # scripts beside this one
from schema_of import schema_of

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SCHEMA = ROOT / "schemas" / "run.schema.json"
NOTE = "<!-- Written by docs/generate.py from the code: change it there. -->"
TOPICS = {
    "outcome": "How it ended",
    "order": "Order and barriers",
    "course": "Which tasks ran",
    "persistence": "Retries, waits and compensation",
    "overlap": "Concurrency",
    "bands": "Durations and windows",
    "estimates": "Against the plan's estimates",
    "queueing": "Waits for workers",
    "path": "The critical path",
    "data": "Data and logs",
    "isolation": "Beside another execution",
    "pairs": "Beside another execution",
}
FIXTURES = (
    "workflow_execution", "workflow_phase", "workflow_executions", "batch_execution", "executions_alone",
    "struck_execution", "conductor",
    "conductor_module", "conductor_session", "conductor_proc", "conductor_noproc", "quality_gate", "batch_quality",
    "workflow_benchmark",
)  # fmt: skip

_DEFAULTS = {
    "server": f"`{DEFAULT_SERVER}`",
    "time": "embedded: `virtual`; jar and docker: `scaled`; a URL: `real`",
    "plan": "`k1n.toml` or `plan.toml`, from each argument's folder upwards; else `suites/plan.toml`",
    "jar": "the cache, `~/.conductor/conductor-server.jar`, Maven",
    "container-cli": "`docker`, then `podman`",
    "java": "`JAVA_HOME`, `PATH`, the system's JVM folders",
    "workers": "`own`; on a server that is not ours and not on this machine `external`",
    "handlers": "`auto` in real time, `simulated` in scaled and virtual time",
    "register": "`missing`; a server that the run started `always`; one that is not on this machine `never`",
}


def options_page() -> Iterator[str]:
    """Every option: names, values, default."""
    yield from ("# Options", "", NOTE, "")
    yield "Each option has three names: on the command line, in the ini file, in the environment. The strongest wins:"
    yield "command line, environment, ini, default. Durations carry their unit: `250ms`, `30s`, `6.5m`, `1h30m`."
    yield ""
    yield "`CONDUCTOR_SERVER_URL` counts as `--k1n-server` too, between `K1N_SERVER` and the ini file, and only for a"
    yield "server on this machine: a production URL that happens to be exported is refused."
    for option in OPTIONS:
        yield from ("", f"## {option.flag}", "", f"{_sentence(option.help)}", "")
        yield f"- Values: {_values(option)}"
        yield f"- Default: {_default(option)}"
        yield f"- ini: `{option.dest}`, environment: `{option.variable}`"
    yield from ("", "## In the ini file only", "", "`k1n doctor` reads them; what they name is examined.", "")
    yield from (f"- `{option.dest}`: {_sentence(option.help)}" for option in INI_ONLY)


def markers_page() -> Iterator[str]:
    """Markers that the plugin registers, and those that a plan adds."""
    yield from ("# Markers", "", NOTE, "")
    yield "`pytest --markers` lists them with those of your plan: `batch1`, `phase1`, …, and its batches' aliases."
    for line in STATIC_MARKERS:
        signature, _, meaning = line.partition(": ")
        yield from ("", f"## {signature}", "", _sentence(meaning))
    yield from ("", "## batchN, phaseN", "")
    yield "The short forms of `batch(n=N)` and `phase(n=N)`; `pytest -m batch2` runs a batch."


def fixtures_page() -> Iterator[str]:
    """Fixtures, with what they give."""
    from pytest_k1n.core.concurrency.races import Interleavings
    from pytest_k1n.fixtures.benchmark import WorkflowBenchmark
    from pytest_k1n.fixtures.conductor import ConductorFixture
    from pytest_k1n.fixtures.execution import ObservedExecution
    from pytest_k1n.fixtures.live import LiveExecution
    from pytest_k1n.fixtures.server import ConductorServer

    yield from ("# Fixtures", "", NOTE, "")
    yield "Ask for a fixture by its name; there is nothing to import."
    for name in FIXTURES:
        definition = getattr(factories, name)
        yield from ("", f"## {name}", "", *_documented(getattr(definition, "__wrapped__", definition)))
    for kind, what in (
        (ObservedExecution, "What `workflow_execution` and its relatives give. `expect` judges it."),
        (ConductorFixture, "What `conductor` gives."),
        (LiveExecution, "What `conductor.start` and `conductor.run` return: all of ObservedExecution, and:"),
        (Interleavings, "What `conductor.interleavings` returns."),
        (ConductorServer, "What `conductor_proc` and `conductor_noproc` give."),
        (WorkflowBenchmark, "What `workflow_benchmark` gives: call it with one or more executions of a workflow."),
    ):
        yield from ("", f"## {kind.__name__}", "", what, "")
        yield from _members(kind)


def expectations_page() -> Iterator[str]:
    """Every expectation, by topic, from its docstring."""
    yield from ("# Expectations", "", NOTE, "")
    yield "An expectation is a value. Give one or more to `execution.expect(…)`; all of them are judged, and one"
    yield "AssertionError shows every finding, worst first. The verdict is pass, fail or unknown; unknown is no pass."
    yield ""
    yield "Import them from `pytest_k1n`. Any callable that takes an `Execution` and returns `Findings` is one"
    yield "too; an AssertionError in it is a finding, and None in place of `Findings` is unknown."
    by_topic: dict[str, list[str]] = {}
    for name in expectations.__all__:
        module = getattr(expectations, name).__module__.rpartition(".")[2]
        if hasattr(getattr(expectations, name), "__wrapped__") and name != "planned":  # made by @expectation
            by_topic.setdefault(TOPICS[module], []).append(name)
    for topic in dict.fromkeys(TOPICS.values()):
        yield from ("", f"## {topic}")
        for name in by_topic[topic]:
            make = getattr(expectations, name)
            yield from ("", f"### {name}{signature(make)}", "", *_documented(make))


def findings_page() -> Iterator[str]:
    """Every finding code: cause and remedy."""
    yield from ("# Finding codes", "", NOTE, "")
    yield "A finding reads: verdict, code, what is at fault, what was expected, what was observed, by how much, and"
    yield "where the requirement comes from."
    yield ""
    yield "```text"
    yield "fail    started-early: ship: expected to start when pack has ended; observed started before pack ended, by"
    yield "2.0 min (in_order: reserve -> pack -> ship)"
    yield "```"
    for code, meaning in sorted(CODES.items()):
        yield from ("", f"## {code}", "", f"- Cause: {meaning.cause}", f"- Remedy: {meaning.remedy}")


def gates_page() -> Iterator[str]:
    """The twenty categories of quality gates."""
    yield from ("# Quality gates", "", NOTE, "")
    yield "Twenty categories judge every batch. A blocking category that fails, fails the run; any other warns. The"
    yield "pass rate is over the single checks of all categories; checks on simulated durations are not counted."
    yield from ("", "| id | category | counts | blocking | passes if |", "| --- | --- | --- | --- | --- |")
    for category in CATEGORIES:
        judge = category.joint or category.single
        meaning = (inspect.getdoc(judge) or "").partition("\n")[0].partition(": ")[2]
        blocking = "yes" if category.blocking else ""
        yield f"| {category.id} | {category.title} | {category.unit} | {blocking} | {_cell(_sentence(meaning))} |"
    yield ""
    yield "A category may also be *not applicable* (there is nothing to judge) or have an *insufficient baseline*: both"
    yield "pass, with a note that says why."


def lint_page() -> Iterator[str]:
    """Every check of `k1n lint`, from its table."""
    yield from ("# Checks of definitions", "", NOTE, "")
    yield "`k1n lint PATH…` judges workflow and task definitions offline. The level says what becomes of a finding:"
    yield ""
    yield "- **error**: a server refuses the definition, or every execution that gets there fails or hangs"
    yield "- **warning**: it runs, and a team regrets it"
    yield "- **info**: it has no effect"
    yield ""
    yield "What is said here of the server was measured on Conductor 3.32.1. Some checks judge a finding more mildly"
    yield "where the server does not look; their text says where. [How to use them](../how-to/lint.md)."
    yield from ("", "| code | level | what is wrong |", "| --- | --- | --- |")
    yield from (f"| [{check.code}](#{check.code}) | {check.level} | {_cell(check.title)} |" for check in CHECKS)
    for check in CHECKS:
        yield from ("", f"## {check.code}", "", f"{_sentence(check.title)} {check.level.capitalize()}.", "")
        yield f"- Why: {_literal(check.why)}"
        yield f"- Fix: {_literal(check.fix)}"


def _literal(text: str) -> str:
    """Set what is not prose in code: expressions and fragments of JSON."""
    return re.sub(r'(\$\{[^}]*\}|"\w+": [\w"]+(?:\.\w+)*)', r"`\1`", text).replace("__", r"\_\_")


def commands_page() -> Iterator[str]:
    """The subcommands of `k1n`."""
    yield from ("# The k1n command", "", NOTE, "")
    yield "`k1n COMMAND --help` shows the arguments. A mistake is one line on stderr and exit code 2; Ctrl-C is 130.\n"
    yield "Where a command takes a file, `-` is standard input: `curl … | k1n check -`."
    yield from ("", "| command | what it does |", "| --- | --- |")
    yield from (f"| `k1n {command.name}` | {_cell(_sentence(command.help))} |" for command in COMMANDS)


def results_page() -> Iterator[str]:
    """The fields of a results file."""
    yield from _schema_page("results", "Results files", (
        "A run writes one file per template into `--k1n-results` (default `test-results`), also when it fails. Every",
        "file is valid by `schemas/results.schema.json`; `k1n validate FILE` checks one.",
    ))  # fmt: skip


def run_page() -> Iterator[str]:
    """The fields of a run's document."""
    yield from _schema_page("run", "The run's document", (
        "A run writes `run.json` into `--k1n-results`, and into its folder where that is kept. Every report, export",
        "and comparison is made from it alone, also later. `k1n validate run.json` checks it.",
        "",
        "Instants under `raw` are epoch ms of the server's clock. All others are ms of workflow time since the start",
        "of their execution.",
    ))  # fmt: skip


def coverage_page() -> Iterator[str]:
    """The fields of a coverage document."""
    yield from _schema_page("coverage", "Coverage of definitions", (
        "What `--k1n-cov-report=FILE.json` and `k1n coverage --report FILE.json` write. Those of several runs can be",
        "added up: `k1n coverage FILE FILE`. See [how to cover definitions](../how-to/coverage.md).",
    ))  # fmt: skip


def plan_page() -> Iterator[str]:
    """The fields of a plan file."""
    yield from _schema_page("plan", "The plan file", (
        "`k1n.toml` or `plan.toml`: which workflows form which batch, in which phases, and how long they may take.",
        "`k1n validate k1n.toml` names every mistake in one line.",
    ))  # fmt: skip


def upgrading_page() -> Iterator[str]:
    """What servers of other versions do otherwise, from the file of known differences."""
    every = known_differences()
    older = [entry for entry in every if entry.on not in (EMBEDDED, NEXT, RACE)]
    yield from ("# Between versions of Conductor", "", NOTE, "")
    yield f"What Conductor {OLDER}, the last release of Netflix's line, does otherwise than {PINNED}, and what is known"
    yield "to come after it. Each difference was seen by putting the same cases to both servers (`k1n conformance`,"
    yield "[how](../how-to/conformance.md)); those said to be read were read in Conductor's source and not run."
    yield ""
    yield f"`--k1n-conductor={OLDER}` runs your tests on the older one (`--k1n-server=jar`), or on the embedded engine,"
    yield "which behaves as it where the last column says so."
    yield from ("", f"## Upgrading from {OLDER} to {PINNED}", "")
    for area in sorted({entry.area for entry in older}):
        yield from (f"### {area}", "", "| before | after: what to know | since | engine |", "| --- | --- | --- | --- |")
        for entry in older:
            if entry.area == area:
                since, engine = entry.before or "", "yes" if entry.modelled else ""
                yield f"| {_cell(_told(entry.reason))} | {_cell(_told(entry.upgrade))} | {since} | {engine} |"
        yield ""
    yield from (f"## Next: merged after {PINNED}", "")
    yield from (
        f"- {_told(entry.reason)} {_told(entry.upgrade)} ({entry.upstream})" for entry in every if entry.on == NEXT
    )
    yield from ("", "## Races", "", "What every Conductor does now so, now otherwise, whatever its version.", "")
    yield from (f"- **{entry.id}**: {_told(entry.reason)} ({entry.upstream})" for entry in every if entry.on == RACE)
    yield from ("", "## The embedded engine", "", "What it does otherwise than the Conductor that it stands for.", "")
    yield from (f"- **{entry.id}**: {_told(entry.reason)}" for entry in every if entry.on == EMBEDDED)


def _told(text: str) -> str:
    """Set what a page would read as markup in code, unless it is already."""
    parts = text.split("`")
    parts[::2] = [_literal(part).replace("<", "&lt;").replace("*", r"\*") for part in parts[::2]]
    return "`".join(parts)


PAGES: Mapping[str, Callable[[], Iterable[str]]] = {
    "options": options_page,
    "markers": markers_page,
    "fixtures": fixtures_page,
    "expectations": expectations_page,
    "findings": findings_page,
    "quality-gates": gates_page,
    "plan": plan_page,
    "results": results_page,
    "run": run_page,
    "coverage": coverage_page,
    "lint": lint_page,
    "commands": commands_page,
    "upgrading": upgrading_page,
}


def run_schema() -> str:
    """Return the text of the schema that follows from the types in `pytest_k1n.report.document`."""
    urn, title = "urn:pytest-k1n:schema:run:1", "Document of a run"
    for kind in (QualityDocument, RunWeatherDocument):  # there they are imported for mypy only
        vars(report_document).setdefault(kind.__name__, kind)
    document = schema_of(report_document.RunDocument, report_document, urn=urn, title=title)
    document["properties"]["schema"] = {"const": report_document.SCHEMA}
    return json.dumps(document, indent=1) + "\n"


def page(name: str) -> str:
    """Return the text of one reference page."""
    return "\n".join(PAGES[name]()) + "\n"


def path_of(name: str) -> Path:
    """Name the file of one reference page."""
    return DOCS / "reference" / f"{name}.md"


def generated() -> dict[Path, str]:
    """Return every generated file with its text."""
    pages = {path_of(name): page(name) for name in PAGES}
    return {SCHEMA: run_schema(), **pages, ROOT / "SKILL.md": skill(), ROOT / "llms.txt": llms()}


def main(arguments: list[str]) -> int:
    """Write all files, or with --check list those that differ; exit code 1 if some do."""
    stale = {path: text for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        if "--check" in arguments:
            print(f"{path} is out of date: run python docs/generate.py")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return 1 if stale and "--check" in arguments else 0


def _schema_page(name: str, title: str, intro: tuple[str, ...]) -> Iterator[str]:
    schema = json.loads((DOCS.parent / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    yield from (f"# {title}", "", NOTE, "", *intro)
    yield from ("", "| field | type | meaning |", "| --- | --- | --- |")
    for path, kind, meaning in _fields(schema, schema, ""):
        yield f"| `{path}` | {_cell(kind)} | {_cell(meaning)} |"


def _fields(schema: Any, root: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, given in schema.get("properties", {}).items():
        field, path = _resolved(given, root), f"{prefix}{name}"
        meaning = given.get("description") or field.get("description") or ""
        yield path, _kind(field, root), meaning
        choices = [_resolved(each, root) for each in field.get("oneOf", [])] or [field]
        for choice in choices:
            if "properties" in choice:
                yield from _fields(choice, root, f"{path}.")
            items = _resolved(choice.get("items", {}), root) if isinstance(choice.get("items"), dict) else {}
            if "properties" in items:
                yield from _fields(items, root, f"{path}[].")


def _resolved(field: Any, root: Any) -> Any:
    while "$ref" in field:
        found = root["$defs"][field["$ref"].rpartition("/")[2]]
        field = {**found, **{key: value for key, value in field.items() if key != "$ref"}}
    return field


def _kind(field: Any, root: Any) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join("null" if each is None else f"`{each}`" for each in field["enum"])
    if "oneOf" in field:
        return " or ".join(dict.fromkeys(_kind(_resolved(each, root), root) for each in field["oneOf"]))
    kind = field.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _members(kind: type) -> Iterator[str]:
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else member
        if (name.startswith("_") and name != "__call__") or not callable(function) or name == "close":
            continue
        text = " ".join(filter(None, _documented(function))) or f"The {name.replace('_', ' ')}."
        shown = name if isinstance(member, property) else f"{name.strip('_')}{signature(function)}"
        yield f"- `{shown}`: {text}"


def _documented(function: object) -> list[str]:
    return (inspect.getdoc(function) or "").splitlines()


def _values(option: Option) -> str:
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    if option.ini_type == "bool":
        return "a flag; in ini and environment `true` or `false`"
    many = ", may be repeated" if option.ini_type == "args" else ""
    return f"`{option.metavar}`{many}"


def _default(option: Option) -> str:
    if option.name in _DEFAULTS:
        return _DEFAULTS[option.name]
    if option.default is None:
        return "none"
    value = f"{option.default:g}" if isinstance(option.default, float) else option.default
    return f"`{value}`"


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
