"""The option table: one row per setting, the same for pytest, ini files, the environment and the `k1n` command.

Every start of pytest imports and registers it, so it is light, and free of pytest; `settings` reads the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Option:
    """One setting. `--k1n-<name>`, ini `k1n_<name>`, environment `K1N_<NAME>`."""

    # Neither named tuple nor dataclass: to define one takes longer than the whole table.
    __slots__ = ("choices", "default", "dest", "help", "ini_type", "metavar", "name")

    def __init__(
        self,
        name: str,
        help: str,
        metavar: str | None = None,
        choices: tuple[str, ...] = (),
        ini_type: str = "string",
        default: str | float | None = None,
    ) -> None:
        self.name = name
        self.help = help
        self.metavar = metavar
        self.choices = choices
        self.ini_type = ini_type
        self.default = default
        self.dest = f"k1n_{name.replace('-', '_')}"

    @property
    def flag(self) -> str:
        return f"--k1n-{self.name}"

    @property
    def variable(self) -> str:
        return self.dest.upper()


OPTIONS = (
    Option("server", "embedded, jar, docker, auto, or the URL of a running server, or several of one", "KIND|URL"),
    Option("time", "time model; default: what suits the server", None, ("real", "scaled", "virtual")),
    Option("speed", "scaled time: how many times faster than real (default 600, a minute takes 100 ms; less "
           "where the plan's parallel groups could not overlap)", "N",
           ini_type="float", default=600.0),
    Option("plan", "plan file with batches, phases, bands and estimates", "FILE"),
    Option("results", "folder for results files", "DIR", default="test-results"),
    Option("jar", "boot jar of the Conductor server", "FILE"),
    Option("conductor", "release that the jar tier starts, and that the embedded engine behaves as: 3.32.1, or 3.15.0, "
           "the last of Netflix's; the jar tier also takes others from 3.22 on", "VERSION", default="3.32.1"),
    Option("java", "Java >= 21 to run it with: a java executable or a JDK folder", "PATH"),
    Option("servers", "how many server processes of the jar tier make up one Conductor; several need postgres", "N",
           ini_type="int", default=1),
    Option("database", "of the jar tier: sqlite, in a file, or a PostgreSQL of the run's own; default: what the number "
           "of servers needs", None, ("sqlite", "postgres")),
    Option("image", "container image of the docker tier", "IMAGE"),
    Option("container-cli", "docker-compatible command of the docker tier", "COMMAND"),
    Option("startup-timeout", "how long the server may take to become ready", "DURATION", default="120s"),
    Option("gate", "what a batch needs: earlier selected batches passed (block), a recorded pass of all earlier ones "
           "(require), nothing but a warning (warn), nothing (off)", None, ("block", "require", "warn", "off"),
           default="block"),
    Option("gate-timeout", "how long a node waits at a gate under xdist; default: what the plan allows", "DURATION"),
    Option("gate-age", "how old a recorded pass may be for --k1n-gate=require", "DURATION", default="7d"),
    Option("unknown", "whether an unknown verdict fails the run", None, ("fail", "warn"), default="fail"),
    Option("latency", "latencies in raw time: without what machine and server stood still (weather), as measured "
           "(strict), or not judged (off)", None, ("weather", "strict", "off"), default="weather"),
    Option("min-pass-rate", "percentage of quality-gate checks that must pass", "PERCENT",
           ini_type="float", default=95.0),
    Option("seed", "seed of simulated work and of the embedded engine", "N", ini_type="int", default=0),
    Option("workers", "what does the work: workers of this run, or external ones", None, ("own", "external")),
    Option("handlers", "scripts and callables where they exist (auto), or only simulated work", None,
           ("auto", "simulated")),
    Option("agents", "folder with handler scripts", "DIR"),
    Option("register", "register definitions: only missing ones, also changed ones, or none", None,
           ("missing", "always", "never")),
    Option("keep", "keep the run's folder (executions, logs)", None, ("never", "failed", "always"), default="failed"),
    Option("html", "write the run as one self-contained page (needs the extra `report`)", "FILE"),
    Option("report", "write a report of the run in the form of the ending: .json, .md, .html, .svg or another", "FILE"),
    Option("history", "remember executions in this file, and compare them with the baseline accepted in it", "FILE"),
    Option("confirm", "how often a batch with a suspected regression is run again to make sure (default 4; 0 in real "
           "time)", "N", ini_type="int"),
    Option("regression", "whether a regression fails the run or only warns", None, ("warn", "fail"), default="warn"),
    Option("baseline-age", "how old a baseline may be before it is called stale", "DURATION", default="90d"),
    Option("cov", "show what the tests have exercised of each workflow definition", ini_type="bool"),
    Option("cov-fail-under", "fail the run if less of the definitions is exercised", "PERCENT", ini_type="float"),
    Option("cov-report", "write the coverage of definitions: FILE.json or FILE.html", "FILE", ini_type="args"),
    Option("sequential", "launch the workflows of a batch one after the other (diagnosis)", ini_type="bool"),
    Option("fault", "inject a worker fault, as in K1N_TEMPLATE_02/task_7:slow=1.3 (negative controls)", "SPEC",
           ini_type="args"),
)  # fmt: skip
"""Every option, in the order of `pytest --help`."""

INI_ONLY = (
    Option("containers", "names of containers that should run where the docker tier is used", ini_type="args"),
    Option("mcp", "command line of an MCP bridge that should start"),
    Option("scripts", "patterns of scripts that should be executable", ini_type="args"),
)
"""What a project says once, for `k1n doctor`: in its ini file, never on a command line."""


def anything_set(cli: Callable[[str], object], environ: Mapping[str, str], ini: Callable[[str], object]) -> bool:
    """Whether any option has been given a value, in any of its places; `cli` and `ini` look up its `dest`."""
    return (
        "CONDUCTOR_SERVER_URL" in environ
        or any(name.startswith("K1N_") for name in environ)
        or any(cli(option.dest) is not None or ini(option.dest) not in (None, "", []) for option in OPTIONS)
    )
