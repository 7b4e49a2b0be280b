"""What a WSDL imports, directly and indirectly, in the form that zeep understands.

zeep refuses documents that other tools write and take: .NET imports a schema without a namespace by
its place alone, and many an import names another namespace than its document has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters.contract.xml import parse_xml
from adapters.soap.documents import Documents, absolute, joined
from adapters.soap.facets import XSD
from sidecar.model.errors import ConfigurationError

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_REFERENCES = (f"{XSD}import", f"{XSD}include", f"{XSD}redefine")
_DEEPEST = 20


class Imports:
    """Documents for zeep, which asks for each by its absolute place.

    Raises ConfigurationError for what may not be imported, before zeep sees any of it.
    """

    def __init__(self, location: str, documents: Documents) -> None:
        self._documents = documents
        self._roots: dict[str, Any] = {}
        self._changed: set[str] = set()
        self._without_namespace: dict[str, None] = {}
        self.location = self._main = absolute(location)
        self._gather()
        for place, root in self._roots.items():
            for node, target in _references(root, place):
                self._tidy(place, node, target)
        self._declare_at_the_top()

    def load(self, place: str) -> bytes:
        """The document's bytes."""
        if absolute(place) in self._changed:
            return bytes(etree.tostring(self.root(place), encoding="utf-8", xml_declaration=True))
        return self._documents.load(place)

    def root(self, place: str) -> Any:
        """The document's outermost element."""
        root = self._roots.get(absolute(place))
        # The encoding's own schema is asked for by its namespace where nobody imports it.
        return parse_xml(self._documents.load(place), place) if root is None else root

    def _gather(self) -> None:
        waiting = deque([(self._main, 0)])
        while waiting:
            place, depth = waiting.popleft()
            if place in self._roots:
                continue
            if depth > _DEEPEST:
                raise ConfigurationError(
                    f"{self._main}: its imports are nested too deeply: more than {_DEEPEST} levels",
                    "is it a WSDL that somebody sent to do harm?",
                )
            root = self._roots[place] = parse_xml(self._documents.load(place), place)
            waiting.extend((target, depth + 1) for _, target in _references(root, place))

    def _tidy(self, place: str, node: Any, target: str) -> None:
        if node.tag != f"{XSD}import":
            return
        actual = self._roots[target].get("targetNamespace")
        if actual and actual != node.get("namespace"):
            self._changed.add(place)
            # A namespace that is not the document's declares nothing: its names are not there.
            node.set("namespace", actual)
        elif not actual and not node.get("namespace"):
            self._changed |= {place, self._main}
            # An import without namespace and place: names without prefix may have no namespace.
            del node.attrib["schemaLocation"]
            self._without_namespace[target] = None

    def _declare_at_the_top(self) -> None:
        """Schemas without a namespace, which zeep would give that of the schema that imports."""
        main = self._roots[self._main]
        types = main.find(f"{_WSDL}types")
        for target in self._without_namespace:
            if types is None:
                types = etree.SubElement(main, f"{_WSDL}types")
            schema = etree.SubElement(types, f"{XSD}schema")
            etree.SubElement(schema, f"{XSD}include", schemaLocation=target)


def _references(root: Any, place: str) -> Iterator[tuple[Any, str]]:
    """Each import and include of a document with the place that it names."""
    for node in root.iterfind(f"{_WSDL}import[@location]"):
        if node.get("location"):
            yield node, joined(place, node.get("location"))
    schemas = [root] if root.tag == f"{XSD}schema" else root.iterfind(f"{_WSDL}types/{XSD}schema")
    for schema in schemas:
        for node in schema:
            if node.tag in _REFERENCES and node.get("schemaLocation"):
                yield node, joined(place, node.get("schemaLocation"))
