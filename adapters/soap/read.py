"""Reads the body of an answer by the very tree that `adapter describe` prints.

The rule: *an answer from which anything was dropped is never a yes or a no.*  Each element, each
attribute and each text of the body finds its place in that tree, or the answer is not believed at
all (Malformed).  Elements are found by their names: their order and the prefixes and namespaces
that a server gives them change nothing.

What is not there is none where the WSDL lets it be absent.  Where it does not, and for a truth
value in any case, the name is missing, so that no line of a mapping can take it for "no".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree

from adapters.contract.field import Field, Members
from adapters.soap.lexical import Unfit, read_text
from adapters.soap.schema import Schemas
from adapters.soap.xml import (
    ENCODING_11,
    ENCODING_12,
    NIL,
    TYPE,
    Element,
    Malformed,
    id_of,
    is_annotation,
    is_nil,
    local,
    refuse_text,
    tree_of,
)

_DEEPEST = 100
#: Of references to elements that stand elsewhere (SOAP's encoding): each may lead to further ones.
_MOST_REFERENCES = 100_000


@dataclass(frozen=True)
class Form:
    """The members of a record by their names in XML."""

    members: Members

    @cached_property
    def elements(self) -> dict[str, Field]:
        return {
            field.name: field for field in self.members.fields.values() if field.role == "element"
        }

    @cached_property
    def attributes(self) -> dict[str, Field]:
        return {
            field.name.removeprefix("attr__"): field
            for field in self.members.fields.values()
            if field.role == "attribute"
        }

    @cached_property
    def text(self) -> Field | None:
        return self._only("text")

    @cached_property
    def any(self) -> Field | None:
        return self._only("any")

    @cached_property
    def rounds(self) -> dict[str, tuple[Field, Field]]:
        """Elements of groups that repeat as a whole: the group and the element, by name."""
        return {
            name: (group, field)
            for group in self.members.fields.values()
            if group.role == "rounds"
            for name, field in _elements_of(group)
        }

    def _only(self, role: str) -> Field | None:
        return next((field for field in self.members.fields.values() if field.role == role), None)


def _elements_of(group: Field) -> Iterator[tuple[str, Field]]:
    for field in group.members.fields.values():
        if field.role == "rounds":
            yield from _elements_of(field)
        elif field.role == "element":
            yield field.name, field


class Reader:
    """Reads answers of one WSDL, from any thread."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self._forms: dict[int, Form] = {}

    def read(self, field: Field, element: Element, body: Element) -> Any:
        """The value of an element of the body.  Raises Malformed.

        `body` holds the elements that others refer to.
        """
        return _Reading(self, body).value(field, element, local(element))

    def parts(self, field: Field, body: Element, *, rpc: bool) -> Any:
        """The parts of a message, which stand in the body itself or in RPC's one element."""
        reading = _Reading(self, body)
        return reading.parts(field, body) if rpc else reading.record(field, body, "Body", 0)

    def form(self, field: Field) -> Form:
        """The members of a record, looked at once."""
        members = field.members
        form = self._forms.get(id(members))
        if form is None:
            # The form keeps the members alive, so that no other ones get their id.
            form = self._forms[id(members)] = Form(members)
        return form


