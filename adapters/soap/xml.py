"""Answers in XML, read without a schema."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from lxml import etree

from adapters.filters import ExpressionError
from adapters.xml import NotAccepted, parse_strictly

Element: TypeAlias = Any  # etree._Element, for which there are no types


class Malformed(ValueError):
    """No XML, or XML that is not accepted."""


def parse(content: bytes) -> Element:
    """The root element of an answer.  Raises Malformed."""
    try:
        return parse_strictly(content)
    except NotAccepted as wrong:
        raise Malformed(f"the answer {wrong}") from None


def struck_out(content: bytes, place: str) -> bytes:
    """The document with `***` for the text of the elements there."""
    root = parse(content)
    for element in root.iterfind(place):
        element.text = "***"
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return written


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(etree.QName(element).localname)


def tree_of(element: Element) -> Any:
    """Nested mappings by local name, text at the leaves, a list where a name comes again."""
    children = list(element)
    if not children:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in children:
        name, value = local(child), tree_of(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def compile_xpath(text: str) -> Callable[[Element], Any]:
    """What `response.xml.xpath(text)` finds: texts, or a number or truth value.

    Prefixes are those of the answer.  Raises ValueError for what is no XPath.
    """
    try:
        etree.XPath(text, regexp=False)
    except etree.XPathSyntaxError as wrong:
        raise ValueError(f"'{text}' is no XPath: {wrong}") from None

    def found(root: Element) -> Any:
        try:
            return _plain(root.xpath(text, namespaces=_prefixes(root), smart_strings=False))
        except etree.XPathError as wrong:
            raise ExpressionError(f"xpath('{text}'): {wrong}") from None

    return found


def _prefixes(root: Element) -> dict[str, str]:
    return {
        prefix: uri
        for element in root.iter(etree.Element)
        for prefix, uri in element.nsmap.items()
        if prefix
    }


def _plain(found: Any) -> Any:
    if isinstance(found, list):
        return [_text(one) for one in found]
    return Decimal(repr(found)) if isinstance(found, float) else found


def _text(found: Any) -> str:
    return "".join(found.itertext()) if isinstance(found, etree._Element) else str(found)
