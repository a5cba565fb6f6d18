"""JSON values as the engine holds them.

Inputs, outputs and variables are shared between records and never changed in place: a change builds a new
dict. That is what lets an expression hand over a whole output without copying it.
"""

from typing import Any

JsonObject = dict[str, Any]
