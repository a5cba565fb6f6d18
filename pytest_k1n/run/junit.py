"""What fails a run although no test does, in the JUnit file that pytest has written."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.text import one_line

NAME = "the run"
"""Of the case, in the class `k1n`."""


def add_case(config: pytest.Config, lines: Iterable[str]) -> None:
    """Add a failed case with these lines to the file of `--junitxml`: a CI that reads nothing else would show green."""
    told = [one_line(line, most=2000) for line in lines]
    name = config.getoption("xmlpath", None)
    if not told or not name:
        return
    path = config.invocation_params.dir / Path(os.path.expandvars(name)).expanduser()
    if not path.is_file():  # a device or a pipe has had its text
        return
    try:
        document = ET.parse(path)
    except (OSError, ET.ParseError):
        return  # pytest has said why it could not write it
    suite = document.find("testsuite")
    if suite is None:
        return
    for count in ("tests", "failures"):
        suite.set(count, str(int(suite.get(count, "0")) + 1))
    case = ET.SubElement(suite, "testcase", classname="k1n", name=NAME, time="0.000")
    ET.SubElement(case, "failure", message=told[0]).text = "\n".join(told)
    replace_text(path, '<?xml version="1.0" encoding="utf-8"?>' + ET.tostring(document.getroot(), encoding="unicode"))
