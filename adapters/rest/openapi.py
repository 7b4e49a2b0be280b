"""OpenAPI 2 and 3: operations with the trees of their request bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import cached_property, partial
from typing import Any
from urllib.parse import unquote

from adapters.contract.field import ANY_VALUE, NUMBERS, Field, Members, Operation
from adapters.contract.xml import about
from adapters.language.filters import as_text
from adapters.language.shape import ANYTHING
from adapters.rest.paths import call_name, operation_of

_METHODS = ("get", "post", "put", "patch", "delete", "head")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
#: How deep allOf, oneOf and anyOf may be nested before the description counts as broken.
_DEEPEST = 30
#: What OData 2 writes as text, so that nothing is lost in a float; many take the number too.
_NUMBERS_AS_TEXT = ("decimal", "int64", "double")
_TEXTUAL = frozenset({"text", "time"})

Schema = Mapping[str, Any]


class OpenApiDescription:
    """See `adapters.contract.field.Description`."""

    is_complete = False
    file_keys = ()
    response = ANYTHING

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._flattened: dict[str, dict[str, Any]] = {}

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """By `METHOD path`."""
        described = (
            self._operation(method, path, item)
            for path, item in _mapping(self._document.get("paths")).items()
            for method in _METHODS
            if method in _mapping(item)
        )
        return {operation.name: operation for operation in described}

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """By method and path."""
        return operation_of(self.operations.values(), call)

    def name_of(self, call: Mapping[str, object]) -> str:
        """`METHOD path`."""
        return call_name(call)

    # --- operations -------------------------------------------------------------------------

    def _operation(self, method: str, path: str, item: Mapping[str, Any]) -> Operation:
        described = _mapping(item[method])
        parameters = [
            self._resolved(described_parameter)
            for described_parameter in (
                *_list(item.get("parameters")),
                *_list(described.get("parameters")),
            )
        ]
        parts = dict(self._bodies(described, parameters))
        query = {
            field.name: field
            for field in (
                self._parameter(parameter)
                for parameter in parameters
                if parameter.get("in") == "query"
            )
        }
        if query:
            parts["query"] = Field("query", "record", load=lambda: Members(query))
        text = described.get("summary") or described.get("description")
        call = {"method": method.upper(), "path": str(path)}
        answer = self._answer(_mapping(described.get("responses")))
        return Operation(f"{method.upper()} {path}", call, parts, about(text), answer)

    def _answer(self, responses: Mapping[str, Any]) -> Field | None:
        for status, response in responses.items():
            resolved = self._resolved(response)
            if str(status).startswith("2"):
                contents = list(_mapping(resolved.get("content")).values())
                schema = _mapping((contents[0] if contents else resolved).get("schema"))
                return self._field("body", schema) if schema else None
        return None

    def _bodies(
        self, described: Mapping[str, Any], parameters: list[Mapping[str, Any]]
    ) -> Iterator[tuple[str, Field]]:
        body = self._resolved(described.get("requestBody"))
        for media, content in _mapping(body.get("content")).items():
            kind = "form" if media in _FORMS else "json" if "json" in media else ""
            if kind:
                schema = _mapping(_mapping(content).get("schema"))
                yield kind, self._field(kind, schema, required=body.get("required") is True)
                return
        for parameter in parameters:
            if parameter.get("in") == "body":
                schema = _mapping(parameter.get("schema"))
                yield (
                    "json",
                    self._field("json", schema, required=parameter.get("required") is True),
                )
                return
        form = [
            self._parameter(candidate)
            for candidate in parameters
            if candidate.get("in") == "formData"
        ]
        if form:
            members = Members({field.name: field for field in form})
            yield "form", Field("form", "record", required=True, load=lambda: members)

    def _parameter(self, parameter: Mapping[str, Any]) -> Field:
        schema = _mapping(parameter.get("schema")) or parameter
        required = parameter.get("required") is True
        field = self._field(str(parameter.get("name")), schema, required=required)
        # In an address everything is text, and one value is a list of one.
        takes = ANY_VALUE if field.takes & _TEXTUAL else field.takes | {"text"}
        told = about(parameter.get("description"))
        return replace(field, takes=takes, lone=True, about=told or field.about)

    # --- fields -----------------------------------------------------------------------------

    def _field(self, name: str, schema: Schema, *, required: bool = False) -> Field:
        flat = self._flat(schema)
        many = _type(flat) == "array"
        item = self._flat(_mapping(flat.get("items"))) if many else flat
        is_record = _type(item) in ("object", "array") or "properties" in item
        return Field(
            name,
            _title(schema, item) if is_record else _shown(item),
            frozenset() if is_record else _takes(item),
            NUMBERS if item.get("format") in _NUMBERS_AS_TEXT else frozenset(),
            required=required,
            nullable=flat.get("nullable") is True or "null" in _list(flat.get("type")),
            many=many,
            longest=_count(item.get("maxLength")),
            digits=_digits(item),
            choices=_choices(item),
            writable=flat.get("readOnly") is not True,
            about=about(flat.get("description") or flat.get("title")),
            type_name=_reference(schema) if is_record else "",
            load=partial(self._members, item) if is_record else None,
        )

    def _members(self, flat: Schema) -> Members:
        if _type(flat) == "array":
            return Members({}, open=True)
        required = frozenset(map(str, _list(flat.get("required"))))
        properties = _mapping(flat.get("properties"))
        further = flat.get("additionalProperties")
        return Members(
            {
                str(name): self._field(str(name), _mapping(schema), required=name in required)
                for name, schema in properties.items()
            },
            open=further is True or bool(_mapping(further)) or not properties,
        )

    def _flat(self, schema: Schema, above: tuple[str, ...] = ()) -> dict[str, Any]:
        """The schema with its references followed and its parts put together.

        `above`: the references that led here; one that leads back to itself says nothing.
        """
        flat: dict[str, Any] = {}
        reference = str(schema.get("$ref", ""))
        if reference in above or len(above) > _DEEPEST:
            return {}
        above = (*above, reference) if reference else above
        if reference:
            # Once each: parts that are referred to by many parts would take for ever.
            if reference not in self._flattened:
                self._flattened[reference] = self._flat(self._referenced(reference), above)
            flat = self._flattened[reference]
        for part in _list(schema.get("allOf")):
            flat = _both(flat, self._flat(_mapping(part), above))
        flat = _both(flat, schema)
        variants = [
            self._flat(_mapping(subschema), above)
            for key in ("oneOf", "anyOf")
            for subschema in _list(schema.get(key))
        ]
        variants = [variant for variant in variants if variant.get("type") != "null"]
        return _both(_either(variants), flat) if variants else flat

    def _resolved(self, value: Any) -> Mapping[str, Any]:
        given = _mapping(value)
        return self._referenced(given["$ref"]) if "$ref" in given else given

    def _referenced(self, reference: object) -> Mapping[str, Any]:
        """What `#/…` points to; nothing for another file or address, which is never read."""
        part: Any = self._document
        first, *steps = str(reference).split("/")
        if first != "#":
            return {}
        for step in steps:
            part = _mapping(part).get(unquote(step).replace("~1", "/").replace("~0", "~"))
        return _mapping(part)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """A value must fit both; where they differ the second decides."""
    return {
        **first,
        **{key: value for key, value in second.items() if key not in ("$ref", "allOf")},
        **_merged(
            "properties",
            {**_mapping(first.get("properties")), **_mapping(second.get("properties"))},
        ),
        **_merged("required", [*_list(first.get("required")), *_list(second.get("required"))]),
    }


def _either(variants: list[dict[str, Any]]) -> dict[str, Any]:
    """A value fits one of them: what is required by all is required."""
    properties: dict[str, Any] = {}
    for variant in reversed(variants):
        properties |= _mapping(variant.get("properties"))
    needed = [frozenset(map(str, _list(schema.get("required")))) for schema in variants]
    kinds = sorted({kind for schema in variants if isinstance(kind := schema.get("type"), str)})
    return {
        **(variants[0] if len(variants) == 1 else {}),
        **({"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}),
        **_merged("properties", properties),
        **_merged("required", sorted(frozenset.intersection(*needed))),
    }


def _merged(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}


def _type(schema: Schema) -> str:
    kinds = _types(schema)
    return kinds[0] if kinds else ("object" if "properties" in schema else "")


def _types(schema: Schema) -> list[str]:
    given = schema.get("type")
    return [
        str(kind)
        for kind in (given if isinstance(given, list) else [given])
        if kind and kind != "null"
    ]


def _takes(schema: Schema) -> frozenset[str]:
    takes: frozenset[str] = frozenset()
    for kind in _types(schema):
        match kind:
            case "string" if schema.get("format") in ("date", "time"):
                takes |= {"text"}
            case "string":
                takes |= _TEXTUAL
            case "integer":
                takes |= {"whole number"}
            case "number":
                takes |= NUMBERS
            case "boolean":
                takes |= {"truth value"}
    return takes or ANY_VALUE


def _shown(schema: Schema) -> str:
    named = {"string": "text", "integer": "whole number", "boolean": "truth value"}
    kinds = " or ".join(named.get(kind, kind) for kind in _types(schema)) or "anything"
    form = schema.get("format")
    return f"{kinds} ({form})" if isinstance(form, str) else kinds


def _reference(schema: Schema) -> str:
    """The one reference that says all of a schema's members, or of its entries'."""
    entries = _mapping(schema.get("items")) or schema
    parts = _list(entries.get("allOf"))
    alone = entries if "$ref" in entries or len(parts) != 1 else _mapping(parts[0])
    return "" if "properties" in entries else str(alone.get("$ref", ""))


def _title(schema: Schema, item: Schema) -> str:
    reference = schema.get("$ref") or _mapping(schema.get("items")).get("$ref")
    return str(reference).rpartition("/")[2] if reference else str(item.get("title") or "record")


def _choices(schema: Schema) -> tuple[str, ...]:
    """As a mapping's values are written: true, not True."""
    return tuple(
        as_text(choice) if isinstance(choice, str | int | Decimal) else str(choice)
        for choice in _list(schema.get("enum"))
        if choice is not None
    )


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _digits(schema: Schema) -> tuple[int, int] | None:
    """Out of `multipleOf: 0.001` and SAP's precision and scale."""
    scale = _count(schema.get("x-sap-scale"))
    if scale is None:
        try:
            step = Decimal(str(schema["multipleOf"])) if "multipleOf" in schema else None
        except InvalidOperation:
            step = None
        exponent = step.normalize().as_tuple().exponent if step and step.is_finite() else None
        scale = max(0, -exponent) if isinstance(exponent, int) else None
    if scale is None:
        return None
    return _count(schema.get("x-sap-precision")) or 1_000, scale
