"""JSON values as the engine holds them.

Inputs, outputs and variables are shared between records and never changed in place: a change builds a new
dict. That is what lets an expression hand over a whole output without copying it.
"""

from typing import Any

JsonObject = dict[str, Any]


class Unstored(JsonObject):
    """An object whose members no expression finds until it has been stored; handed over whole it is all there.

    So is `failedWorkflow` on Conductor 3.32.1 while a failure workflow is evaluated for the first time: it is an object
    of Java's then, and JSON once the execution has been read from the database.
    """

    is_stored = False

    def __contains__(self, name: object) -> bool:
        return self.is_stored and super().__contains__(name)

    def get(self, name: Any, default: Any = None) -> Any:
        return super().get(name, default) if self.is_stored else default


def store(values: JsonObject) -> None:
    """Let expressions find the members of what has not been stored so far."""
    for value in values.values():
        if isinstance(value, Unstored):
            value.is_stored = True
