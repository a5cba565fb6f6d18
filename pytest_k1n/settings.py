"""The values of the options, each from its strongest place.

Precedence: command line > environment > ini > default, by `is not None`, so that `0` and `""` are values. Free of
pytest, so that `k1n` starts fast.
"""

# No `from __future__ import annotations` here: a named tuple compiles each annotation that is a string, 30 µs a field.

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pytest_k1n.core.choices import (
    DatabaseChoice,
    GatePolicy,
    HandlersChoice,
    KeepChoice,
    LatencyPolicy,
    RegisterPolicy,
    RegressionPolicy,
    TimeName,
    UnknownPolicy,
    WorkersChoice,
)
from pytest_k1n.core.text import shortened
from pytest_k1n.core.units import duration_ms
from pytest_k1n.options import OPTIONS, Option

T = TypeVar("T")
DEFAULT_SERVER = "embedded"
_BY_NAME = {option.name: option for option in OPTIONS}


_MOST_SERVERS = 16


class SettingError(ValueError):
    """A value that an option cannot take; one line that names the option, where it was set, and what it takes."""

    def __init__(self, text: str) -> None:
        super().__init__(shortened(text, most=2000))  # it quotes what was given


class Setting(NamedTuple):
    """A raw value and where it came from, for messages."""

    value: object
    source: str


class Settings(NamedTuple):
    """All options, parsed; durations in ms. `None` means: chosen later, to suit the server.

    Made by keyword; a frozen dataclass of this size takes 2 ms to define.
    """

    server: str
    server_source: str
    time: TimeName | None
    speed: float
    plan: str | None
    plan_source: str
    results: Path
    jar: Path | None
    conductor: str
    java: Path | None
    servers: int
    database: DatabaseChoice | None
    image: str | None
    container_cli: str | None
    startup_timeout_ms: int
    gate: GatePolicy
    gate_timeout_ms: int | None
    gate_age_ms: int
    unknown: UnknownPolicy
    latency: LatencyPolicy
    min_pass_rate: float
    seed: int
    workers: WorkersChoice | None
    handlers: HandlersChoice | None
    agents: Path | None
    register: RegisterPolicy | None
    keep: KeepChoice
    report: Path | None
    html: Path | None
    history: Path | None
    confirm: int | None
    regression: RegressionPolicy
    baseline_age_ms: int
    cov: bool
    """Whether the coverage of definitions is asked for, by any of its options."""
    cov_fail_under: float | None
    cov_reports: tuple[Path, ...]
    sequential: bool
    faults: tuple[str, ...]
    chosen: tuple[str, ...]
    """Names of the options that are set."""


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
        conductor=_release(raw["conductor"]),
        java=path.read(raw["java"]),
        servers=_parsed(raw["servers"], _several),
        database=_choice("database", raw["database"]),
        image=_optional(raw["image"], str),
        container_cli=_optional(raw["container-cli"], str),
        startup_timeout_ms=_parsed(raw["startup-timeout"], _duration),
        gate=_choice("gate", raw["gate"]) or "block",
        gate_timeout_ms=_optional(raw["gate-timeout"], _duration),
        gate_age_ms=_parsed(raw["gate-age"], _duration),
        unknown=_choice("unknown", raw["unknown"]) or "fail",
        latency=_choice("latency", raw["latency"]) or "weather",
        min_pass_rate=_parsed(raw["min-pass-rate"], _rate),
        seed=_parsed(raw["seed"], _whole),
        workers=_choice("workers", raw["workers"]),
        handlers=_choice("handlers", raw["handlers"]),
        agents=path.read(raw["agents"]),
        register=_choice("register", raw["register"]),
        keep=_choice("keep", raw["keep"]) or "failed",
        html=path.read(raw["html"]),
        report=_report(path.read(raw["report"]), raw["report"].source),
        history=path.read(raw["history"]),
        confirm=_optional(raw["confirm"], _count),
        regression=_choice("regression", raw["regression"]) or "warn",
        baseline_age_ms=_parsed(raw["baseline-age"], _duration),
        cov=_switch(raw["cov"]) or any(raw[name].value is not None for name in ("cov-fail-under", "cov-report")),
        cov_fail_under=_optional(raw["cov-fail-under"], _rate),
        cov_reports=path.read_all(raw["cov-report"], _coverage_report),
        sequential=_switch(raw["sequential"]),
        faults=_words(raw["fault"]),
        chosen=tuple(name for name, setting in raw.items() if setting.source != "default"),
    )


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

    def read_all(self, setting: Setting, check: Callable[[object], object]) -> tuple[Path, ...]:
        """Read a list of paths, each checked by its name. Raises SettingError."""
        each = [Setting(word, setting.source) for word in _words(setting)]
        found = [self.read(setting) for setting in each if _parsed(setting, check)]
        return tuple(path for path in found if path is not None)


def _release(setting: Setting) -> str:
    version = str(setting.value)
    if setting.source != "default":
        from pytest_k1n.servers.releases import UnknownRelease, release

        try:
            release(version, source=setting.source)
        except UnknownRelease as error:
            raise SettingError(str(error)) from None
    return version


def _report(path: Path | None, source: str) -> Path | None:
    if path is not None:
        from pytest_k1n.report.formats import UnknownFormat, for_file

        try:
            for_file(path.name)
        except UnknownFormat as error:
            raise SettingError(f"{source}: {error}") from None
    return path


def _parsed(setting: Setting, parse: Callable[[object], T]) -> T:
    try:
        return parse(setting.value)
    except ValueError as error:
        raise SettingError(f"{setting.source}: {error}") from None


def _optional(setting: Setting, parse: Callable[[object], T]) -> T | None:
    return None if setting.value is None else _parsed(setting, parse)


def _choice(name: str, setting: Setting) -> Any:  # one of the words that the option takes, or None
    choices = _BY_NAME[name].choices
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


def _count(value: object) -> int:
    number = _whole(value)
    if number < 0:
        raise ValueError(f"{value!r} must be 0 or more")
    return number


def _several(value: object) -> int:
    number = _whole(value)
    if not 1 <= number <= _MOST_SERVERS:
        raise ValueError(f"{value!r} must be a whole number from 1 to {_MOST_SERVERS}: each is a JVM of a gigabyte")
    return number


def _duration(value: object) -> int:
    return duration_ms(str(value))


def _coverage_report(value: object) -> object:
    if not str(value).endswith((".json", ".html")):
        raise ValueError(f"{value}: a coverage report's name ends in .json or .html")
    return value


def _switch(setting: Setting) -> bool:
    return setting.value is not None and _parsed(setting, _flag)


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
