"""Elements of SVG and HTML as text: every attribute and every text is escaped where it is put in, none elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from pytest_k1n.core.text import one_line


class Markup(str):
    """Text that is markup already; jinja2 takes it as such by `__html__`."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Write one element. A child that is no Markup is text. An attribute `data_x` is `data-x`, None is left out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(one_line(value, most=2000))}"
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(child if isinstance(child, Markup) else escape(one_line(child, most=2000)) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>" if children else f"<{name}{written}/>")


def together(parts: Iterable[Markup]) -> Markup:
    """Put elements one after the other."""
    return Markup("".join(parts))
