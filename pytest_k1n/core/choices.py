"""The values of options that take one of a few words; a test holds them equal to the option table's."""

from __future__ import annotations

from typing import Literal

TimeName = Literal["real", "scaled", "virtual"]
GatePolicy = Literal["block", "require", "warn", "off"]
UnknownPolicy = Literal["fail", "warn"]
WorkersChoice = Literal["own", "external"]
HandlersChoice = Literal["auto", "simulated"]
RegisterPolicy = Literal["missing", "always", "never"]
LatencyPolicy = Literal["weather", "strict", "off"]
RegressionPolicy = Literal["warn", "fail"]
DatabaseChoice = Literal["sqlite", "postgres"]
KeepChoice = Literal["never", "failed", "always"]
