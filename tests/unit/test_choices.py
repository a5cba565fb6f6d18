"""Options that take one of a few words: what the table accepts is what the types say."""

from __future__ import annotations

from typing import get_args, get_type_hints

from pytest_k1n.options import OPTIONS
from pytest_k1n.settings import Settings


def test_the_settings_types_list_the_words_of_the_option_table() -> None:
    hints = get_type_hints(Settings)
    seen = {}
    for name, hint in hints.items():
        words = [word for part in (hint, *get_args(hint)) for word in get_args(part) if isinstance(word, str)]
        if words:
            seen[name] = set(words)
    assert seen == {option.name: set(option.choices) for option in OPTIONS if option.choices}
