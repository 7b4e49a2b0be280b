"""The types of a WSDL as field trees, read from the XML of its schemas.

zeep reads them too, for writing and reading messages, but forgets what a mapping must be checked
against: lengths, words, digits, which types are abstract and which derive from them, and the
documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters.contract.field import Field, Members
from adapters.contract.xml import about
from adapters.soap.declarations import Declarations
from adapters.soap.facets import XSD, Facets, builtin, facets_of

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_ARRAY = f"{_WSDL}arrayType"
_ENCODING = "{http://schemas.xmlsoap.org/soap/encoding/}"
_GROUPS = (XSD + "sequence", XSD + "choice", XSD + "all", XSD + "group")
_DEEPEST = 50


class Schemas:
    """Fields out of declarations."""

    def __init__(self, declared: Declarations) -> None:
        self._declared = declared

    # --- fields -----------------------------------------------------------------------------

    def element(self, qname: str) -> Field | None:
        """A global element by its name in Clark's notation."""
        node = self._declared.get("element", qname)
        return None if node is None else self._element(node)

    def typed(self, name: str, qname: str) -> Field:
        """A field of a named type (a part of an RPC message)."""
        if qname.startswith(XSD):
            return _simple(name, builtin(qname.removeprefix(XSD)))
        if qname.startswith(_ENCODING) and _is_known(local := qname.removeprefix(_ENCODING)):
            # The encoding's own string, int … are those of XML Schema.
            return _simple(name, builtin(local))
        node = self._declared.get("complexType", qname)
        if node is not None:
            return self._complex(name, qname, node)
        node = self._declared.get("simpleType", qname)
        return _simple(name, Facets() if node is None else facets_of(node, self._declared.simple))

    def typed_if_known(self, name: str, qname: str) -> Field | None:
        """As `typed`; None where nobody declares the type."""
        known = (
            qname.startswith(XSD)
            or _is_known(qname.removeprefix(_ENCODING))
            or any(
                self._declared.get(kind, qname) is not None
                for kind in ("complexType", "simpleType")
            )
        )
        return self.typed(name, qname) if known else None

    def has_namespace(self, namespace: str) -> bool:
        """Whether the WSDL declares names of this namespace."""
        return namespace in self._declared.namespaces

    def _element(self, node: Any, *, required: bool = True) -> Field:
        minimum, maximum = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
        declared = node
        if "ref" in node.attrib:
            declared = self._declared.named_by(node, "ref", "element")
            if declared is None:
                return _anything(node.get("ref").rpartition(":")[2])
        field = self._of_type(declared, declared.get("name"))
        return replace(
            field,
            required=required and minimum != "0" and declared.get("default") is None,
            nullable=declared.get("nillable") in ("true", "1"),
            many=field.many or maximum not in ("0", "1"),
            lone=not field.many,
            # What must have one value is nothing to be filled in by hand.
            choices=(declared.get("fixed"),) if declared.get("fixed") else field.choices,
            writable=maximum != "0",
            about=_about(node) or _about(declared) or field.about,
        )

    def _of_type(self, node: Any, name: str) -> Field:
        inline = node.find(XSD + "complexType")
        if inline is not None:
            return self._complex(name, "", inline)
        inline = node.find(XSD + "simpleType")
        if inline is not None:
            return _simple(name, facets_of(inline, self._declared.simple))
        if "type" not in node.attrib:
            return _anything(name)
        return self.typed(name, self._declared.qname(node, node.get("type")))

    def _complex(self, name: str, qname: str, node: Any) -> Field:
        listed = node.find(f"{XSD}complexContent/{XSD}restriction/{XSD}attribute[@{_ARRAY}]")
        if listed is not None:
            # An array of SOAP's own encoding: `t:line[]`.
            entry = listed.get(_ARRAY).partition("[")[0]
            return replace(self.typed(name, self._declared.qname(listed, entry)), many=True)
        content = node.find(XSD + "simpleContent")
        takes: frozenset[str] = frozenset()
        facets = Facets()
        if content is not None and len(content):
            facets = facets_of(content[-1], self._declared.simple)
            takes = facets.takes
        derived = bool(self._declared.derived.get(qname))
        return Field(
            name,
            qname.rpartition("}")[2] or "record",
            takes,
            facets.tolerated,
            lexical=True,
            longest=facets.longest,
            digits=facets.digits,
            choices=facets.choices,
            base=facets.base,
            about=_about(node),
            abstract=node.get("abstract") in ("true", "1"),
            type_name=qname,
            load=partial(self._members, node, facets if takes else None),
            load_types=partial(self._types, name, qname) if derived else None,
        )

    def _types(self, name: str, qname: str) -> Mapping[str, Field]:
        """The type itself and all that derive from it, each under every name it may go by."""
        concrete = [
            type_name for type_name in self._descent(qname) if not self._is_abstract(type_name)
        ]
        types: dict[str, Field] = {}
        for type_name in concrete:
            short = type_name.rpartition("}")[2]
            # A bare name is one that no other type of the WSDL has.
            names = [short] if self._declared.local_names[short] == 1 else []
            field = self._complex(name, type_name, self._declared.get("complexType", type_name))
            types |= dict.fromkeys([*names, type_name, *self._declared.prefixed(type_name)], field)
        return types

    def _descent(self, qname: str, depth: int = 0) -> Iterator[str]:
        yield qname
        for derived in self._declared.derived[qname] if depth < _DEEPEST else ():
            yield from self._descent(derived, depth + 1)

    def _is_abstract(self, qname: str) -> bool:
        return self._declared.get("complexType", qname).get("abstract") in ("true", "1")

    # --- members ----------------------------------------------------------------------------

    def _members(self, node: Any, text: Facets | None) -> Members:
        collected = _Collected()
        self._collect_type(node, collected, 0)
        fields = {field.name: field for field in collected.fields}
        if text is not None:
            fields["_value_1"] = replace(_simple("_value_1", text), role="text")
        return Members(fields, tuple(collected.alternatives))

    def _collect_type(self, node: Any, collected: _Collected, depth: int) -> None:
        """A type's own content, after what it inherits."""
        if depth > _DEEPEST:
            return
        for child in node:
            if child.tag in (XSD + "complexContent", XSD + "simpleContent") and len(child):
                self._collect_derived(child[-1], collected, depth)
            elif child.tag in _GROUPS:
                self._collect_group(child, collected, required=True, depth=depth)
        self._collect_attributes(node, collected, depth)

    def _collect_derived(self, node: Any, collected: _Collected, depth: int) -> None:
        base = self._declared.named_by(node, "base", "complexType")
        own = any(child.tag in _GROUPS for child in node)
        if base is not None and not (node.tag == XSD + "restriction" and own):
            self._collect_type(base, collected, depth + 1)
        elif base is not None:
            self._collect_attributes(base, collected, depth + 1)
        self._collect_type(node, collected, depth + 1)

    def _collect_group(
        self, node: Any, collected: _Collected, *, required: bool, depth: int
    ) -> None:
        if depth > _DEEPEST:
            return
        if node.tag == XSD + "group" and "ref" in node.attrib:
            self._collect_named_group(node, collected, required=required, depth=depth)
            return
        required = required and node.get("minOccurs", "1") != "0"
        if node.get("maxOccurs", "1") not in ("0", "1"):
            collected.add_repeated(partial(self._members_of_group, node), node)
            return
        if node.tag == XSD + "choice":
            self._collect_choice(node, collected, required=required, depth=depth)
            return
        for child in node:
            self._collect_particle(child, collected, required=required, depth=depth)

    def _collect_named_group(
        self, node: Any, collected: _Collected, *, required: bool, depth: int
    ) -> None:
        target = self._declared.named_by(node, "ref", "group")
        if target is None or target in collected.groups:
            return  # nobody has it, or it contains itself
        collected.groups.add(target)
        needed = required and node.get("minOccurs") != "0"
        for child in target:
            if child.tag in _GROUPS:
                self._collect_group(child, collected, required=needed, depth=depth + 1)
        collected.groups.discard(target)

    def _collect_choice(
        self, node: Any, collected: _Collected, *, required: bool, depth: int
    ) -> None:
        branches = []
        for child in node:
            before = len(collected.fields)
            self._collect_particle(child, collected, required=False, depth=depth)
            branches.append(tuple(field.name for field in collected.fields[before:]))
            required = required and child.get("minOccurs") != "0"
        if required:
            collected.alternatives.append(tuple(branch for branch in branches if branch))

    def _collect_particle(
        self, node: Any, collected: _Collected, *, required: bool, depth: int
    ) -> None:
        if node.tag == XSD + "element":
            field = self._element(node, required=required)
            collected.fields.append(field)
            collected.fields += self._instead(node, field)
        elif node.tag in _GROUPS:
            self._collect_group(node, collected, required=required, depth=depth + 1)
        elif node.tag == XSD + "any":
            collected.add_any(node)

    def _instead(self, node: Any, field: Field) -> list[Field]:
        """Elements that may stand for a referenced one."""
        head = self._declared.qname(node, node.get("ref", "")) if "ref" in node.attrib else ""
        elements = (self.element(element) for element in self._declared.substitutes.get(head, ()))
        return [
            replace(element, required=False, many=field.many) for element in elements if element
        ]

    def _members_of_group(self, node: Any) -> Members:
        collected = _Collected()
        if node.tag == XSD + "choice":
            self._collect_choice(node, collected, required=False, depth=0)
        else:
            for child in node:
                self._collect_particle(child, collected, required=True, depth=0)
        return Members(
            {field.name: field for field in collected.fields}, tuple(collected.alternatives)
        )

    def _collect_attributes(self, node: Any, collected: _Collected, depth: int) -> None:
        for child in node:
            if child.tag == XSD + "attribute" and child.get("use") != "prohibited":
                collected.add_attribute(self._attribute(child))
            elif child.tag == XSD + "attributeGroup" and depth <= _DEEPEST:
                target = self._declared.named_by(child, "ref", "attributeGroup")
                if target is not None and target not in collected.groups:
                    collected.groups.add(target)
                    self._collect_attributes(target, collected, depth + 1)

    def _attribute(self, node: Any) -> Field:
        declared = node
        if "ref" in node.attrib:
            declared = self._declared.named_by(node, "ref", "attribute")
            declared = node if declared is None else declared
        name = declared.get("name") or node.get("ref", "").rpartition(":")[2]
        field = self._of_type(declared, name)
        required = node.get("use") == "required"
        return replace(field, required=required, about=_about(node), role="attribute")


