"""Options of several servers: what makes no sense together is a user's mistake, told before anything is started."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--k1n-server=jar", "--k1n-servers=3", "--k1n-database=sqlite"],
         "*--k1n-servers=3: SQLite has one server only; use --k1n-database=postgres*"),
        (["--k1n-server=embedded", "--k1n-servers=2"], "*are the jar tier's; the server is embedded*"),
        (["--k1n-server=embedded", "--k1n-database=postgres"], "*are the jar tier's; the server is embedded*"),
        (["--k1n-servers=0"], "*--k1n-servers: *must be a whole number from 1 to 16*"),
        (["--k1n-database=oracle"], "*'oracle' is none of sqlite, postgres*"),
        (["--k1n-server=http://127.0.0.1:1,ftp://h"], "*ftp*"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(pytester: pytest.Pytester, options: list[str], said: str) -> None:
    pytester.makepyfile("def test_it(conductor_proc): ...")
    result = pytester.runpytest("-p", "no:cacheprovider", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str()
    result.stderr.fnmatch_lines([said])


def test_of_several_urls_the_one_that_does_not_answer_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(conductor_noproc): ...")
    result = pytester.runpytest("-p", "no:cacheprovider", "--k1n-server=http://127.0.0.1:1,http://127.0.0.1:2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no Conductor answers at http://127.0.0.1:1 *"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--k1n-servers=2"], "2 x jar on one PostgreSQL (from --k1n-server), scaled time x"),
        (["--k1n-database=postgres"], "1 x jar on one PostgreSQL (from --k1n-server), scaled time x"),
        ([], "jar (from --k1n-server), scaled time x"),
    ],
)
def test_the_header_says_on_how_many_servers_it_runs(pytester: pytest.Pytester, options: list[str], said: str) -> None:
    pytester.makepyfile("def test_it(conductor_proc): ...")
    result = pytester.runpytest("-p", "no:cacheprovider", "--collect-only", "--k1n-server=jar", *options)
    result.stdout.fnmatch_lines([f"k1n*: *server {said}*"])
