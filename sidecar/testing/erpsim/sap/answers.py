"""How a list and a document are written, whichever service they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.testing.erpsim.sap.entities import Entity
from sidecar.testing.erpsim.sap.errors import MALFORMED, SapError
from sidecar.testing.erpsim.sap.face import Asked, Told
from sidecar.testing.erpsim.sap.queries import Query
from sidecar.testing.erpsim.sap.values import shown
from sidecar.testing.erpsim.wire import Request

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def sent(request: Request) -> Any:
    """What a request brings, out of the shell that OData 2 allows.  Raises SapError."""
    try:
        body = _decode(request.body)
    except msgspec.MsgspecError as malformed:
        raise SapError(400, MALFORMED, f"Malformed request body: {malformed}") from malformed
    return body["d"] if isinstance(body, dict) and set(body) == {"d"} else body


def listed(rows: Sequence[Any], following: int | None, asked: Asked, version: int) -> Told:
    """One page of rows; `following` is the number of the next."""
    link = None if following is None else _next_link(asked, following, version)
    if version == 4:
        return Told(200, {"value": rows, **({"@odata.nextLink": link} if link else {})})
    return Told(200, {"d": {"results": rows, **({"__next": link} if link else {})}})


def row_of(entity: Entity, values: Mapping[str, Any], asked: Asked, query: Query) -> dict[str, Any]:
    """One row of a list of OData 2, with the properties that were asked for."""
    return selected(shown(entity, values, 2, asked.root, query.expand), query)


def selected(row: dict[str, Any], query: Query, always: str = "") -> dict[str, Any]:
    """The properties that were asked for."""
    if not query.select:
        return row
    wanted = {*query.select, *query.expand, "__metadata", always}
    return {name: value for name, value in row.items() if name in wanted}


def _next_link(asked: Asked, page: int, version: int) -> str:
    """OData 2 names the host that the ERP believes to have."""
    others = [
        part
        for part in asked.request.target.partition("?")[2].split("&")
        if part and not part.startswith(("$skiptoken=", "%24skiptoken="))
    ]
    link = f"{asked.path.removeprefix('/')}?{'&'.join([*others, f'$skiptoken={page}'])}"
    return link if version == 4 else f"https://erp.internal:44300{asked.root}/{link}"
