"""The option table: one row per setting, the same for pytest, ini files, the environment and the `k1n` command.

Precedence: command line > environment > ini > default, by `is not None`, so that `0` and `""` are values. Free of
pytest, so that `k1n` starts fast.
"""

# No `from __future__ import annotations` here: a named tuple compiles each annotation that is a string, 30 µs a field.

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Option(NamedTuple):
    """One setting. `--k1n-<name>`, ini `k1n_<name>`, environment `K1N_<NAME>`."""

    name: str
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    ini_type: str = "string"
    default: str | float | None = None

    @property
    def flag(self) -> str:
        return f"--k1n-{self.name}"

    @property
    def dest(self) -> str:
        return f"k1n_{self.name.replace('-', '_')}"

    @property
    def variable(self) -> str:
        return self.dest.upper()


OPTIONS = (
    Option("server", "embedded, jar, docker, auto, or the URL of a running server", "KIND|URL"),
    Option("time", "time model; default: what suits the server", None, ("real", "scaled", "virtual")),
    Option("speed", "scaled time: how many times faster than real (default 600: a minute takes 100 ms)", "N",
           ini_type="float", default=600.0),
    Option("plan", "plan file with batches, phases, bands and estimates", "FILE"),
    Option("results", "folder for results files", "DIR", default="test-results"),
    Option("jar", "boot jar of the Conductor server", "FILE"),
    Option("java", "Java >= 21 to run it with: a java executable or a JDK folder", "PATH"),
    Option("image", "container image of the docker tier", "IMAGE"),
    Option("container-cli", "docker-compatible command of the docker tier", "COMMAND"),
    Option("startup-timeout", "how long the server may take to become ready", "DURATION", default="120s"),
    Option("gate", "what a batch needs: earlier selected batches passed (block), a recorded pass of all earlier ones "
           "(require), nothing but a warning (warn), nothing (off)", None, ("block", "require", "warn", "off"),
           default="block"),
    Option("gate-timeout", "how long a node waits at a gate under xdist; default: what the plan allows", "DURATION"),
    Option("unknown", "whether an unknown verdict fails the run", None, ("fail", "warn"), default="fail"),
    Option("min-pass-rate", "percentage of quality-gate checks that must pass", "PERCENT",
           ini_type="float", default=95.0),
    Option("seed", "seed of simulated work and of the embedded engine", "N", ini_type="int", default=0),
    Option("workers", "who does the work: workers of this run, or external ones", None, ("own", "external")),
    Option("handlers", "scripts and callables where they exist (auto), or only simulated work", None,
           ("auto", "simulated")),
    Option("agents", "folder with handler scripts", "DIR"),
    Option("register", "register definitions: only missing ones, also changed ones, or none", None,
           ("missing", "always", "never")),
    Option("keep", "keep the run's folder (executions, logs)", None, ("never", "failed", "always"), default="failed"),
    Option("report", "write a report of the run: FILE.json or FILE.md", "FILE"),
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

BY_NAME = {option.name: option for option in OPTIONS}


class SettingError(ValueError):
    """A value that an option cannot take; one line that names the option, where it was set, and what it takes."""


class Setting(NamedTuple):
    """A raw value and where it came from, for messages."""

    value: object
    source: str


class Settings(NamedTuple):
    """All options, parsed; durations in ms. `None` means: chosen later, to suit the server.

    Made by keyword; a frozen dataclass of this size takes 2 ms to define, in every start of pytest.
    """

    server: str
    server_source: str
    time: str | None
    speed: float
    plan: str | None
    plan_source: str
    results: Path
    jar: Path | None
    java: Path | None
    image: str | None
    container_cli: str | None
    startup_timeout_ms: int
    gate: str
    gate_timeout_ms: int | None
    unknown: str
    min_pass_rate: float
    seed: int
    workers: str | None
    handlers: str | None
    agents: Path | None
    register: str | None
    keep: str
    report: Path | None
    sequential: bool
    faults: tuple[str, ...]
    chosen: tuple[str, ...]
    """Names of the options that somebody set."""


Lookup = Callable[[Option], object]
"""Returns an option's value from one place (command line, ini), or None where it is not set there."""


def resolve(cli: Lookup, environ: Mapping[str, str], ini: Lookup, *, rootdir: Path) -> Settings:
    """Read every option from its strongest place. Raises SettingError.

    Relative paths from the command line and the environment are relative to the current folder, from ini to `rootdir`.
    """
    raw = {option.name: _strongest(option, cli, environ, ini) for option in OPTIONS}
    server = raw["server"]
    if server.value is None or server.source.startswith("ini"):
        # A URL that conductor's own tools use outranks an ini file; servers.external guards it against foreign hosts.
        url = environ.get("CONDUCTOR_SERVER_URL")
        server = Setting(url, "CONDUCTOR_SERVER_URL") if url else server
    if server.value is None:
        server = Setting(DEFAULT_SERVER, "default")
    path = _PathReader(rootdir)
    return Settings(
        server=_parsed(server, str),
        server_source=server.source,
        time=_choice("time", raw["time"]),
        speed=_parsed(raw["speed"], _positive),
        plan=_optional(raw["plan"], str),
        plan_source=raw["plan"].source,
        results=path.read(raw["results"]) or Path("test-results"),
        jar=path.read(raw["jar"]),
        java=path.read(raw["java"]),
        image=_optional(raw["image"], str),
        container_cli=_optional(raw["container-cli"], str),
        startup_timeout_ms=_parsed(raw["startup-timeout"], _duration),
        gate=_choice("gate", raw["gate"]) or "block",
        gate_timeout_ms=_optional(raw["gate-timeout"], _duration),
        unknown=_choice("unknown", raw["unknown"]) or "fail",
        min_pass_rate=_parsed(raw["min-pass-rate"], _rate),
        seed=_parsed(raw["seed"], _whole),
        workers=_choice("workers", raw["workers"]),
        handlers=_choice("handlers", raw["handlers"]),
        agents=path.read(raw["agents"]),
        register=_choice("register", raw["register"]),
        keep=_choice("keep", raw["keep"]) or "failed",
        report=_report(path.read(raw["report"]), raw["report"].source),
        sequential=_parsed(raw["sequential"], _flag) if raw["sequential"].value is not None else False,
        faults=_words(raw["fault"]),
        chosen=tuple(name for name, setting in raw.items() if setting.source != "default"),
    )


DEFAULT_SERVER = "embedded"


def _strongest(option: Option, cli: Lookup, environ: Mapping[str, str], ini: Lookup) -> Setting:
    if (value := cli(option)) is not None:
        return Setting(value, option.flag)
    if (text := environ.get(option.variable)) is not None:
        return Setting(text, option.variable)
    if (value := ini(option)) is not None:
        return Setting(value, f"ini {option.dest}")
    return Setting(option.default, "default")


class _PathReader:
    def __init__(self, rootdir: Path) -> None:
        self._rootdir = rootdir

    def read(self, setting: Setting) -> Path | None:
        if setting.value in (None, ""):
            return None
        path = Path(str(setting.value)).expanduser()
        return self._rootdir / path if setting.source.startswith("ini") or setting.source == "default" else path


def _report(path: Path | None, source: str) -> Path | None:
    if path is not None and path.suffix not in (".json", ".md"):
        raise SettingError(f"{source}: {path}: a report's name ends in .json or .md")
    return path


def _parsed(setting: Setting, parse: Callable[[object], T]) -> T:
    try:
        return parse(setting.value)
    except ValueError as error:
        raise SettingError(f"{setting.source}: {error}") from None


def _optional(setting: Setting, parse: Callable[[object], T]) -> T | None:
    return None if setting.value is None else _parsed(setting, parse)


def _choice(name: str, setting: Setting) -> str | None:
    choices = BY_NAME[name].choices
    if setting.value is None or setting.value in choices:
        return None if setting.value is None else str(setting.value)
    raise SettingError(f"{setting.source}: {setting.value!r} is none of {', '.join(choices)}")


def _positive(value: object) -> float:
    number = _number(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{value!r} must be a number above 0")
    return number


def _rate(value: object) -> float:
    number = _number(str(value).removesuffix("%"))
    if not 0 <= number <= 100:
        raise ValueError(f"{value!r} must be a percentage from 0 to 100")
    return number


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a whole number") from None


def _duration(value: object) -> int:
    text = str(value)
    if text.endswith("s") and text[:-1].isdecimal():  # as the default is: no need for the whole grammar at every start
        return int(text[:-1]) * 1000
    from pytest_k1n.core.units import duration_ms

    return duration_ms(text)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("1", "true", "yes", "on"):
        return True
    if str(value).lower() in ("", "0", "false", "no", "off"):
        return False
    raise ValueError(f"{value!r} is neither true nor false")


def _words(setting: Setting) -> tuple[str, ...]:
    if setting.value is None:
        return ()
    if isinstance(setting.value, list | tuple):
        return tuple(str(word) for word in setting.value)
    return tuple(str(setting.value).split())
