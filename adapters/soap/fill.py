"""The values of a mapping in the form that zeep serialises, told apart by the WSDL's types.

zeep writes whatever it is given: `15.0000` into a whole number, `True` into a text, and a name that
does not exist ends in a TypeError with the whole signature.  Here each value meets its type first,
and what does not fit is told by its place in the document, without the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree
from zeep import xsd
from zeep.exceptions import Error
from zeep.xsd.elements import Choice, Element
from zeep.xsd.elements.indicators import Group, Indicator
from zeep.xsd.schema import Schema
from zeep.xsd.types import builtins
from zeep.xsd.types.collection import ListType
from zeep.xsd.types.complex import ComplexType
from zeep.xsd.types.simple import AnySimpleType

from adapters.http.xml import is_writable, writable
from adapters.language.filters import ExpressionError, as_text, as_utc, is_number, kind, plain
from adapters.language.shape import suggest
from adapters.language.template import NOTHING, TYPE

#: What zeep calls the text of an element that has attributes as well.
TEXT = "_value_1"

_NUMBERS = (builtins.Decimal, builtins.Float, builtins.Double)


class UnknownType(Exception):
    """The schema has no such type, or several."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one complex type takes."""

    elements: Mapping[str, Element]
    attributes: Mapping[str, Any]
    #: Groups that repeat as a whole, each round a mapping; elements that the schema leaves open.
    groups: Mapping[str, Indicator]
    open: Mapping[str, Any]
    #: Elements that the schema wants: left out on purpose where the mapping has none of them,
    #: because many an ERP declares all of its elements so and wants a few.
    wanted: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that may be written."""
        return (*self.elements, *self.attributes, *self.groups, *self.open)


class Filler:
    """Fills the types of one WSDL."""

    def __init__(self, schema: Schema, prefixes: Mapping[str, str]) -> None:
        """`prefixes` are those that the WSDL's documents use: zeep forgets them."""
        self._schema = schema
        self._prefixes = prefixes
        self._plans: dict[int, Plan] = {}

    def filled(self, kind_of: Any, tree: Any, place: str) -> Any:
        """The tree for zeep.  Raises ExpressionError that begins with the place of what is wrong.

        `kind_of` is a type of the schema; `place` is what the message calls the whole.
        """
        if isinstance(kind_of, ComplexType):
            return self._complex(kind_of, tree, place)
        if isinstance(kind_of, AnySimpleType | ListType):
            return _leaf(kind_of, tree, place)
        return _untyped(tree, place)

    def type_named(self, name: str) -> ComplexType:
        """A complex type by `prefix:name`, `{namespace}name` or its bare name.

        Raises UnknownType.
        """
        prefix, colon, local = name.partition(":")
        if colon and prefix in self._prefixes:
            name = f"{{{self._prefixes[prefix]}}}{local}"
        if ":" in name or name.startswith("{"):
            try:
                candidates = [self._schema.get_type(name)]
            except (Error, LookupError, ValueError):
                candidates = []
        else:
            candidates = [candidate for candidate in self._schema.types if candidate.name == name]
        candidates = [candidate for candidate in candidates if isinstance(candidate, ComplexType)]
        if len(candidates) != 1:
            raise UnknownType(
                f"there is no type '{name}'"
                if not candidates
                else f"there are {len(candidates)} types "
                f"'{name}'; write {' or '.join(str(candidate.qname) for candidate in candidates)}"
            )
        return candidates[0]

    def plan(self, kind_of: ComplexType) -> Plan:
        """What a complex type takes."""
        plan = self._plans.get(id(kind_of))
        if plan is None:
            attributes = dict(kind_of.attributes)
            plan = self._plans[id(kind_of)] = _plan(kind_of.elements_nested, attributes)
        return plan

    def _complex(self, kind_of: ComplexType, tree: Any, place: str) -> Any:
        if isinstance(tree, Mapping):
            named = tree.get(TYPE)
            if named is None:
                return self._members(self.plan(kind_of), tree, place)
            try:
                actual = self.type_named(str(named))
            except UnknownType as error:
                raise ExpressionError(f"{place}: {error}") from None
            rest = {name: value for name, value in tree.items() if name != TYPE}
            return actual(**self._members(self.plan(actual), rest, place))
        if kind_of._array_type is not None and isinstance(tree, list | tuple):
            entry = kind_of._array_type.array_type
            return kind_of([self.filled(entry, part, place) for part in tree])
        text = self.plan(kind_of).elements.get(TEXT)
        if text is None:
            raise ExpressionError(f"{place}: a mapping is wanted, {kind(tree)} is given")
        return {TEXT: self.filled(text.type, tree, place)}

    def _members(self, plan: Plan, tree: Mapping[str, Any], place: str) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for name, value in tree.items():
            here = f"{place}.{name}"
            if name in plan.elements:
                filled[name] = self._element(plan.elements[name], value, here)
            elif name in plan.attributes:
                if value is not None:
                    filled[name] = _leaf(plan.attributes[name].type, value, here)
            elif name in plan.groups:
                filled[name] = self._rounds(plan.groups[name], value, here)
            elif name in plan.open:
                filled[name] = _open(plan.open[name], value, here)
            else:
                hint = suggest(name, plan.names) or f"; there are {', '.join(plan.names[:20])}"
                raise ExpressionError(f"{here}: the WSDL has no such field{hint}")
        for name in plan.wanted:
            if name not in filled:
                filled[name] = xsd.SkipValue
        return filled

    def _rounds(self, group: Indicator, value: Any, place: str) -> Any:
        """A group that repeats as a whole: a list of mappings, or its one round."""
        if value is None:
            return xsd.SkipValue
        rounds = value if isinstance(value, list | tuple) else [value]
        child = group.child if isinstance(group, Group) else group
        plan = _plan(child.elements_nested, {})
        filled = []
        for index, given in enumerate(rounds):
            if not isinstance(given, Mapping):
                raise ExpressionError(
                    f"{place}[{index}]: a mapping is wanted, {kind(given)} is given"
                )
            filled.append(self._members(plan, given, f"{place}[{index}]"))
        return filled or xsd.SkipValue

    def _element(self, element: Element, value: Any, place: str) -> Any:
        if value is None:
            # An empty value is left out, as an optional field should be; an element that must be
            # there says itself that it is empty.
            nil = element.nillable and not element.is_optional
            return xsd.Nil if nil else xsd.SkipValue
        array = isinstance(element.type, ComplexType) and element.type._array_type is not None
        if isinstance(value, list | tuple) and not array and not isinstance(element.type, ListType):
            if not element.accepts_multiple:
                raise ExpressionError(f"{place}: one value is wanted, a list is given")
            if not value:
                return xsd.SkipValue
            return [
                self.filled(element.type, entry, f"{place}[{index}]")
                for index, entry in enumerate(value)
            ]
        return self.filled(element.type, value, place)


