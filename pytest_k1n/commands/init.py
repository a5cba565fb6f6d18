"""`k1n init`: write a plan, the definition and a passing test of a workflow into a folder, as a start."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pytest_k1n.client.address import redact
from pytest_k1n.commands.example import example
from pytest_k1n.commands.material import Material, from_file, from_server
from pytest_k1n.commands.rehearsal import Rehearsal, rehearse
from pytest_k1n.commands.scaffold import files
from pytest_k1n.core.text import as_lines, one_line
from pytest_k1n.plan.library import DefinitionError, Document, read_folder
from pytest_k1n.servers.dryrun import demand_taken

RUNS = 20
"""Recorded runs that are read unless told otherwise: enough for a band, few enough to wait for."""


def main(argv: Sequence[str]) -> int:
    """Write the files and say what to do next; 0 done, 2 for a mistake or where a file exists already."""
    parser = argparse.ArgumentParser(prog="k1n init", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="default: this one")
    parser.add_argument("--server", metavar="URL", help="take the workflow from this server (else K1N_SERVER)")
    parser.add_argument("--workflow", metavar="NAME[:VERSION]", help="which one; without it an example is written")
    parser.add_argument("--from", type=Path, dest="file", metavar="FILE",
        help="take the workflow from this file or folder, and what it starts from the files beside it")  # fmt: skip
    parser.add_argument("--from-runs", type=_count, default=RUNS, metavar="N",
        help="read up to N completed executions for bands and estimates (default: %(default)s, 0: none)")  # fmt: skip
    arguments = parser.parse_args(argv)
    material = _material(arguments)
    if arguments.file:
        demand_taken(material.workflows[0])
    rehearsal = rehearse(material)
    if not rehearsal.trouble:
        material = replace(material, input=rehearsal.input)
    taken = _taken(arguments.folder, material)
    texts = files(material, rehearsal, taken)
    _write(arguments.folder, texts)
    print(as_lines(_said(arguments.folder, material, rehearsal, texts, sorted(set(taken.values())))))
    return 0


def _taken(folder: Path, material: Material) -> dict[tuple[str, str], Path]:
    """Return what the plan's folders hold already, by folder and name: written again it would be defined twice.

    Raises ValueError where a definition there says something else.
    """
    found = {}
    for kind, marker, wanted in (("workflows", "tasks", material.workflows), ("tasks", "name", material.tasks)):
        by_key = {(each["name"], each.get("version", 1)): each for each in wanted}
        for path, document in _readable(folder / kind, marker):
            ours = by_key.get((document["name"], document.get("version", 1)))
            if ours is not None and {"version": 1, **document} != {"version": 1, **ours}:
                raise ValueError(
                    f"{path} defines {document['name']} otherwise than {material.source}: choose another FOLDER, or "
                    "give one of them a version of its own"
                )
            if ours is not None:
                found[kind, str(document["name"])] = path
    return found


def _readable(folder: Path, marker: str) -> Iterator[tuple[Path, Document]]:
    with suppress(DefinitionError):  # what is in the way is told when it is to be written
        yield from read_folder(folder, marker)


def _material(arguments: argparse.Namespace) -> Material:
    if arguments.folder.is_file():
        raise ValueError(f"{arguments.folder} is a file: say --from {arguments.folder}, and FOLDER for where to write")
    if arguments.file:
        if arguments.server:
            raise ValueError("--from FILE and --server URL: the workflow comes from one of them")
        return from_file(arguments.file, arguments.workflow)
    url = arguments.server or os.environ.get("K1N_SERVER")
    if not arguments.workflow and not arguments.server:
        return example()
    if not url:
        raise ValueError(f"--workflow {arguments.workflow}: say --server URL, the server that has it")
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.client.transport import transport_for

    client = Conductor(transport_for(url))
    try:
        if not arguments.workflow:
            known = sorted({str(each.get("name")) for each in client.workflow_definitions()})
            raise ValueError(f"say --workflow NAME; {client.url} has {', '.join(known) or 'none'}")
        return from_server(client, arguments.workflow, runs=arguments.from_runs)
    finally:
        client.close()


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write all files or none. Raises FileExistsError that lists those in the way, OSError."""
    existing = [name for name in texts if (folder / name).exists()]
    if existing:
        where = "here" if folder == Path() else f"in {folder}"
        raise FileExistsError(
            f"{', '.join(existing)} exist {where} already, nothing was written: choose another FOLDER"
        )
    try:
        contents = {folder / name: text.encode() for name, text in texts.items()}
    except UnicodeEncodeError as error:
        shown = error.object[max(0, error.start - 20) : error.start].rpartition("\n")[2]
        raise ValueError(
            f"half of a character ({error.object[error.start]!a}) behind {shown!r}: no file can hold it, nothing was "
            "written; correct it in the definition"
        ) from None
    written = []
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:  # x: also a file of this very moment is left alone
                written.append(path)
                file.write(content)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _said(
    folder: Path, material: Material, rehearsal: Rehearsal, texts: Mapping[str, str], taken: Sequence[Path]
) -> Iterator[str]:
    definition = material.definition
    yield one_line(f"{definition.name} version {definition.version}, from {material.source}")
    yield from (f"  {note}" for note in material.notes)
    yield from (redact(f"  wrote {folder / name}") for name in texts)
    yield from (redact(f"  takes {path} as it is") for path in taken)
    if rehearsal.answered_ms:
        yield f"  k1n.toml answers {', '.join(rehearsal.answered_ms)}: made up, write what people really say"
    if rehearsal.trouble:
        yield f"  a rehearsal on the embedded engine did not complete: {rehearsal.trouble}"
        if "pip install" in rehearsal.trouble:
            yield "  so the tests fail until that is installed, or run with --k1n-server=URL"
        else:
            yield "  so the test fails as it is: it may need --k1n-server=URL, another input in k1n.toml, or handlers"
    if rehearsal.examples:
        yield f"  the test answers for {', '.join(rehearsal.examples)}: made up, write what your workers really answer"
    if requests := material.requests():
        yield f"  {', '.join(requests)} would send real HTTP requests: the test says what they are answered, by http="
        yield "  made up, write what the services answer; a server would send them, and the test skips itself there"
    yield "next:"
    if folder != Path():
        yield redact(f"  cd {folder}")
    yield "  pytest                         run the tests on the embedded engine, in virtual time"
    yield "  pytest --k1n-server=jar        the same tests on a real Conductor (needs Java >= 21)"
    yield "  k1n validate k1n.toml          check the plan after a change"


def _count(text: str) -> int:
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
