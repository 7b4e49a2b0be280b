"""What the ERP tells of a domain by itself, asked for and shown; nothing is kept or applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError
from sidecar.ports import ErpAdapter, Preview, PreviewingNews, Telling, UnreadableRow


@dataclass(frozen=True, slots=True)
class ShownNews:
    """The first rows; `more`: the ERP had further ones to tell."""

    domain: str
    since: datetime | None
    rows: tuple[Mapping[str, Any], ...]
    unreadable: tuple[UnreadableRow, ...]
    more: bool


def ask_for_news(
    adapter: ErpAdapter, spec: DomainSpec, since: datetime | None, most: int
) -> ShownNews:
    """At most so many rows, page by page; `since` None: of all that the ERP has.

    Raises UsageError where this ERP cannot be asked so, and what `Telling.changes` raises.
    """
    _require(adapter, spec, since)
    if not isinstance(adapter, Telling):
        raise UsageError(f"this adapter does not tell of {spec.name}")
    rows: list[Mapping[str, Any]] = []
    unreadable: list[UnreadableRow] = []
    page = adapter.changes(spec.name, since)
    while True:
        rows += [_told(row) for row in page.rows]
        unreadable += page.unreadable
        # Pages may have no end: what is shown has one.
        if page.next is None or len(rows) + len(unreadable) >= most:
            break
        page = adapter.changes(spec.name, since, page.next)
    more = page.next is not None or len(rows) > most
    return ShownNews(spec.name, since, tuple(rows[:most]), tuple(unreadable[:most]), more)


def preview_of_news(adapter: ErpAdapter, spec: DomainSpec, since: datetime | None) -> Preview:
    """The first call that would be made, and is not; as `ask_for_news`."""
    _require(adapter, spec, since)
    if not isinstance(adapter, PreviewingNews):
        raise UsageError("this adapter cannot show its calls without making them")
    return adapter.preview_changes(spec.name, since)


def _require(adapter: ErpAdapter, spec: DomainSpec, since: datetime | None) -> None:
    can = adapter.capabilities(spec.name)
    if can.tells_all if since is None else can.tells_changes:
        return
    call = "list (of rows, docs/news)" if since is None else "changes"
    raise UsageError(
        f"this ERP cannot be asked for {spec.name} so",
        f"write {spec.name}: {call} into the file of calls (docs/mapping.md)",
    )


def _told(row: msgspec.Struct) -> Mapping[str, Any]:
    """By field; what the file of calls does not map is not among them."""
    fields = msgspec.structs.asdict(row)
    return {name: value for name, value in fields.items() if value is not msgspec.UNSET}
