"""The orders domain, opened beside a shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sidecar.domains.orders.acknowledge import OrderAcknowledger, Rules
from sidecar.domains.orders.answered import AnsweredOrders
from sidecar.domains.orders.examiner import OrderExaminer
from sidecar.domains.orders.gate import OrderGate
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.search import OrderSearch
from sidecar.domains.orders.spec import SPEC
from sidecar.domains.orders.statuses import OwnStatus
from sidecar.domains.orders.totals import ITEMS, ORDER, ExtraTotal, extra_totals
from sidecar.domains.orders.writer import OrderWriter
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.reference import Reference
from sidecar.settings.orders import Acknowledge
from sidecar.settings.origin import place_of

#: States in which an accepted order may stand when our status is put on it.
_STATES_AT_WORK = ("new", "processing")
_COUNTS: Mapping[str, Literal[1, 0, -1]] = {"plus": 1, "no": 0, "minus": -1}


def open_orders(shop: Beside) -> Parts:
    """Raises ConfigurationError for a column that is named and that the shop does not have."""
    orders = shop.settings
    rejected = orders.acknowledge.rejected
    has_number = orders.acknowledge.number != "none"
    codes = [status.code for status in own_statuses(orders.acknowledge)]
    writer = OrderWriter(shop.schema, skip_locked=shop.skip_locked)
    return Parts(
        examiner=OrderExaminer(
            reader_of(shop), shop.stores, tolerance=orders.tolerance, guests=shop.guests
        ),
        search=OrderSearch(shop.schema, shop.entity_table),
        reference=Reference(orders.ref),
        gate=OrderGate(orders.gate.payment, orders.gate.waiting_states),
        acknowledger=OrderAcknowledger(
            writer,
            Rules(numbers=has_number, released=rejected.released),
        ),
        answered=AnsweredOrders(shop.schema, codes, has_number=has_number).among,
    )


def own_statuses(rules: Acknowledge) -> list[OwnStatus]:
    """The order statuses that the acknowledgement uses, with the states they stand in."""
    wanted: dict[str, tuple[str, set[str]]] = {}
    for mapping in (rules.accepted, *rules.statuses.values()):
        wanted.setdefault(mapping.status, (mapping.label, set()))[1].update(_STATES_AT_WORK)
    if rules.rejected.hold and rules.rejected.released is not None:
        released = wanted.setdefault(
            rules.rejected.released, (rules.rejected.released_label, set())
        )
        released[1].update(_STATES_AT_WORK)
    held = ("holded",) if rules.rejected.hold else ()
    wanted.setdefault(rules.rejected.status, (rules.rejected.label, set()))[1].update(held)
    return [
        OwnStatus(code, label, tuple(sorted(states))) for code, (label, states) in wanted.items()
    ]


def reader_of(shop: Beside) -> OrderReader:
    """The reader, with the further totals of the configuration."""
    return OrderReader(shop.schema, _totals(shop))


def _totals(shop: Beside) -> tuple[ExtraTotal, ...]:
    named = tuple(_total(name, total, shop.schema) for name, total in shop.settings.totals.items())
    keys = {total.column: f"domains.orders.totals.{total.column}" for total in named}
    places = {column: place_of(key, shop.origin) for column, key in keys.items()}
    return extra_totals(named, shop.schema.columns, places)


def _total(name: str, total: Any, schema: MagentoSchema) -> ExtraTotal:
    table = ITEMS if total.of == "items" else ORDER
    usual = f"base_{name}"
    base = total.base or (usual if schema.has_column(table, usual) else None)
    return ExtraTotal(name, base, _COUNTS[total.counts], table)


DOMAIN = RegisteredDomain(SPEC, open_orders)