def _plan(nested: Iterable[tuple[str, Any]], attributes: Mapping[str, Any]) -> Plan:
    parts = list(_parts(nested))
    return Plan(
        {part.attr_name: part for _, part in parts if isinstance(part, Element)},
        attributes,
        {name: part for name, part in parts if isinstance(part, Indicator)},
        {name: part for name, part in parts if isinstance(part, xsd.Any)},
        tuple(_wanted(nested)),
    )


def _parts(nested: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Elements, what is left open, and groups that repeat; the other groups' own parts."""
    for name, part in nested:
        if not isinstance(part, Indicator) or part.accepts_multiple:
            yield name, part
        else:
            yield from _parts(
                [(name, part.child)] if isinstance(part, Group) else part.elements_nested
            )


def _open(part: Any, value: Any, place: str) -> Any:
    """Elements that the schema does not name: mappings of `{namespace}Name` to what is in them."""
    values = value if isinstance(value, list | tuple) else [value]
    elements = []
    for given in values:
        if not isinstance(given, Mapping):
            wanted = "a mapping of '{namespace}Name' is wanted"
            raise ExpressionError(f"{place}: {wanted}, {kind(given)} is given")
        elements += [element_of(name, inner) for name, inner in given.items() if inner is not None]
    if len(elements) > 1 and not part.accepts_multiple:
        raise ExpressionError(f"{place}: one element is wanted, {len(elements)} are given")
    return elements if part.accepts_multiple else next(iter(elements), None)


def element_of(name: str, value: Any) -> Any:
    """An element that the WSDL does not declare; what is in it has its namespace.

    Raises ExpressionError.
    """
    try:
        element = etree.Element(name)
    except ValueError:
        raise ExpressionError(
            f"'{name}' is no name of an element: write '{{namespace}}Name'"
        ) from None
    _fill(element, etree.QName(name).namespace, value)
    return element


def _fill(element: Any, namespace: str | None, value: Any) -> None:
    if not isinstance(value, Mapping):
        element.text = writable(as_text(value))
        return
    for name, inner in value.items():
        for entry in inner if isinstance(inner, list) else (inner,):
            if entry is not None and entry is not NOTHING:
                child = etree.SubElement(element, etree.QName(namespace, name))
                _fill(child, namespace, entry)


def unwritable(value: Any) -> bool:
    """Whether a text in it has characters that XML cannot carry."""
    match value:
        case str():
            return not is_writable(value)
        case Mapping():
            return any(map(unwritable, value.values()))
        case list() | tuple():
            return any(map(unwritable, value))
        case _:
            return False


def _wanted(nested: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Names of the elements that zeep would miss; of a choice it misses none."""
    for name, part in nested:
        if isinstance(part, Choice):
            continue
        if isinstance(part, Group):
            # A reference to a named group stands around the group's own sequence or choice.
            yield from _wanted([("", part.child)])
        elif isinstance(part, Indicator):
            if not part.accepts_multiple:
                yield from _wanted(part.elements_nested)
        elif isinstance(part, Element) and not part.is_optional:
            yield name


def _leaf(kind_of: Any, value: Any, place: str) -> Any:
    """One value as its type has it on the wire, as text that zeep passes on unchanged."""
    if isinstance(kind_of, ListType) and isinstance(value, list | tuple):
        return [_leaf(kind_of.item_type, entry, place) for entry in value]
    if isinstance(value, Mapping | list | tuple):
        raise ExpressionError(f"{place}: one value is wanted, {kind(value)} is given")
    match kind_of:
        case builtins.Boolean():
            return _truth(value, place)
        case builtins.Integer():
            return _number(value, place, whole=True)
        case _ if isinstance(kind_of, _NUMBERS):
            return _number(value, place, whole=False)
        case builtins.DateTime() if isinstance(value, datetime):
            return as_utc(value).isoformat().replace("+00:00", "Z")
        case _:
            return _untyped(value, place)


def _truth(value: Any, place: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1, "0", "1", "true", "false"):
        return value in (1, "1", "true")
    raise ExpressionError(f"{place}: true or false is wanted, {kind(value)} is given")


def _number(value: Any, place: str, *, whole: bool) -> str:
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except (InvalidOperation, TypeError, ValueError):
        number = None
    if number is None or not number.is_finite() or isinstance(value, bool):
        raise ExpressionError(f"{place}: a number is wanted, {kind(value)} is given")
    if whole and number != number.to_integral_value():
        raise ExpressionError(f"{place}: a whole number is wanted; round it, or use | int")
    if whole:
        return str(int(number))
    return plain(number) if is_number(value) else value.strip()


def _untyped(value: Any, place: str) -> str:
    try:
        return writable(as_text(value))
    except ExpressionError as error:
        raise ExpressionError(f"{place}: {error.message}") from None
