"""The $metadata of OData 2 and 4 (EDMX): entity sets with what may be written into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from adapters.contract.field import ANY_VALUE, NUMBERS, Field, Members, Operation
from adapters.contract.guess import named_by_us
from adapters.contract.xml import about
from adapters.language.shape import ANYTHING
from adapters.rest.paths import call_name, operation_of
from sidecar.documents import write_scalar

_SAP = "{http://www.sap.com/Protocols/SAPData}"
_TEXT = frozenset({"text"})
_INTEGERS = {"Edm.Byte": 3, "Edm.SByte": 3, "Edm.Int16": 5, "Edm.Int32": 10, "Edm.Int64": 19}
_FRACTIONS = ("Edm.Decimal", "Edm.Double", "Edm.Single")
#: OData 2 writes these as texts in JSON, so that nothing is lost in a float.
_TEXTS_IN_2 = ("Edm.Decimal", "Edm.Int64")
_MOMENTS = ("Edm.DateTimeOffset",)
#: V4 annotations (the last part of their names; each service has its own alias for the first).
_COMPUTED, _IMMUTABLE, _PERMISSIONS = ".Computed", ".Immutable", ".Permissions"
_DEEPEST = 20


class EdmxDescription:
    """See `adapters.contract.field.Description`."""

    is_complete = False
    file_keys = ()
    response = ANYTHING

    def __init__(self, root: Any) -> None:
        self._schemas = [node for node in root.iter() if _local(node) == "Schema"]
        self._is_2 = not root.tag.startswith("{http://docs.oasis-open.org/odata/")
        self._types: dict[str, Any] = {}
        self._associations: dict[str, Any] = {}
        self._annotations: dict[str, list[Any]] = {}
        self._aliases = {
            schema.get("Alias"): schema.get("Namespace")
            for schema in self._schemas
            if schema.get("Alias")
        }
        self._body = "response.body.d" if self._is_2 else "response.body"
        for schema in self._schemas:
            self._index(schema)

    def _index(self, schema: Any) -> None:
        namespace = schema.get("Namespace", "")
        for node in schema:
            name = f"{namespace}.{node.get('Name')}"
            match _local(node):
                case "EntityType" | "ComplexType" | "EnumType" | "TypeDefinition":
                    self._types[name] = node
                case "Association":
                    self._associations[name] = node
                case "Annotations":
                    target = self._full(node.get("Target", ""))
                    self._annotations.setdefault(target, []).extend(node)

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """Reading, creating, changing and deleting in each entity set."""
        by_name: dict[str, Operation] = {}
        for schema in self._schemas:
            for container in _children(schema, "EntityContainer"):
                for entity_set in _children(container, "EntitySet"):
                    by_name |= {operation.name: operation for operation in self._of_set(entity_set)}
        return by_name

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """By method and entity set."""
        return operation_of(self.operations.values(), call)

    def name_of(self, call: Mapping[str, object]) -> str:
        """`METHOD path`."""
        return call_name(call)

    def _of_set(self, entity_set: Any) -> Iterator[Operation]:
        name = entity_set.get("Name")
        entity = self._full(entity_set.get("EntityType", ""))
        told = about(entity_set.get(f"{_SAP}label"))
        single = f"/{name}({{key}})"
        for method, path, change in (
            ("POST", f"/{name}", "creatable"),
            ("PATCH", single, "updatable"),
            ("PUT", single, "updatable"),
        ):
            if entity_set.get(f"{_SAP}{change}") != "false":
                body = Field(
                    "json",
                    entity.rpartition(".")[2],
                    required=True,
                    type_name=f"{entity} {change}",
                    load=partial(self._members, entity, change),
                )
                yield Operation(
                    f"{method} {path}",
                    {"method": method, "path": path},
                    {"json": body},
                    told,
                    self._answered(body),
                    reference=self._named(self._body, entity),
                )
        yield self._question(name, entity, told)
        for method in ("GET", "DELETE"):
            yield Operation(f"{method} {single}", {"method": method, "path": single}, {}, told)

    def _question(self, name: str, entity: str, told: str) -> Operation:
        """The whole entity set, of which `$filter` chooses."""
        record = Field(
            "item", entity.rpartition(".")[2], load=partial(self._members, entity, "filterable")
        )

        def parameters() -> Members:
            ours = named_by_us(field for field in record.members.fields.values() if field.writable)
            fields = [
                Field("$filter", "text", ANY_VALUE, hint=_quoted(ours.name) if ours else ""),
                *(Field(f"${one}", "text", ANY_VALUE) for one in ("select", "expand", "orderby")),
                *(Field(f"${one}", "whole number", ANY_VALUE) for one in ("top", "skip")),
            ]
            return Members({field.name: field for field in fields}, open=True)

        return Operation(
            f"GET /{name}",
            {"method": "GET", "path": f"/{name}"},
            {"query": Field("query", "record", load=parameters)},
            told,
            asks=True,
            found=f"={self._body}.{'results' if self._is_2 else 'value'}",
            reference=self._named("item", entity),
        )

    def _answered(self, body: Field) -> Field:
        """OData 2 wraps an entity in `d`."""
        if not self._is_2:
            return body
        entity = replace(body, name="d")
        return Field("body", "record", load=lambda: Members({"d": entity}))

    def _named(self, place: str, entity: str) -> str:
        """The entity's own number: the last part of its key."""
        keys = [
            ref.get("Name")
            for _, node in self._lineage(entity)
            for ref in node.iter()
            if _local(ref) == "PropertyRef"
        ]
        return f"={place}.{keys[-1]}" if keys else ""

    # --- fields -----------------------------------------------------------------------------

    def _members(self, type_name: str, change: str) -> Members:
        fields: dict[str, Field] = {}
        for owner, node in self._lineage(type_name):
            key = {ref.get("Name") for ref in node.iter() if _local(ref) == "PropertyRef"}
            for child in node:
                match _local(child):
                    case "Property":
                        field = self._property(owner, child, change)
                        if child.get("Name") in key or change == "updatable":
                            # A key is given by the ERP as often as by us; a change names a few.
                            field = replace(field, required=False)
                        field = replace(field, key=child.get("Name") in key)
                        fields[field.name] = field
                    case "NavigationProperty":
                        field = self._navigation(child, change)
                        fields[field.name] = field
        # OData 4 binds to what exists: "customer@odata.bind".
        fields |= {} if self._is_2 else _bindings(fields)
        return Members(fields)

    def _lineage(self, type_name: str) -> Iterator[tuple[str, Any]]:
        """The type and what it derives from, the eldest first."""
        lineage: list[tuple[str, Any]] = []
        while type_name in self._types and len(lineage) < _DEEPEST:
            node = self._types[type_name]
            lineage.append((type_name, node))
            type_name = self._full(node.get("BaseType", ""))
        return iter(lineage[::-1])

    def _property(self, owner: str, node: Any, change: str) -> Field:
        name = node.get("Name")
        written, many = _collection(node.get("Type", "Edm.String"))
        kind = self._full(written)
        definition = self._types.get(kind)
        facets = node
        if definition is not None and _local(definition) == "TypeDefinition":
            kind, facets = definition.get("UnderlyingType", "Edm.String"), definition
        is_given = node.get("Nullable") == "false" and node.get("DefaultValue") is None
        field = Field(
            name,
            kind.removeprefix("Edm.").rpartition(".")[2],
            required=is_given and not many,
            many=many,
            longest=_count(node.get("MaxLength") or facets.get("MaxLength")),
            digits=_digits(node if node.get("Precision") else facets, kind),
            writable=node.get(f"{_SAP}{change}") != "false"
            and not self._is_read_only(f"{owner}/{name}", node, change),
            about=about(node.get(f"{_SAP}quickinfo") or node.get(f"{_SAP}label")),
        )
        if definition is not None and _local(definition) == "ComplexType":
            members = partial(self._members, kind, change)
            return replace(field, type_name=f"{kind} {change}", load=members)
        if definition is not None and _local(definition) == "EnumType":
            choices = tuple(child.get("Name") for child in _children(definition, "Member"))
            return replace(field, takes=_TEXT, choices=choices)
        return replace(field, **self._fit(kind))

    def _fit(self, kind: str) -> dict[str, Any]:
        if self._is_2 and kind in _TEXTS_IN_2:
            return {"takes": _TEXT, "tolerated": NUMBERS, "kind": f"{kind[4:]} (as text)"}
        if kind in _INTEGERS:
            return {"takes": frozenset({"whole number"})}
        if kind in _FRACTIONS:
            return {"takes": NUMBERS}
        if kind == "Edm.Boolean":
            return {"takes": frozenset({"truth value"})}
        if kind in _MOMENTS and not self._is_2:
            return {"takes": frozenset({"time", "text"})}
        if kind.startswith("Edm."):
            return {"takes": _TEXT}
        return {"takes": ANY_VALUE}

    def _is_read_only(self, target: str, node: Any, change: str) -> bool:
        fixed = (_COMPUTED, _IMMUTABLE) if change == "updatable" else (_COMPUTED,)
        for note in (*_children(node, "Annotation"), *self._annotations.get(target, ())):
            term = note.get("Term", "")
            if term.endswith(fixed) and note.get("Bool", "true") != "false":
                return True
            if term.endswith(_PERMISSIONS) and note.get("EnumMember", "").endswith("/Read"):
                return True
        return False

    def _navigation(self, node: Any, change: str) -> Field:
        """What may be created together with the entity, or bound to it."""
        if "Type" in node.attrib:
            target, many = _collection(node.get("Type"))
            target = self._full(target)
        else:
            target, many = self._end(node)
        return Field(
            node.get("Name"),
            target.rpartition(".")[2] or "record",
            many=many,
            # OData 2 knows the list both bare and in `results`.
            wrapper="results" if self._is_2 and many else "",
            type_name=f"{target} {change}" if target else "",
            load=partial(self._members, target, change),
        )

    def _end(self, node: Any) -> tuple[str, bool]:
        association = self._associations.get(self._full(node.get("Relationship", "")))
        for end in () if association is None else _children(association, "End"):
            if end.get("Role") == node.get("ToRole"):
                return self._full(end.get("Type", "")), end.get("Multiplicity") == "*"
        return "", False

    def _full(self, name: str) -> str:
        """A name with its alias replaced by the namespace."""
        prefix, dot, local = name.partition("/")[0].rpartition(".")
        tail = name[len(name.partition("/")[0]) :]
        return f"{self._aliases.get(prefix, prefix)}{dot}{local}{tail}"


