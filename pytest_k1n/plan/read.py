"""The plan file: reads its TOML into a `Plan`, strictly. `planpath` finds it.

Every mistake is one line: file, key path, what is wrong, what to write. All mistakes of a file are told at once.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_k1n.core.plan import PLAN_SCHEMA, Batch, BatchSchedule, Phase, Plan, Template, WatchPoint
from pytest_k1n.core.standins.jitter import JITTER
from pytest_k1n.core.text import one_line
from pytest_k1n.plan.find import PlanError
from pytest_k1n.plan.toml import Table, closest
from pytest_k1n.validation.bounded import read_at_most, toml_in

if TYPE_CHECKING:
    from pytest_k1n.core.standins.answers import PlannedAnswer

RESERVED_MARKERS = frozenset(
    {
        "batch",
        "phase",
        "workflow",
        "gate",
        "live",
        "virtual",
        "scaled",
        "skip",
        "skipif",
        "xfail",
        "parametrize",
        "usefixtures",
        "timeout",
    }
)

LONGEST_SLUG = 80
"""Both id and slug go into the names of results files, of which file systems take 255 bytes."""
LARGEST_MB = 16


def load_plan(path: Path, *, shown: str | None = None) -> Plan:
    """Read a plan file; `shown` is its name in messages. Raises PlanError."""
    name = shown or str(path)
    try:
        text = read_at_most(path, LARGEST_MB).decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError:
        raise PlanError([f"{name}: cannot be read: it is not UTF-8 text"]) from None
    except OSError as error:
        raise PlanError([f"{name}: cannot be read: {error.strerror or error}"]) from None
    return parse_plan(text, source=name, folder=path.resolve().parent)


def parse_plan(text: str, *, source: str, folder: Path) -> Plan:
    """Read a plan from TOML text; its folders are relative to `folder`. Raises PlanError."""
    try:
        document = toml_in(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError([f"{source}: not valid TOML: {one_line(error, most=200)}"]) from None
    except ValueError as error:  # of int() for thousands of digits, too
        raise PlanError([f"{source}: not a plan: {one_line(error, most=200)}"]) from None
    problems: list[str] = []
    table = Table(document, path="", source=source, problems=problems)
    schema = table.text("schema", required=True)
    if schema and schema != PLAN_SCHEMA:
        table.problem("schema", f"is {schema!r}", f'write schema = "{PLAN_SCHEMA}"')
    defaults = Template(
        id="",
        slug="",
        workflow="",
        batch=0,
        jitter=table.fraction("jitter", JITTER),
        tolerance=table.fraction("tolerance", 0.10),
        start_spread_ms=table.duration("start_spread", 150),
    )
    folders = {
        key: tuple(str((folder / entry).resolve()) for entry in table.texts(key))
        for key in ("definitions", "task_definitions")
    }
    batches = tuple(_batch(each, defaults) for each in table.tables("batch"))
    table.table("lint")  # of `k1n lint`, which reads it by itself
    table.refuse_unknown()
    problems.extend(f"{source}: {problem}" for problem in _contradictions(batches))
    if problems:
        raise PlanError(problems)
    return Plan(
        schema=PLAN_SCHEMA,
        batches=tuple(sorted(batches, key=lambda batch: batch.number)),
        source=source,
        definitions=folders["definitions"],
        task_definitions=folders["task_definitions"],
    )


def _batch(table: Table, defaults: Template) -> Batch:
    number = table.whole("number", required=True, least=1)
    aliases = table.texts("aliases")
    for alias in aliases:
        if not alias.isidentifier() or alias in RESERVED_MARKERS or alias.rstrip("0123456789") in ("batch", "phase"):
            table.problem("aliases", f"{alias!r} cannot be a marker", 'write a name of its own, as in "optimized"')
    timeline = table.table("timeline")
    batch = Batch(
        number=number,
        title=table.text("title"),
        aliases=aliases,
        templates=tuple(_template(each, number, defaults) for each in table.tables("template")),
        timeline=_timeline(timeline) if timeline else None,
    )
    table.refuse_unknown()
    return batch


def _timeline(table: Table) -> BatchSchedule:
    timeline = BatchSchedule(
        start_ms=table.duration("start", required=True),
        complete_ms=table.duration("complete", required=True),
        buffer_ms=table.duration("buffer", required=True),
    )
    table.refuse_unknown()
    return timeline


def _template(table: Table, batch: int, defaults: Template) -> Template:
    slug = table.text("slug", required=True)
    template_id = table.text("id", required=True)
    for key, value in (("slug", slug), ("id", template_id)):
        if value and (not value.replace("-", "").isalnum() or len(value) > LONGEST_SLUG):
            how = f"write at most {LONGEST_SLUG} letters, digits and hyphens"
            table.problem(key, f"{value!r} cannot be part of a file name", how)
    template = Template(
        id=template_id,
        slug=slug,
        title=table.text("title"),
        workflow=table.text("workflow", required=True),
        version=table.whole("version", least=1) or None,
        batch=batch,
        band_ms=table.band("band"),
        estimates_ms=table.durations("estimates"),
        total_estimate_ms=table.optional_duration("estimate"),
        phases=tuple(_phase(each) for each in table.tables("phase")),
        watch=tuple(_watch(each) for each in table.tables("watch")),
        parallel=table.groups("parallel"),
        start_spread_ms=table.duration("start_spread", defaults.start_spread_ms),
        checkpoint_every_ms=table.optional_duration("checkpoint_every"),
        finishes_before=table.text("finishes_before") or None,
        min_speedup=table.number("min_speedup"),
        expected_speedup=table.number("expected_speedup"),
        jitter=table.fraction("jitter", defaults.jitter),
        tolerance=table.fraction("tolerance", defaults.tolerance),
        input=table.document("input"),
        answers=_answers(table),
    )
    _check_refs(table, template)
    table.refuse_unknown()
    return template


def _answers(table: Table) -> dict[str, PlannedAnswer]:
    given = table.table("answers")
    if given is None:
        return {}
    from pytest_k1n.core.standins.answers import STATUSES, PlannedAnswer

    found = {}
    for ref in given.keys:
        each = given.table(ref)
        if each is not None:
            status = each.text("status") or STATUSES[0]
            if status not in STATUSES:
                each.problem("status", f"is {status!r}", f"write one of {', '.join(STATUSES)}")
            found[ref] = PlannedAnswer(after_ms=each.duration("after"), output=each.document("output"), status=status)
            each.refuse_unknown()
    return found


def _phase(table: Table) -> Phase:
    number = table.whole("number", required=True, least=1)
    phase = Phase(
        number=number,
        name=table.text("name") or f"phase {number}",
        refs=table.texts("refs", required=True),
        band_ms=table.band("band"),
        estimate_ms=table.optional_duration("estimate"),
    )
    table.refuse_unknown()
    return phase


def _watch(table: Table) -> WatchPoint:
    low_ms, high_ms = table.band("starts", required=True) or (0, 0)
    point = WatchPoint(
        ref=table.text("ref", required=True),
        low_ms=low_ms,
        high_ms=high_ms,
        successor=table.text("successor") or None,
    )
    table.refuse_unknown()
    return point


def _check_refs(table: Table, template: Template) -> None:
    """Refuse refs that the template's estimates do not know (where it has estimates) and phases that clash."""
    named = [(f"phase[{phase.number}].refs", ref) for phase in template.phases for ref in phase.refs]
    counts = Counter(ref for _, ref in named)
    for ref, count in counts.items():
        if count > 1:
            table.problem("phase", f"{ref!r} is in {count} phases", "write each ref in one phase")
    for number, count in Counter(phase.number for phase in template.phases).items():
        if count > 1:
            table.problem("phase", f"number {number} is given {count} times", "number the phases 1, 2, 3, ...")
    if any(first.number > second.number for first, second in pairwise(template.phases)):
        table.problem("phase", "the numbers do not ascend", "write the phases in the order in which they run")
    named += [("parallel", ref) for group in template.parallel for ref in group]
    named += [("watch", ref) for point in template.watch for ref in (point.ref, point.successor) if ref]
    for key, ref in named:
        if template.estimates_ms and ref not in template.estimates_ms:
            hint = closest(ref, template.estimates_ms) or "add it to estimates"
            table.problem(key, f"{ref!r} has no estimate", hint)


def _contradictions(batches: Sequence[Batch]) -> list[str]:
    """Find what is right in each table and wrong between them."""
    templates = [template for batch in batches for template in batch.templates]
    problems = []
    for what, values in (
        ("batch number", [batch.number for batch in batches]),
        ("batch alias", [alias for batch in batches for alias in batch.aliases]),
        ("template id", [template.id for template in templates]),
        ("template slug", [template.slug for template in templates]),
        ("workflow", [template.workflow for template in templates]),
    ):
        problems += [
            f"batch: {what} {value!r} is given {count} times: write each once"
            for value, count in Counter(values).items()
            if count > 1 and value
        ]
    for template in templates:
        mates = [each.workflow for each in templates if each.batch == template.batch and each is not template]
        if template.finishes_before and template.finishes_before not in mates:
            hint = closest(template.finishes_before, mates) or "write a workflow of the same batch"
            problems.append(
                f"template {template.id}.finishes_before: {template.finishes_before!r} is no other workflow of batch "
                f"{template.batch}: {hint}"
            )
    return problems
