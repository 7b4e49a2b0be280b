"""Simple types of XML Schema: what they take, how long, how many digits, which words.

zeep reads none of it: to it a restriction is its base type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from adapters.contract.field import ANY_VALUE, NUMBERS

Named = Callable[[Any, str], Any]

XSD = "{http://www.w3.org/2001/XMLSchema}"

_TIMES = frozenset({"time", "text"})
_TEXT = frozenset({"text"})
#: 2.0000 is written as 2: a number may go into a whole number as long as it has no decimals.
_INTEGER, _DECIMAL = frozenset({"whole number"}), frozenset({"number"})
_WHOLE = {"byte": 3, "unsignedByte": 3, "short": 5, "unsignedShort": 5, "int": 10}
_WHOLE |= {"unsignedInt": 10, "long": 19, "unsignedLong": 20}
_WHOLE_UNLIMITED = ("integer", "positiveInteger", "nonNegativeInteger", "negativeInteger")
_FRACTIONS = ("decimal", "float", "double")
_SHOWN = {"time": "time of day", "base64Binary": "base64", "anyURI": "address"}
_ANYTHING = ("anyType", "anySimpleType")


#: NetSuite's deepest has three; unions of unions must not keep us busy for hours.
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Facets:
    """What a simple type allows; `base` is the type of XML Schema that its text is of."""

    kind: str = "text"
    base: str = "string"
    takes: frozenset[str] = ANY_VALUE
    tolerated: frozenset[str] = frozenset()
    longest: int | None = None
    digits: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()


def builtin(name: str) -> Facets:
    """A type of XML Schema itself, by its local name."""
    if name in _WHOLE:
        return Facets("whole number", name, _INTEGER, _DECIMAL, digits=(_WHOLE[name], 0))
    if name in (*_WHOLE_UNLIMITED, "nonPositiveInteger"):
        return Facets("whole number", name, _INTEGER, _DECIMAL)
    if name in _FRACTIONS:
        return Facets("number", name, NUMBERS)
    if name == "boolean":
        return Facets("truth value", name, frozenset({"truth value"}))
    if name == "dateTime":
        return Facets("time", name, _TIMES)
    if name in ("date", "time", "duration", "base64Binary", "hexBinary"):
        return Facets(_SHOWN.get(name, name), name, _TEXT)
    return Facets("anything" if name in _ANYTHING else _SHOWN.get(name, "text"), name)


def facets_of(node: Any, named: Named, above: tuple[Any, ...] = ()) -> Facets:
    """The facets of a simpleType, or of a simpleContent's restriction or extension.

    `named` finds the node of a named simple type as seen from a node; for a type of XML Schema
    itself it gives that type's local name, for a name that means nothing None.  `above`: what is
    being read; a type that is its own ancestor is broken.
    """
    if len(above) > _DEEPEST or any(node is ancestor for ancestor in above):
        return Facets()
    above = (*above, node)
    if node.tag in (XSD + "restriction", XSD + "extension"):
        return _restricted(node, _base(node, named, above))
    for child in node:
        match child.tag.removeprefix(XSD):
            case "restriction":
                return _restricted(child, _base(child, named, above))
            case "union":
                return _union(child, named, above)
            case "list":
                return Facets("list of words", "list", _TEXT)
    return Facets()


def facets_named(node: Any, name: str, named: Named, above: tuple[Any, ...] = ()) -> Facets:
    """The facets of the type that a node names."""
    declared = named(node, name)
    if isinstance(declared, str):
        return builtin(declared)
    return Facets() if declared is None else facets_of(declared, named, above)


def _base(node: Any, named: Named, above: tuple[Any, ...]) -> Facets:
    inline = node.find(XSD + "simpleType")
    if inline is not None:
        return facets_of(inline, named, above)
    return facets_named(node, node.get("base", ""), named, above)


def _union(node: Any, named: Named, above: tuple[Any, ...]) -> Facets:
    parts = [
        facets_named(node, member, named, above) for member in node.get("memberTypes", "").split()
    ]
    parts += [facets_of(member, named, above) for member in node.findall(XSD + "simpleType")]
    is_closed = all(part.choices for part in parts)
    bases = {part.base for part in parts}
    return Facets(
        base=bases.pop() if len(bases) == 1 else "string",
        takes=frozenset().union(*(part.takes for part in parts)) or ANY_VALUE,
        choices=tuple(word for part in parts for word in part.choices) if is_closed else (),
    )


def _restricted(node: Any, base: Facets) -> Facets:
    total, fraction = base.digits or (None, None)
    longest, choices = base.longest, []
    for facet in node:
        value = facet.get("value", "")
        match facet.tag.removeprefix(XSD):
            case "enumeration":
                choices.append(value)
            case "maxLength" | "length" if value.isdecimal():
                longest = int(value)
            case "totalDigits" if value.isdecimal():
                total = int(value)
            case "fractionDigits" if value.isdecimal():
                fraction = int(value)
    return replace(
        base,
        longest=longest,
        digits=_digits(total, fraction),
        choices=tuple(choices) or base.choices,
    )


#: More digits than any number has: a type that limits only those behind the point.
_UNLIMITED = 1_000


def _digits(total: int | None, fraction: int | None) -> tuple[int, int] | None:
    if total is None and fraction is None:
        return None
    whole = _UNLIMITED if total is None else total
    return whole, whole if fraction is None else fraction