class _Collected:
    """What was found of a type's members so far."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.alternatives: list[tuple[tuple[str, ...], ...]] = []
        #: Named groups that are being read, and those of attributes that were.
        self.groups: set[Any] = set()
        self._unnamed = 0

    def next_name(self) -> str:
        """What zeep calls a member that has no name."""
        self._unnamed += 1
        return f"_value_{self._unnamed}"

    def add_repeated(self, load: Callable[[], Members], node: Any) -> None:
        """A group that repeats as a whole: a list of mappings."""
        needed = node.get("minOccurs", "1") != "0"
        kind = "choice" if node.tag == XSD + "choice" else "group"
        self.fields.append(
            Field(self.next_name(), kind, required=needed, many=True, role="rounds", load=load)
        )

    def add_any(self, node: Any) -> None:
        """Elements that the schema leaves open, written as `'{namespace}Name': …`."""
        many = node.get("maxOccurs", "1") not in ("0", "1")
        load = partial(Members, {}, open=True)
        self.fields.append(
            Field(self.next_name(), "any element", many=many, lone=many, role="any", load=load)
        )

    def add_attribute(self, field: Field) -> None:
        """An attribute, under the name that zeep gives it beside an element of the same name."""
        names = {present.name for present in self.fields}
        self.fields.append(
            replace(field, name=f"attr__{field.name}") if field.name in names else field
        )


def _simple(name: str, facets: Facets) -> Field:
    return Field(
        name,
        facets.kind,
        facets.takes,
        facets.tolerated,
        lexical=True,
        longest=facets.longest,
        digits=facets.digits,
        choices=facets.choices,
        base=facets.base,
    )


def _anything(name: str) -> Field:
    return _simple(name, builtin("anyType"))


def _is_known(name: str) -> bool:
    """Whether XML Schema has a simple type of that name."""
    return name in ("string", "token", "anyURI") or builtin(name).kind not in ("text", "anything")


def _about(node: Any) -> str:
    documentation = node.find(f"{XSD}annotation/{XSD}documentation")
    return "" if documentation is None else about("".join(documentation.itertext()))
