"""The rules of delivery, as the configuration has them."""

from __future__ import annotations

from sidecar.delivery.settle import Acknowledgement, Answer, Backoff, Doubt, Settler
from sidecar.delivery.throttle import Pace
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.settlement import Tolerances
from sidecar.ports import Capabilities
from sidecar.settings.schema import Orders, Settings, StatusMapping


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


def _answer(mapping: StatusMapping) -> Answer:
    return Answer(mapping.status, mapping.comment)
