"""The schema documents of a WSDL as field trees, read from their XML.

zeep reads them too, for writing and reading messages, but forgets what a mapping must be checked
against: lengths, words, digits, which types are abstract and which derive from them, and the
documentation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from adapters.contract.field import ANY_VALUE, Field, Members
from adapters.contract.xml import about
from adapters.soap.facets import XSD, Facets, facets_named, facets_of

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_GLOBALS = ("element", "complexType", "simpleType", "group", "attributeGroup", "attribute")
_GROUPS = (XSD + "sequence", XSD + "choice", XSD + "all", XSD + "group")
_DEEPEST = 50

#: Loads a document by its address: the outermost element.
Load = Callable[[str], Any]


class Schemas:
    """All schema documents that a WSDL holds, imports and includes."""

    def __init__(self, address: str, load: Load) -> None:
        self._load = load
        self._seen: set[tuple[str, str | None]] = set()
        #: Outermost element of each schema → the namespace that its names belong to.
        self._targets: dict[Any, str] = {}
        self._named: dict[tuple[str, str], Any] = {}
        self._prefixes: dict[str, str] = {}
        self._derived: dict[str, list[str]] = defaultdict(list)
        self._substitutes: dict[str, list[str]] = defaultdict(list)
        self._read_wsdl(load(address), address)
        self._local_names = Counter(
            qname.rpartition("}")[2] for kind, qname in self._named if kind == "complexType"
        )
        for (kind, qname), node in self._named.items():
            self._note_descent(kind, qname, node)

    # --- fields -----------------------------------------------------------------------------

    def element(self, qname: str) -> Field | None:
        """A global element by its name in Clark's notation."""
        node = self._named.get(("element", qname))
        return None if node is None else self._element(node)

    def typed(self, name: str, qname: str) -> Field:
        """A field of a named type (a part of an RPC message)."""
        if qname.startswith(XSD):
            return _simple(name, facets_named(None, qname, lambda _, one: one.removeprefix(XSD)))
        node = self._named.get(("complexType", qname))
        if node is not None:
            return self._complex(name, qname, node)
        node = self._named.get(("simpleType", qname))
        return _simple(name, Facets() if node is None else facets_of(node, self._simple_named))

    def _element(self, node: Any, *, required: bool = True) -> Field:
        minimum, maximum = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
        declared = node
        if "ref" in node.attrib:
            declared = self._named.get(("element", self._qname(node, node.get("ref"))))
            if declared is None:
                return Field(node.get("ref").rpartition(":")[2], "anything", ANY_VALUE)
        field = self._of_type(declared, declared.get("name"))
        return replace(
            field,
            required=required and minimum != "0" and declared.get("default") is None,
            nullable=declared.get("nillable") in ("true", "1"),
            many=maximum not in ("0", "1"),
            lone=True,
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
            return _simple(name, facets_of(inline, self._simple_named))
        if "type" not in node.attrib:
            return Field(name, "anything", ANY_VALUE)
        return self.typed(name, self._qname(node, node.get("type")))

    def _complex(self, name: str, qname: str, node: Any) -> Field:
        content = node.find(XSD + "simpleContent")
        takes: frozenset[str] = frozenset()
        facets = Facets()
        if content is not None and len(content):
            facets = facets_of(content[-1], self._simple_named)
            takes = facets.takes
        derived = bool(self._derived.get(qname))
        return Field(
            name,
            qname.rpartition("}")[2] or "record",
            takes,
            facets.tolerated,
            lexical=True,
            longest=facets.longest,
            digits=facets.digits,
            choices=facets.choices,
            about=_about(node),
            abstract=node.get("abstract") in ("true", "1"),
            load=partial(self._members, node, facets if takes else None),
            load_types=partial(self._types, name, qname) if derived else None,
        )

    def _types(self, name: str, qname: str) -> Mapping[str, Field]:
        """The type itself and all that derive from it, each under every name it may go by."""
        found = [one for one in self._descent(qname) if not self._is_abstract(one)]
        types: dict[str, Field] = {}
        for one in found:
            short = one.rpartition("}")[2]
            # A bare name is one that no other type of the WSDL has.
            names = [short] if self._local_names[short] == 1 else []
            field = self._complex(name, one, self._named["complexType", one])
            types |= dict.fromkeys([*names, one, *self._prefixed(one)], field)
        return types

    def _prefixed(self, qname: str) -> list[str]:
        namespace, _, local = qname[1:].rpartition("}")
        return [f"{key}:{local}" for key, value in self._prefixes.items() if value == namespace]

    def _descent(self, qname: str, depth: int = 0) -> Iterator[str]:
        yield qname
        for one in self._derived[qname] if depth < _DEEPEST else ():
            yield from self._descent(one, depth + 1)

    def _is_abstract(self, qname: str) -> bool:
        return self._named["complexType", qname].get("abstract") in ("true", "1")

    # --- members ----------------------------------------------------------------------------

    def _members(self, node: Any, text: Facets | None) -> Members:
        collected = _Collected()
        self._collect_type(node, collected, 0)
        fields = {field.name: field for field in collected.fields}
        if text is not None:
            fields["_value_1"] = _simple("_value_1", text)
        return Members(fields, tuple(collected.alternatives))

    def _collect_type(self, node: Any, found: _Collected, depth: int) -> None:
        """A type's own content, after what it inherits."""
        if depth > _DEEPEST:
            return
        for child in node:
            if child.tag in (XSD + "complexContent", XSD + "simpleContent") and len(child):
                self._collect_derived(child[-1], found, depth)
            elif child.tag in _GROUPS:
                self._collect_group(child, found, required=True, depth=depth)
        self._collect_attributes(node, found, depth)

    def _collect_derived(self, node: Any, found: _Collected, depth: int) -> None:
        base = self._named.get(("complexType", self._qname(node, node.get("base", ""))))
        own = any(child.tag in _GROUPS for child in node)
        if base is not None and not (node.tag == XSD + "restriction" and own):
            self._collect_type(base, found, depth + 1)
        elif base is not None:
            self._collect_attributes(base, found, depth + 1)
        self._collect_type(node, found, depth + 1)

    def _collect_group(self, node: Any, found: _Collected, *, required: bool, depth: int) -> None:
        if depth > _DEEPEST:
            return
        if node.tag == XSD + "group" and "ref" in node.attrib:
            target = self._named.get(("group", self._qname(node, node.get("ref"))))
            needed = required and node.get("minOccurs") != "0"
            for child in () if target is None else target:
                if child.tag in _GROUPS:
                    self._collect_group(child, found, required=needed, depth=depth + 1)
            return
        required = required and node.get("minOccurs", "1") != "0"
        if node.get("maxOccurs", "1") not in ("0", "1"):
            found.add_repeated(partial(self._members_of_group, node), node)
            return
        if node.tag == XSD + "choice":
            self._collect_choice(node, found, required=required, depth=depth)
            return
        for child in node:
            self._collect_particle(child, found, required=required, depth=depth)

    def _collect_choice(self, node: Any, found: _Collected, *, required: bool, depth: int) -> None:
        branches = []
        for child in node:
            before = len(found.fields)
            self._collect_particle(child, found, required=False, depth=depth)
            branches.append(tuple(field.name for field in found.fields[before:]))
            required = required and child.get("minOccurs") != "0"
        if required:
            found.alternatives.append(tuple(branch for branch in branches if branch))

    def _collect_particle(
        self, node: Any, found: _Collected, *, required: bool, depth: int
    ) -> None:
        if node.tag == XSD + "element":
            field = self._element(node, required=required)
            found.fields.append(field)
            found.fields += self._instead(node, field)
        elif node.tag in _GROUPS:
            self._collect_group(node, found, required=required, depth=depth + 1)
        elif node.tag == XSD + "any":
            found.fields.append(
                Field(found.next_name(), "anything", ANY_VALUE, many=True, lone=True)
            )

    def _instead(self, node: Any, field: Field) -> list[Field]:
        """Elements that may stand for a referenced one."""
        head = self._qname(node, node.get("ref", "")) if "ref" in node.attrib else ""
        found = (self.element(one) for one in self._substitutes.get(head, ()))
        return [replace(one, required=False, many=field.many) for one in found if one]

    def _members_of_group(self, node: Any) -> Members:
        found = _Collected()
        if node.tag == XSD + "choice":
            self._collect_choice(node, found, required=False, depth=0)
        else:
            for child in node:
                self._collect_particle(child, found, required=True, depth=0)
        return Members({field.name: field for field in found.fields}, tuple(found.alternatives))

    def _collect_attributes(self, node: Any, found: _Collected, depth: int) -> None:
        for child in node:
            if child.tag == XSD + "attribute" and child.get("use") != "prohibited":
                found.add_attribute(self._attribute(child))
            elif child.tag == XSD + "attributeGroup" and depth <= _DEEPEST:
                target = self._named.get(
                    ("attributeGroup", self._qname(child, child.get("ref", "")))
                )
                if target is not None:
                    self._collect_attributes(target, found, depth + 1)

    def _attribute(self, node: Any) -> Field:
        declared = node
        if "ref" in node.attrib:
            declared = self._named.get(("attribute", self._qname(node, node.get("ref"))), node)
        name = declared.get("name") or node.get("ref", "").rpartition(":")[2]
        field = self._of_type(declared, name)
        return replace(field, required=node.get("use") == "required", about=_about(node))

    # --- documents --------------------------------------------------------------------------

    def _read_wsdl(self, root: Any, address: str) -> None:
        if (address, None) in self._seen:
            return
        self._seen.add((address, None))
        self._prefixes = {key: value for key, value in root.nsmap.items() if key} | self._prefixes
        for imported in root.iterfind(f"{_WSDL}import"):
            if "location" in imported.attrib:
                target = urljoin(address, imported.get("location"))
                self._read_any(self._load(target), target, None)
        for schema in root.iterfind(f"{_WSDL}types/{XSD}schema"):
            self._read_schema(schema, address, None)

    def _read_any(self, root: Any, address: str, namespace: str | None) -> None:
        if root.tag == XSD + "schema":
            self._read_schema(root, address, namespace)
        else:
            self._read_wsdl(root, address)

    def _read_schema(self, root: Any, address: str, including: str | None) -> None:
        """`including`: the namespace of the schema that includes this one, which has none."""
        target = root.get("targetNamespace") or including or ""
        self._targets[root] = target
        self._prefixes |= {
            key: value for key, value in root.nsmap.items() if key and key not in self._prefixes
        }
        for node in root:
            kind = etree.QName(node).localname
            if kind in _GLOBALS:
                self._named.setdefault((kind, f"{{{target}}}{node.get('name')}"), node)
            elif kind in ("import", "include", "redefine") and "schemaLocation" in node.attrib:
                further = urljoin(address, node.get("schemaLocation"))
                namespace = None if kind == "import" else target
                if (further, namespace or "") not in self._seen:
                    self._seen.add((further, namespace or ""))
                    self._read_any(self._load(further), further, namespace)

    def _note_descent(self, kind: str, qname: str, node: Any) -> None:
        if kind == "element" and "substitutionGroup" in node.attrib:
            self._substitutes[self._qname(node, node.get("substitutionGroup"))].append(qname)
        if kind == "complexType":
            content = node.find(XSD + "complexContent")
            if content is not None and len(content):
                base = self._qname(content[-1], content[-1].get("base", ""))
                self._derived[base].append(qname)

    # --- names ------------------------------------------------------------------------------

    def _qname(self, node: Any, name: str) -> str:
        prefix, colon, local = name.strip().rpartition(":")
        namespace = node.nsmap.get(prefix if colon else None)
        if namespace is None and not colon:
            root = next((one for one in node.iterancestors(XSD + "schema")), node)
            namespace = self._targets.get(root, "")
        return f"{{{namespace or ''}}}{local}"

    def _simple_named(self, node: Any, name: str) -> Any:
        qname = self._qname(node, name)
        if qname.startswith(XSD):
            return qname.removeprefix(XSD)
        found = self._named.get(("simpleType", qname))
        if found is not None:
            return found
        # A simpleContent may extend another one.
        complex_type = self._named.get(("complexType", qname))
        content = None if complex_type is None else complex_type.find(XSD + "simpleContent")
        return content[-1] if content is not None and len(content) else None


class _Collected:
    """What was found of a type's members so far."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.alternatives: list[tuple[tuple[str, ...], ...]] = []
        self._unnamed = 0

    def next_name(self) -> str:
        """What zeep calls a member that has no name."""
        self._unnamed += 1
        return f"_value_{self._unnamed}"

    def add_repeated(self, load: Callable[[], Members], node: Any) -> None:
        """A group that repeats as a whole: a list of mappings."""
        needed = node.get("minOccurs", "1") != "0"
        self.fields.append(Field(self.next_name(), "group", required=needed, many=True, load=load))

    def add_attribute(self, field: Field) -> None:
        """An attribute, under the name that zeep gives it beside an element of the same name."""
        names = {one.name for one in self.fields}
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
    )


def _about(node: Any) -> str:
    found = node.find(f"{XSD}annotation/{XSD}documentation")
    return "" if found is None else about("".join(found.itertext()))
