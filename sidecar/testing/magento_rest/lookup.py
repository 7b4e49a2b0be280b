"""Reading by API: one by its id, and a search; alike for every kind of document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_rest.route import Call
from sidecar.testing.magento_rest.rows import one
from sidecar.testing.magento_rest.search import criteria_of, search
from sidecar.testing.magento_rest.values import Json

#: Rows of a table as Magento shows them.
Show = Callable[[Session, Sequence[Row]], list[Json]]


def by_id(table: str, show: Show) -> Callable[[Call], Json]:
    """`orders/:id`."""

    def get(call: Call) -> Json:
        session = call.shop.session
        return show(session, [one(session, table, "entity_id", call.number("id"))])[0]

    return get


def by_search(table: str, show: Show) -> Callable[[Call], Json]:
    """`orders?searchCriteria…`."""

    def find(call: Call) -> Json:
        session, criteria = call.shop.session, criteria_of(call)
        return search(session, table, "entity_id", criteria, lambda rows: show(session, rows))

    return find