class _Reading:
    """One answer."""

    def __init__(self, reader: Reader, body: Element) -> None:
        self._reader = reader
        self._body = body
        self._open: list[Element] = []
        self._referred: set[str] = set()
        self._references = 0

    def parts(self, field: Field, body: Element) -> Any:
        """Of an RPC message: the first element has them, what they refer to may follow."""
        roots = [element for element in body if id_of(element) is None] or list(body[:1])
        if len(roots) != 1:
            raise Malformed(f"the answer's body has {len(roots)} elements where one is wanted")
        record = self.record(field, roots[0], local(roots[0]), 0)
        for element in body:
            if element is not roots[0] and id_of(element) not in self._referred:
                raise Malformed(f"nothing refers to <{local(element)}> in the answer's body")
        return record

    def value(self, field: Field, element: Element, place: str, depth: int = 0) -> Any:
        """One element: a mapping, a list for an array, a plain value, or None."""
        if depth > _DEEPEST:
            raise Malformed(f"the answer is nested too deeply: more than {_DEEPEST} levels")
        target = self._referred_to(field, element, place)
        if target is not element:
            self._open.append(target)
            read_value = self.value(field, target, place, depth + 1)
            self._open.pop()
            return read_value
        if is_nil(element, place):
            return None
        field = self._actual(field, element)
        if field.many and not field.lone:
            return self._array(field, element, place, depth)
        if field.is_record:
            return self.record(field, element, place, depth)
        if field.base == "anyType":
            return tree_of(element)
        return self._plain(field, element, place)

    def record(self, field: Field, element: Element, place: str, depth: int) -> Any:
        form = self._reader.form(field)
        values: dict[str, Any] = {}
        self._attributes(form.attributes, element, values, place)
        if form.text is not None:
            self._leaf(element, place)
            values[form.text.name] = _read(form.text, element.text, place)
            return _completed(form, values)
        refuse_text(element, place)
        for child in element:
            self._child(form, child, values, place, depth)
        return _completed(form, values)

    def _child(
        self, form: Form, child: Element, record: dict[str, Any], place: str, depth: int
    ) -> None:
        name = local(child)
        here = f"{place}.{name}"
        field = form.elements.get(name)
        if name in form.rounds:
            self._round(
                *form.rounds[name], self._entry(form.rounds[name][1], child, here, depth), record
            )
        elif field is not None and _repeats(field):
            record.setdefault(field.name, []).append(self._entry(field, child, here, depth))
        elif field is not None:
            if field.name in record:
                raise Malformed(f"{here} comes twice in the answer")
            value = self.value(field, child, here, depth + 1)
            if value is not None or not _says_yes_or_no(field):
                record[field.name] = value
        elif form.any is not None and self._is_open(form, child):
            self._any(form.any, name, tree_of(child), record, here)
        else:
            raise Malformed(f"{here} is in the answer and not in the WSDL")

    def _entry(self, field: Field, child: Element, place: str, depth: int) -> Any:
        return self.value(field.entry, child, place, depth + 1)

    def _round(self, group: Field, field: Field, value: Any, record: dict[str, Any]) -> None:
        """Under the group's name round by round, as they are written; under its own as a list."""
        rounds = record.setdefault(group.name, [])
        many = _repeats(field)
        if not rounds or group.kind == "choice" or (field.name in rounds[-1] and not many):
            rounds.append({})
        if many:
            rounds[-1].setdefault(field.name, []).append(value)
        else:
            rounds[-1][field.name] = value
        record.setdefault(field.name, []).append(value)

    def _any(self, field: Field, name: str, value: Any, record: dict[str, Any], here: str) -> None:
        if field.many:
            record.setdefault(field.name, []).append({name: value})
        elif field.name in record:
            raise Malformed(f"{here} is one more than the WSDL leaves open")
        else:
            record[field.name] = {name: value}

    def _is_open(self, form: Form, child: Element) -> bool:
        """Whether an element may be one that the schema leaves open.

        A name of the WSDL's own that it does not declare is no extension but one that was renamed.
        """
        if not form.elements and not form.rounds:
            return True
        namespace = etree.QName(child).namespace or ""
        return bool(namespace) and not self._reader.schemas.has_namespace(namespace)

    def _array(self, field: Field, element: Element, place: str, depth: int) -> list[Any]:
        """An array of SOAP's encoding: what its entries are called says nothing."""
        refuse_text(element, place)
        self._attributes({}, element, {}, place)
        wanted = element.get(f"{ENCODING_11}arrayType", "").rpartition("[")[2].rstrip("]")
        wanted = wanted or element.get(f"{ENCODING_12}arraySize", "")
        if wanted.isascii() and wanted.isdecimal() and int(wanted) != len(element):
            raise Malformed(
                f"{place} says that it has {int(wanted)} entries and has {len(element)}"
            )
        return [self._entry(field, child, f"{place}.{local(child)}", depth) for child in element]

    def _plain(self, field: Field, element: Element, place: str) -> Any:
        self._attributes({}, element, {}, place)
        self._leaf(element, place)
        return _read(field, element.text, place)

    def _leaf(self, element: Element, place: str) -> None:
        if len(element):
            raise Malformed(f"{place} has <{local(element[0])}> in it where the WSDL has a value")

    def _attributes(
        self, fields: dict[str, Field], element: Element, record: dict[str, Any], place: str
    ) -> None:
        for name, text in element.attrib.items():
            if name in (TYPE, NIL):
                continue
            field = fields.get(etree.QName(name).localname)
            if field is not None:
                value = _read(field, text, f"{place}.{field.name}")
                if value is not None or not _says_yes_or_no(field):
                    record[field.name] = value
            elif not is_annotation(name):
                raise Malformed(
                    f"{place} has the attribute {etree.QName(name).localname}, "
                    "which is not in the WSDL"
                )

    def _actual(self, field: Field, element: Element) -> Field:
        """The type that the answer names, where the declared one may stand for it."""
        written = element.get(TYPE)
        if written is None:
            return field
        prefix, _, name = written.strip().rpartition(":")
        qname = f"{{{element.nsmap.get(prefix or None) or ''}}}{name}"
        if field.base == "anyType":
            return self._reader.schemas.typed_if_known(field.name, qname) or field
        return field.types.get(qname, field)

    # --- references of SOAP's encoding ------------------------------------------------------

    def _referred_to(self, field: Field, element: Element, place: str) -> Element:
        reference = element.get("href") or element.get(f"{ENCODING_12}ref")
        if reference is None or (field.is_record and "href" in self._reader.form(field).attributes):
            return element
        name = reference.removeprefix("#")
        target = self._ids.get(name)
        if target is None or target in self._open or len(element) or (element.text or "").strip():
            raise Malformed(f"{place} refers to what is not in the answer, or to itself")
        self._references += 1
        if self._references > _MOST_REFERENCES:
            raise Malformed("the answer refers to its own elements without measure")
        self._referred.add(name)
        return target

    @cached_property
    def _ids(self) -> dict[str, Element]:
        by_id: dict[str, Element] = {}
        for element in self._body.iter(etree.Element):
            name = id_of(element)
            if name is not None and by_id.setdefault(name, element) is not element:
                raise Malformed("two elements of the answer have one id")
        return by_id


def _completed(form: Form, record: dict[str, Any]) -> dict[str, Any]:
    """With none or nothing for what may be absent and is, in the order of the WSDL."""
    for name, field in form.members.fields.items():
        if name in record or field.required or _says_yes_or_no(field):
            continue
        record[name] = [] if field.many else None
    for group, field in form.rounds.values():
        record.setdefault(group.name, [])
        record.setdefault(field.name, [])
    for branches in form.members.alternatives:
        # One of them must be there: where none is, it is not known which one it was.
        if all(record.get(name) in (None, []) for branch in branches for name in branch):
            for name in (name for branch in branches for name in branch):
                record.pop(name, None)
    return record


def _repeats(field: Field) -> bool:
    return field.many and field.lone


def _says_yes_or_no(field: Field) -> bool:
    """A truth value that is absent or empty is neither."""
    return field.base == "boolean" and not field.is_record and not field.many


def _read(field: Field, text: str | None, place: str) -> Any:
    try:
        return read_text(field, text)
    except Unfit as error:
        raise Malformed(f"{place}: {error}") from None
