"""An OpenAPI, an EDMX or an Odoo file as the sidecar asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Description
from adapters.contract.xml import file_content, parse_xml
from adapters.http.body import Malformed, decode_json
from adapters.rest.edmx import EdmxDescription
from adapters.rest.odoo_doc import OdooDescription, is_odoo
from adapters.rest.openapi import OpenApiDescription
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, Contract

_BOM = b"\xef\xbb\xbf"
_EDMX = ("Edmx", "DataServices")


def open_contract(source: str, _settings: AdapterSettings | None) -> Contract | None:
    """See `sidecar.ports.Contract`: an OpenAPI document (JSON or YAML), an OData $metadata, or what
    Odoo tells of its models."""
    if source.startswith(("http://", "https://")):
        # An ERP's $metadata wants a login, and what stands elsewhere another one: files only.
        return None
    path = Path(source)
    description = _description(file_content(source).removeprefix(_BOM), path)
    return None if description is None else DescribedContract(description, path.name)


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
