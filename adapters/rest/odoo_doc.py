"""What Odoo 19 tells of its models (module api_doc): `/doc-bearer/MODEL.json`, and its index.

Each method of a model is an operation of JSON-2, `POST /json/2/MODEL/METHOD`.  Of a model that
another one names (the lines of an order) the file is read that lies beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from adapters.contract.field import ANY_VALUE, NUMBERS, Field, Members, Operation
from adapters.contract.guess import named_by_us
from adapters.contract.xml import about
from adapters.http.body import Malformed, decode_json
from adapters.language.shape import ANYTHING
from adapters.rest.paths import call_name, operation_of
from sidecar.documents import write_scalar

_TEXT = frozenset({"text"})
_TYPES: Mapping[str, tuple[str, frozenset[str]]] = {
    "char": ("text", _TEXT),
    "text": ("text", _TEXT),
    "html": ("text (HTML)", _TEXT),
    "selection": ("text", _TEXT),
    "date": ("text (date)", _TEXT),
    "datetime": ("text (date and time, UTC)", _TEXT),
    "integer": ("whole number", frozenset({"whole number"})),
    "many2one": ("whole number (id)", frozenset({"whole number"})),
    "float": ("number", NUMBERS),
    "monetary": ("number", NUMBERS),
    "boolean": ("truth value", frozenset({"truth value"})),
}
#: The command that makes a record together with the one that names it.
_CREATE = (0, 0)
#: What these are in Odoo: the discount of a line is in per cent, moments are in UTC.
_HINTS = {
    ("float", "discount"): "=item.discount_percent | default(0) | round(2)",
    ("datetime", "date_order"): "=order.created_at | date('%Y-%m-%d %H:%M:%S')",
}
#: Parameters that hold a record's fields.
_VALUES = ("vals_list", "vals", "values")
_ANNOTATED = {"int": "integer", "str": "char", "bool": "boolean", "float": "float"}
#: What a question asks for, of what the model has.
_TOLD = ("name", "client_order_ref", "state", "currency_id", "amount_total", "amount_tax")
#: Of a model without a file beside, whose fields' types are not known.
_KNOWN_WITHOUT = ("create", "write", "search_read")


class OdooDescription:
    """See `adapters.contract.field.Description`."""

    is_complete = False
    file_keys = ()
    response = ANYTHING

    def __init__(self, document: Mapping[str, Any], folder: Path) -> None:
        """`folder`: where further models' files are looked for."""
        self._folder = folder
        self._read: dict[str, Mapping[str, Any] | None] = {}
        if "models" in document:
            self._models = {str(one["model"]): one for one in _list(document["models"])}
        else:
            model = str(document["model"])
            self._models = {model: document}
            self._read[model] = document

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """By `POST /json/2/MODEL/METHOD`."""
        described = (
            operation for model, told in self._models.items() for operation in self._of(model, told)
        )
        return {operation.name: operation for operation in described}

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """By method and path."""
        return operation_of(self.operations.values(), call)

    def name_of(self, call: Mapping[str, object]) -> str:
        """`METHOD path`."""
        return call_name(call)

    def _of(self, model: str, told: Mapping[str, Any]) -> Iterator[Operation]:
        whole = self._model(model)
        if whole is not None:
            for name, method in _mapping(whole.get("methods")).items():
                yield self._operation(model, name, _mapping(method), str(whole.get("name", "")))
            return
        for name in _KNOWN_WITHOUT:
            if name in _list(told.get("methods")):
                note = f"{told.get('name', '')}; fetch {model}.json for its fields' types"
                yield self._operation(model, name, _WITHOUT[name], note)

    def _operation(self, model: str, name: str, method: Mapping[str, Any], text: str) -> Operation:
        path = f"/json/2/{model}/{name}"
        body = Field(
            "json", "record", required=True, load=partial(self._parameters, model, name, method)
        )
        asks = "readonly" in _list(method.get("api"))
        found = {"search_read": "=response.body"}.get(name, "")
        reference = {"search_read": "=item.name", "create": "=response.body[0]"}.get(name, "")
        call = {"method": "POST", "path": path}
        return Operation(
            f"POST {path}", call, {"json": body}, about(text), None, asks, found, reference
        )

    def _parameters(self, model: str, method: str, told: Mapping[str, Any]) -> Members:
        fields = [self._ids()] if "model" not in _list(told.get("api")) else []
        for name, parameter in _mapping(told.get("parameters")).items():
            given = _mapping(parameter)
            if not str(given.get("kind", "")).startswith("VAR_"):
                fields.append(self._parameter(model, method, str(name), given))
        context = Field("context", "record", load=lambda: Members({}, open=True))
        return Members({field.name: field for field in (*fields, context)})

    @staticmethod
    def _ids() -> Field:
        """Which records it is about."""
        whole = frozenset({"whole number"})
        return Field("ids", "id", whole, required=True, many=True, hint="[=link.key | int]")

    def _parameter(self, model: str, method: str, name: str, given: Mapping[str, Any]) -> Field:
        required = "default" not in given
        annotation = str(given.get("annotation", ""))
        if name in _VALUES:
            many = name == "vals_list" or annotation.startswith("list")
            load = partial(self._members, model)
            return Field(name, model, required=required, many=many, one=many, load=load)
        kind, takes = _TYPES.get(
            _ANNOTATED.get(annotation.partition(" |")[0], ""), ("anything", ANY_VALUE)
        )
        hint = self._hint(model, name) if method.startswith("search") else ""
        return Field(name, kind, takes, required=required, nullable=not required, hint=hint)

    def _hint(self, model: str, name: str) -> str:
        """How a question asks for a document of ours."""
        fields = self._members(model).fields
        ours = named_by_us(fields.values())
        if name == "domain" and ours is not None:
            return write_scalar(f"=[['{ours.name}', '=', ref]]")
        if name == "fields" and (told := [one for one in _TOLD if one in fields]):
            return f"[{', '.join(told)}]"
        return ""

    # --- fields -----------------------------------------------------------------------------

    def _members(self, model: str) -> Members:
        whole = self._model(model)
        if whole is None:
            named = _mapping(self._models.get(model, {}).get("fields"))
            fields = {
                name: Field(name, "anything", ANY_VALUE, about=about(_mapping(told).get("string")))
                for name, told in named.items()
            }
            return Members(fields, open=not fields)
        told = _mapping(whole.get("fields"))
        return Members({name: self._field(name, _mapping(field)) for name, field in told.items()})

    def _lines(self, model: str, back: str) -> Members:
        """The fields of a record that is made together with the one that `back` leads to."""
        members = self._members(model)
        fields = {name: field for name, field in members.fields.items() if name != back}
        return Members(fields, open=members.open)

    def _field(self, name: str, told: Mapping[str, Any]) -> Field:
        type_, required = str(told.get("type", "")), told.get("required") is True
        relation = str(told.get("relation", ""))
        kind, takes = _TYPES.get(type_, ("anything", ANY_VALUE))
        text = about(told.get("string"))
        if type_ == "one2many":
            load = partial(self._lines, relation, str(told.get("relation_field", "")))
            return Field(name, relation, required=required, nullable=True, many=True,
                         before=_CREATE, about=text, load=load)  # fmt: skip
        if type_ == "many2many":
            text = f"{text}: [[6, 0, [id, …]]] of {relation}"
        digits = _list(told.get("digits"))
        return Field(
            name,
            kind if not relation or type_ != "many2one" else f"{kind} of {relation}",
            takes,
            required=required,
            # Odoo has defaults for many of these, and does not say for which.
            nullable=required,
            longest=told.get("size") if type(told.get("size")) is int else None,
            digits=(int(digits[0]), int(digits[1])) if len(digits) > 1 else None,
            choices=tuple(str(one[0]) for one in _list(told.get("selection")) if one),
            writable=told.get("readonly") is not True,
            about=text,
            hint=_HINTS.get((type_, name), ""),
        )

    def _model(self, model: str) -> Mapping[str, Any] | None:
        """What is told of a model; None where its file is not beside."""
        if model not in self._read:
            path = self._folder / f"{model}.json"
            try:
                document = decode_json(path.read_bytes())
            except (OSError, Malformed):
                document = None
            self._read[model] = document if is_odoo(document) else None
        return self._read[model]


def is_odoo(document: Any) -> bool:
    """Whether it is a model's document, or the index of all."""
    return isinstance(document, Mapping) and (
        {"model", "fields", "methods"} <= set(document) or {"modules", "models"} <= set(document)
    )


_WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "create": {"parameters": {"vals_list": {}}, "api": ["model"]},
    "write": {"parameters": {"vals": {}}},
    "search_read": {
        "parameters": {"domain": {"default": None}, "fields": {"default": None}},
        "api": ["model", "readonly"],
    },
}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
