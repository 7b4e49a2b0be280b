"""Everything that a WSDL's schema documents declare, by name, as the XML that it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from lxml import etree

from adapters.soap.documents import joined
from adapters.soap.facets import XSD
from adapters.soap.imports import Imports

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_GLOBALS = ("element", "complexType", "simpleType", "group", "attributeGroup", "attribute")

#: Loads a document by its address: the outermost element.
Load = Callable[[str], Any]


def declarations_of(imports: Imports) -> Declarations:
    """All that a loaded WSDL consists of: zeep keeps none of the XML."""
    return Declarations(imports.location, imports.root)


class Declarations:
    """All schema documents that a WSDL holds, imports and includes."""

    def __init__(self, address: str, load: Load) -> None:
        self._load = load
        self._seen: set[tuple[str, str | None]] = set()
        #: Outermost element of each schema → the namespace that its names belong to.
        self._targets: dict[Any, str] = {}
        self._named: dict[tuple[str, str], Any] = {}
        #: Prefixes as the documents use them, of which a mapping's author knows the namespaces.
        self.prefixes: dict[str, str] = {}
        #: Complex type → those that extend or restrict it; element → those that may replace it.
        self.derived: dict[str, list[str]] = defaultdict(list)
        self.substitutes: dict[str, list[str]] = defaultdict(list)
        self.namespaces: set[str] = set()
        self.root = load(address)
        self._read_wsdl(self.root, address)
        self.local_names = Counter(
            qname.rpartition("}")[2] for kind, qname in self._named if kind == "complexType"
        )
        for (kind, qname), node in self._named.items():
            self._note_descent(kind, qname, node)

    def get(self, kind: str, qname: str) -> Any:
        """The element, complexType, group … of that name in Clark's notation, None for none."""
        return self._named.get((kind, qname if qname.startswith("{") else f"{{}}{qname}"))

    def named_by(self, node: Any, attribute: str, kind: str) -> Any:
        """The declaration whose name stands in an attribute of a node, None for none."""
        return self.get(kind, self.qname(node, node.get(attribute, ""), kind))

    def prefixed(self, qname: str) -> list[str]:
        """The name with each prefix that the documents have for its namespace."""
        namespace, _, local = qname[1:].rpartition("}")
        return [f"{key}:{local}" for key, value in self.prefixes.items() if value == namespace]

    def _read_wsdl(self, root: Any, address: str) -> None:
        if (address, None) in self._seen:
            return
        self._seen.add((address, None))
        self._note_prefixes(root)
        self.namespaces.add(root.get("targetNamespace", ""))
        for imported in root.iterfind(f"{_WSDL}import"):
            if "location" in imported.attrib:
                target = joined(address, imported.get("location"))
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
        self.namespaces.add(target)
        self._note_prefixes(root)
        for node in root:
            kind = etree.QName(node).localname
            if kind in _GLOBALS:
                self._named.setdefault((kind, f"{{{target}}}{node.get('name')}"), node)
            elif kind in ("import", "include", "redefine") and "schemaLocation" in node.attrib:
                further = joined(address, node.get("schemaLocation"))
                namespace = None if kind == "import" else target
                if (further, namespace or "") not in self._seen:
                    self._seen.add((further, namespace or ""))
                    self._read_any(self._load(further), further, namespace)

    def _note_prefixes(self, root: Any) -> None:
        """The WSDL's own count first, then those of the schemas in their order."""
        for prefix, namespace in root.nsmap.items():
            if prefix:
                self.prefixes.setdefault(prefix, namespace)

    def _note_descent(self, kind: str, qname: str, node: Any) -> None:
        if kind == "element" and "substitutionGroup" in node.attrib:
            self.substitutes[self.qname(node, node.get("substitutionGroup"))].append(qname)
        if kind == "complexType":
            content = node.find(XSD + "complexContent")
            if content is not None and len(content):
                base = self.qname(content[-1], content[-1].get("base", ""))
                self.derived[base].append(qname)

    def qname(self, node: Any, name: str, kind: str = "") -> str:
        """The name in Clark's notation, as seen from a node.

        Without prefix it is of the schema's own namespace, or of none where only that has it.
        """
        prefix, colon, local = name.strip().rpartition(":")
        namespace = node.nsmap.get(prefix if colon else None)
        if namespace is None and not colon:
            root = next((ancestor for ancestor in node.iterancestors(XSD + "schema")), node)
            namespace = self._targets.get(root, "")
            if kind and (kind, f"{{{namespace}}}{local}") not in self._named:
                namespace = "" if (kind, f"{{}}{local}") in self._named else namespace
        return f"{{{namespace or ''}}}{local}"

    def simple(self, node: Any, name: str) -> Any:
        qname = self.qname(node, name)
        if qname.startswith(XSD):
            return qname.removeprefix(XSD)
        declared = self._named.get(("simpleType", qname))
        if declared is not None:
            return declared
        # A simpleContent may extend another one.
        complex_type = self._named.get(("complexType", qname))
        content = None if complex_type is None else complex_type.find(XSD + "simpleContent")
        return content[-1] if content is not None and len(content) else None
