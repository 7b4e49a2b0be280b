"""The rules of delivery, as the configuration has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sidecar.acknowledge.write_back import Rules
from sidecar.delivery.settle import Acknowledgement, Answer, Backoff, Doubt, Settler
from sidecar.delivery.throttle import Pace
from sidecar.domains.orders.totals import ITEMS, ORDER, ExtraTotal
from sidecar.magento.schema_probe import MagentoSchema
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.settlement import Tolerances
from sidecar.ports import Capabilities
from sidecar.settings.schema import Orders, Settings, StatusMapping, Total


def pace_of(settings: Settings) -> Pace:
    """What the ERP account bears."""
    throttle = settings.erp.throttle
    return Pace(
        concurrency=throttle.concurrency,
        requests=throttle.requests.requests,
        window=throttle.requests.window.total_seconds(),
        reserve=float(throttle.reserve),
    )


def settler_of(spec: DomainSpec, orders: Orders, capabilities: Capabilities) -> Settler:
    """What each outcome leads to in a domain."""
    retry = orders.retry
    rules = orders.acknowledge
    return Settler(
        spec,
        Backoff(
            first=retry.first.total_seconds(),
            factor=retry.factor,
            most=retry.most.total_seconds(),
            give_up_after=retry.give_up_after.total_seconds(),
        ),
        Doubt(
            probe_after=orders.unknown.probe_after.total_seconds(),
            trust_absence_after=orders.unknown.trust_absence_after.total_seconds(),
        ),
        Tolerances(
            total=orders.compare.total,
            tax=orders.compare.tax,
            line=orders.compare.line,
            lines_exact=orders.compare.lines == "exact",
        ),
        Acknowledgement(
            accepted=_answer(rules.accepted),
            rejected=Answer(rules.rejected.status, rules.rejected.comment, rules.rejected.hold),
            statuses={code: _answer(mapping) for code, mapping in rules.statuses.items()},
            released=rules.rejected.released,
        ),
        capabilities,
    )


_COUNTS: Mapping[str, Literal[1, 0, -1]] = {"plus": 1, "no": 0, "minus": -1}


def totals_of(orders: Orders, schema: MagentoSchema) -> tuple[ExtraTotal, ...]:
    """The further totals that the configuration names, in this shop's columns."""
    return tuple(_total(name, total, schema) for name, total in orders.totals.items())


def _total(name: str, total: Total, schema: MagentoSchema) -> ExtraTotal:
    table = ITEMS if total.of == "items" else ORDER
    usual = f"base_{name}"
    base = total.base or (usual if schema.has_column(table, usual) else None)
    return ExtraTotal(name, base, _COUNTS[total.counts], table)


def write_back_rules_of(orders: Orders) -> Rules:
    """What an answer may write into the order's own columns."""
    rules = orders.acknowledge
    return Rules(numbers=rules.number != "none", released=rules.rejected.released)


def _answer(mapping: StatusMapping) -> Answer:
    return Answer(mapping.status, mapping.comment)
