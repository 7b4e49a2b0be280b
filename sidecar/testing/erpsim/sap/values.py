"""Values as OData writes them, read as strictly as SAP reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sidecar.testing.erpsim.sap.entities import Entity, Kind, Property
from sidecar.testing.erpsim.sap.errors import MALFORMED, SapError, invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")
_SHELLS = frozenset({"results"})


def read_entity(
    entity: Entity, sent: Any, version: int, *, changing: bool = False
) -> dict[str, Any]:
    """What was sent, by its names: amounts as Decimal, days and moments as such, lists as lists.

    `changing`: a change, which may name a property that is given by SAP no more than a creation
    may.  Raises SapError as the gateway does.
    """
    if not isinstance(sent, Mapping):
        raise SapError(400, MALFORMED, "Malformed request: an object was expected")
    read: dict[str, Any] = {}
    for name, value in sent.items():
        if name == "__metadata" or "@odata." in name:
            continue
        if name in entity.lists:
            read[name] = _list(entity.lists[name], value, version, name)
        elif name in entity.singles:
            read[name] = read_entity(entity.singles[name], value, version)
        elif name in entity.properties:
            read[name] = _value(entity.properties[name], value, version, name)
        else:
            raise SapError(
                400, MALFORMED, f"Property '{name}' is invalid in type '{entity.name}'", name
            )
    if changing and any(key in read for key in entity.key):
        raise SapError(400, MALFORMED, "A key cannot be changed", entity.key[0])
    return read


def _list(entity: Entity, sent: Any, version: int, name: str) -> list[dict[str, Any]]:
    entries = sent["results"] if isinstance(sent, Mapping) and set(sent) == _SHELLS else sent
    if not isinstance(entries, list) or (version == 4 and entries is not sent):
        raise invalid(name)
    return [read_entity(entity, entry, version) for entry in entries]


def _value(kept: Property, value: Any, version: int, name: str) -> Any:
    if value is None:
        return None
    if kept.given and value != "":
        raise SapError(400, MALFORMED, f"Property '{name}' cannot be written", name)
    match kept.kind:
        case Kind.TEXT if isinstance(value, str) and len(value) <= kept.size:
            return value
        case Kind.AMOUNT:
            return _amount(kept, value, version, name)
        case Kind.DAY:
            return _day(value, version, name)
        case Kind.TRUTH if isinstance(value, bool):
            return value
    raise invalid(name)


def _amount(kept: Property, value: Any, version: int, name: str) -> Decimal:
    """A text in OData 2; a number, or a text, in OData 4.  A truth value is a number to Python."""
    is_fit = isinstance(value, str) or (version == 4 and type(value) in (int, Decimal))
    if not is_fit:
        raise invalid(name)
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise invalid(name) from None
    if not amount.is_finite() or amount != round(amount, kept.size):
        raise invalid(name)
    return amount


def _day(value: Any, version: int, name: str) -> date:
    if isinstance(value, str):
        if version == 4:
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise invalid(name) from None
        if match := _DATE.fullmatch(value):
            moment = _EPOCH + timedelta(milliseconds=int(match[1]))
            if moment.time() == datetime.min.time():
                return moment.date()
    raise invalid(name)


# --- writing --------------------------------------------------------------------------------


def shown(
    entity: Entity, values: Mapping[str, Any], version: int, root: str, expand: Sequence[str]
) -> dict[str, Any]:
    """The entity as its version writes it; `root` is the address of its service.

    A list that is not in `expand` is a link in OData 2 and nothing in OData 4.
    """
    row = {
        name: _written(kept, values.get(name), version)
        for name, kept in entity.properties.items()
        if name in values or kept.kind is Kind.TEXT
    }
    for name, of in entity.lists.items():
        if name in expand and name in values:
            entries = [shown(of, entry, version, root, expand) for entry in values[name]]
            row[name] = entries if version == 4 else {"results": entries}
        elif version == 2:
            row[name] = {"__deferred": {"uri": f"{_uri(entity, values, root)}/{name}"}}
    if version == 4:
        return row
    etag = {"etag": values["@etag"]} if "@etag" in values else {}
    uri = _uri(entity, values, root)
    return {"__metadata": {"id": uri, "uri": uri, "type": f"{entity.name}Type", **etag}, **row}


def _uri(entity: Entity, values: Mapping[str, Any], root: str) -> str:
    keys = [f"{name}='{values.get(name, '')}'" for name in entity.key]
    single = keys[0].partition("=")[2]
    return f"{root}/{entity.name}({single if len(keys) == 1 else ','.join(keys)})"


def _written(kept: Property, value: Any, version: int) -> Any:
    match kept.kind:
        case Kind.TEXT:
            return "" if value is None else value
        case Kind.AMOUNT if value is not None:
            return f"{value.normalize():f}" if version == 2 else value
        case Kind.DAY | Kind.MOMENT if value is not None:
            return _written_time(value, version)
        case _:
            return value


def _written_time(value: date | datetime, version: int) -> str:
    if isinstance(value, datetime):
        if version == 4:
            return moment(value)
        return f"/Date({(value - _EPOCH) // timedelta(milliseconds=1)}+0000)/"
    if version == 4:
        return value.isoformat()
    midnight = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return f"/Date({(midnight - _EPOCH) // timedelta(milliseconds=1)})/"


def moment(value: datetime) -> str:
    """With seven places, as SAP keeps it."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
