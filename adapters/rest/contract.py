"""An OpenAPI, an EDMX or an Odoo document as the sidecar asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Description
from adapters.contract.xml import file_content, parse_xml
from adapters.http.body import Malformed, decode_json
from adapters.http.transport import NotSent, Request, Transport, Unanswered
from adapters.rest.edmx import EdmxDescription
from adapters.rest.odoo_doc import OdooDescription, is_odoo
from adapters.rest.openapi import OpenApiDescription
from sidecar.model.errors import ConfigurationError, Unavailable
from sidecar.ports import AdapterSettings, Contract, ShopContext

_BOM = b"\xef\xbb\xbf"
_EDMX = ("Edmx", "DataServices")
_WANTED = "application/xml, application/json, application/yaml, */*;q=0.5"


def open_contract(source: str, settings: AdapterSettings | None) -> Contract | None:
    """See `sidecar.ports.Contract`: an OpenAPI document (JSON or YAML), an OData $metadata, or what
    Odoo tells of its models."""
    if source.startswith(("http://", "https://")):
        if "wsdl" in source.lower():
            # The reader of WSDLs fetches it, with all that it imports.
            return None
        content, name = _fetched(source, settings), urlsplit(source).path
    else:
        content, name = file_content(source), Path(source).name
    description = _description(content.removeprefix(_BOM), Path(source))
    return None if description is None else DescribedContract(description, name)


def _fetched(address: str, settings: AdapterSettings | None) -> bytes:
    """The document at an address, with the ERP account's login where there is one."""
    remedy = "is the address right, does the ERP run? Or save the document to a file"
    reached = settings or AdapterSettings("", 10.0, 60.0, ShopContext("", UTC), domains=())
    with closing(Transport(reached)) as transport:
        try:
            reply = transport.send(Request("GET", address, headers={"Accept": _WANTED}, asks=True))
        except (NotSent, Unanswered) as error:
            raise Unavailable(error.message, remedy) from error
    if reply.status in (401, 403):
        remedy = (
            "an address is fetched with the login of the ERP account (erp, erps) that stands at "
            "the same scheme, host and port; or save the document to a file"
        )
    if reply.status != 200:
        raise ConfigurationError(f"GET {address}: HTTP {reply.status}", remedy)
    return reply.content


def _description(content: bytes, path: Path) -> Description | None:
    if content.lstrip().startswith(b"<"):
        root = parse_xml(content, str(path))
        return EdmxDescription(root) if root.tag.rpartition("}")[2] in _EDMX else None
    document = _document(content, str(path))
    if is_odoo(document):
        return OdooDescription(document, path.parent)
    is_openapi = isinstance(document, Mapping) and {"openapi", "swagger"} & set(document)
    return OpenApiDescription(document) if is_openapi else None


def _document(content: bytes, name: str) -> Any:
    try:
        if content.lstrip().startswith(b"{"):
            return decode_json(content)
        # Safe: plain values only, no tag makes an object.
        return YAML(typ="safe", pure=True).load(content.decode())
    except (Malformed, YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigurationError(f"{name}: is neither JSON nor YAML: {reason}") from error
