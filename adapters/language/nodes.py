"""Nodes of XML as values: `response.xml.nodes('//item')`, `line.text('sku')`.

For answers whose form nobody described: SOAP in its old encoding, XML over plain HTTP.  What is not
there is missing, and never an empty text; of what is there twice none is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from math import isfinite
from typing import Any, TypeAlias

from lxml import etree

from adapters.language.filters import ExpressionError, Missing, kind
from adapters.language.shape import Many, Method, Plain, Record
from adapters.language.xpath import read_path

Element: TypeAlias = Any  # etree._Element, for which there are no types

#: Blanks of XML; Python's strip() would take more than those.
_BLANKS = " \t\r\n"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_MOST_PREFIXES = 100


class Unreadable(ExpressionError):
    """The answer, or what was asked of it, cannot be read.

    Not Missing: `| default(…)` stands for a field that is not there, never for an answer that
    nobody understood.
    """


class Prefixes:
    """Those that an answer declares, looked up when a path names one."""

    def __init__(self, root: Element) -> None:
        self._root = root

    @cached_property
    def known(self) -> Mapping[str, str]:
        """Where one stands for two namespaces, the later of them."""
        known: dict[str, str] = {}
        for _, (prefix, namespace) in etree.iterwalk(self._root, events=("start-ns",)):
            if prefix and namespace:
                known[prefix] = namespace
            if len(known) > _MOST_PREFIXES:
                raise Unreadable(f"the answer declares more than {_MOST_PREFIXES} prefixes")
        return known


class Node:
    """One element of an answer, which an expression asks by path."""

    def __init__(self, raw: Element, prefixes: Prefixes) -> None:
        #: As it was sent.
        self.raw = raw
        self.prefixes = prefixes

    @property
    def element(self) -> Element:
        """Where paths look."""
        return self.raw


class Answer(Node):
    """The outermost element.

    `followed` makes of it the one in which paths look, where some elements only refer to others.
    """

    def __init__(
        self, raw: Element, followed: Callable[[Element], Element] = lambda raw: raw
    ) -> None:
        super().__init__(raw, Prefixes(raw))
        self._followed = followed

    @property
    def element(self) -> Element:
        return self._whole

    @cached_property
    def _whole(self) -> Element:
        return self._followed(self.raw)


def _compile_xpath(text: str) -> Callable[[Any], Any]:
    """XPath to the letter: texts, or a number or truth value."""
    try:
        etree.XPath(text, regexp=False)
    except etree.XPathSyntaxError as error:
        raise ValueError(f"'{text}' is no XPath: {error}") from None

    def found(value: Any) -> Any:
        node = _node(value, f"xpath('{text}')")
        try:
            return _plain(_engine(text, node.prefixes.known)(node.raw), text)
        except etree.XPathError as error:
            raise Unreadable(f"xpath('{text}'): {error}") from None

    return found


def _compile_nodes(text: str) -> Callable[[Any], list[Node]]:
    find = _finder("nodes", text)

    def nodes(value: Any) -> list[Node]:
        return [_element(one, value, f"nodes('{text}')") for one in find(value)]

    return nodes


def _compile_node(text: str) -> Callable[[Any], Node]:
    find = _finder("node", text)

    def node(value: Any) -> Node:
        return _element(_only(find(value), text), value, f"node('{text}')")

    return node


def _compile_text(text: str) -> Callable[[Any], str | None]:
    find = _finder("text", text)
    return lambda value: _text_of(_only(find(value), text), text)


_TEXT = Plain("text", optional=True)
#: What may be asked of a node, by name.
METHODS: Mapping[str, Method] = {
    "node": Method(_compile_node, lambda: NODE),
    "nodes": Method(_compile_nodes, lambda: Many(NODE)),
    "text": Method(_compile_text, lambda: _TEXT),
    "xpath": Method(_compile_xpath),
}
NODE: Record = Record("a node", {}, METHODS)
#: What `response.xml` is in an expression.
XML = Record("response.xml", {}, METHODS)


def _finder(method: str, text: str) -> Callable[[Any], list[Any]]:
    """What the path finds in a node.  Raises ValueError for one that finds no nodes."""
    try:
        path = read_path(text)
        # Tried on an element that has nothing: what a path yields does not hang on what is there.
        tried = _engine(path.text, dict.fromkeys(path.prefixes, "urn:any"))(etree.Element("any"))
    except etree.XPathError as error:
        raise ValueError(f"'{text}' is no XPath: {error}") from None
    except ValueError as error:
        raise ValueError(f"'{text}': {error}") from None
    finds_nodes = isinstance(tried, list)
    if not finds_nodes:
        raise ValueError(f"'{text}' computes a value and finds no nodes: that is for xpath('…')")
    told = f"{method}('{text}')"
    ready = None if path.prefixes else _engine(path.text, {})

    def find(value: Any) -> list[Any]:
        node = _node(value, told)
        try:
            xpath = ready or _engine(path.text, node.prefixes.known)
            return list(xpath(node.element))
        except etree.XPathError as error:
            raise Unreadable(f"{told}: {error}") from None

    return find


def _engine(path: str, namespaces: Mapping[str, str]) -> Any:
    """Without extensions: neither regular expressions nor functions of our own."""
    return etree.XPath(path, namespaces=namespaces, regexp=False, smart_strings=False)


def _node(value: Any, told: str) -> Node:
    if not isinstance(value, Node):
        # Not Missing, as with any member of what is of another kind.
        raise ExpressionError(f"{told}: {kind(value)} is no node of XML")
    return value


def _element(found: Any, value: Node, told: str) -> Node:
    if not isinstance(found, etree._Element):
        raise ExpressionError(f"{told}: it finds texts; ask for them with text('…')")
    return Node(found, value.prefixes)


def _only(found: list[Any], path: str) -> Any:
    if not found:
        raise Missing(f"the XML has no '{path}' here")
    if len(found) > 1:
        raise ExpressionError(f"the XML has '{path}' {len(found)} times here: loop over nodes('…')")
    return found[0]


def _text_of(found: Any, path: str) -> str | None:
    """What stands in it; none where it says that it is nil."""
    if not isinstance(found, etree._Element):
        return str(found).strip(_BLANKS)
    if len(found):
        raise ExpressionError(f"'{path}' has elements in it, and is no text")
    if (found.get(_NIL) or "").strip(_BLANKS) in ("true", "1"):
        return None
    return str(found.text or "").strip(_BLANKS)


def _plain(result: Any, text: str) -> Any:
    if isinstance(result, list):
        return [_whole_text(part) for part in result]
    if not isinstance(result, float):
        return result
    if not isfinite(result):
        raise Unreadable(f"xpath('{text}'): what it found is no number")
    return Decimal(repr(result))


def _whole_text(node: Any) -> str:
    return "".join(node.itertext()) if isinstance(node, etree._Element) else str(node)
