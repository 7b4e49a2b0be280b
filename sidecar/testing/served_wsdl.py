"""A WSDL and the schemas it imports, as a server hands them out: with its own address in them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_XSD = "http://www.w3.org/2001/XMLSchema"
_ADDRESSES = (
    "{http://schemas.xmlsoap.org/wsdl/soap/}address",
    "{http://schemas.xmlsoap.org/wsdl/soap12/}address",
)
_REFERENCES = {
    f"{{{_WSDL}}}import": "location",
    f"{{{_XSD}}}import": "schemaLocation",
    f"{{{_XSD}}}include": "schemaLocation",
    f"{{{_XSD}}}redefine": "schemaLocation",
}


class ServedWsdl:
    """Answers `?wsdl` with the WSDL and `?xsd=N` with the Nth document that it leads to.

    Only what the WSDL leads to is handed out, wherever it lies; references to other servers stay.
    """

    def __init__(self, path: Path) -> None:
        self._paths = [path.resolve()]
        self._roots: list[Any] = []
        while len(self._roots) < len(self._paths):
            self._roots.append(self._read(self._paths[len(self._roots)]))

    def document(self, query: Mapping[str, str], address: Callable[[str], str]) -> bytes | None:
        """What the query asks for; `address` gives the URL of a port.  None: nothing is."""
        asked = {name.lower(): value for name, value in query.items()}
        number = "0" if "wsdl" in asked else asked.get("xsd", "")
        if not number.isdecimal() or int(number) >= len(self._roots):
            return None
        root = copy.deepcopy(self._roots[int(number)])
        for node in root.iter(*_ADDRESSES):
            node.set("location", address(node.getparent().get("name")))
        return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))

    def _read(self, path: Path) -> Any:
        """The document with its references turned into ones that this server answers."""
        parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        root = etree.parse(str(path), parser).getroot()
        for node in root.iter(*_REFERENCES):
            attribute = _REFERENCES[node.tag]
            reference = node.get(attribute)
            if reference and not urlsplit(reference).scheme:
                node.set(attribute, f"?xsd={self._number((path.parent / reference).resolve())}")
        return root

    def _number(self, path: Path) -> int:
        if path not in self._paths:
            self._paths.append(path)
        return self._paths.index(path)
