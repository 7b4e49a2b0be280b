"""What the ERP says of levels (quantities, prices), compared with Magento and not written."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sidecar.model.errors import ConfigurationError
from sidecar.ports import ErpAdapter, Telling


def all_told(adapter: ErpAdapter, domain: str) -> Iterator[msgspec.Struct]:
    """All that the ERP has of a domain, asked for page by page as it is pulled.

    Raises ConfigurationError where it cannot be asked for everything; as `ErpAdapter.list` else.
    """
    if not isinstance(adapter, Telling) or not adapter.capabilities(domain).tells_all:
        raise ConfigurationError(
            f"the ERP cannot be asked for all that it has of {domain}",
            f"write {domain}: list: … into the file of calls (docs/mapping.md)",
        )
    return _pages(adapter, domain)


def _pages(adapter: Telling, domain: str) -> Iterator[msgspec.Struct]:
    page: str | int | None = None
    while True:
        told = adapter.changes(domain, None, page)
        yield from told.rows
        if told.next is None:
            return
        page = told.next