def _quoted(name: str) -> str:
    """The expression for `$filter`: what carries our number."""
    return write_scalar(f'="{name} eq \'" ~ ref ~ "\'"')


def _bindings(fields: Mapping[str, Field]) -> dict[str, Field]:
    return {
        f"{name}@odata.bind": Field(f"{name}@odata.bind", "address", _TEXT, many=field.many)
        for name, field in fields.items()
        if field.is_record
    }


def _collection(written: str) -> tuple[str, bool]:
    if written.startswith("Collection(") and written.endswith(")"):
        return written[len("Collection(") : -1], True
    return written, False


def _children(node: Any, name: str) -> Iterator[Any]:
    return (child for child in node if _local(child) == name)


def _local(node: Any) -> str:
    return str(node.tag.rpartition("}")[2])


def _count(written: str | None) -> int | None:
    return int(written) if written and written.isdecimal() else None


def _digits(node: Any, kind: str) -> tuple[int, int] | None:
    if kind in _INTEGERS:
        return _INTEGERS[kind], 0
    precision, scale = _count(node.get("Precision")), node.get("Scale")
    if kind != "Edm.Decimal" or (precision is None and scale is None):
        return None
    total = 1_000 if precision is None else precision
    # "variable" and "floating" limit nothing; without a scale the standard says none at all.
    return total, total if scale in ("variable", "floating") else _count(scale) or 0
