"""What zeep read, as the plain values that expressions know."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree
from zeep.xsd import AnyObject, ComplexType, CompoundValue

from adapters.soap.xml import tree_of


class UnwrappedMapping(dict[str, Any]):
    """A mapping whose wrapper was taken off, and that still answers to the wrapper's name.

    An engineer who reads the WSDL writes `response.body.Order`; one who reads zeep's manual writes
    `response.body`.  Both are right.
    """

    wrappers: tuple[str, ...] = ()


class UnwrappedList(list[Any]):
    """As UnwrappedMapping."""

    wrappers: tuple[str, ...] = ()


class UnwrappedText(str):
    """As UnwrappedMapping."""

    wrappers: tuple[str, ...] = ()


def plain_body(found: Any) -> Any:
    """The body without a wrapper around one element (twice at most, as zeep does it).

    A wrapper around nothing stays: `body.Order` is then none, and not missing.
    """
    wrappers: list[str] = []
    while len(wrappers) < 2 and (name := _only_element(found)) and found[name] is not None:
        wrappers.append(name)
        found = found[name]
    value = plain(found)
    unwrapped: UnwrappedMapping | UnwrappedList | UnwrappedText
    match value:
        case dict():
            unwrapped = UnwrappedMapping(value)
        case list():
            unwrapped = UnwrappedList(value)
        case str():
            unwrapped = UnwrappedText(value)
        case _:
            return value
    unwrapped.wrappers = tuple(wrappers)
    return unwrapped


def _only_element(found: Any) -> str:
    if not isinstance(found, CompoundValue) or not isinstance(found._xsd_type, ComplexType):
        return ""
    elements, attributes = found._xsd_type.elements, found._xsd_type.attributes
    return str(elements[0][0]) if len(elements) == 1 and not attributes else ""


def plain(value: Any) -> Any:
    """Mappings, lists, texts, exact numbers, truth values, times; None for what is empty."""
    match value:
        case CompoundValue():
            values = value.__values__
            return {name: plain(values[name]) for name in values if name != "_raw_elements"}
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case float():
            # repr gives the shortest number that is this float: 19.99, not 19.989999999999998.
            exact = Decimal(repr(value))
            return exact if exact.is_finite() else repr(value)
        case bool() | datetime():
            return value
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case AnyObject():
            return plain(value.value)
        case etree._Element():
            return tree_of(value)
        case etree.QName():
            return value.text
        case _:
            return value
