"""The rules of delivery, as the configuration has them."""

from __future__ import annotations

from sidecar.delivery.settle import Acknowledgement, Answer, Backoff, Doubt, Settler
from sidecar.delivery.throttle import Pace
from sidecar.delivery.turns import Rank
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.settlement import Tolerances
from sidecar.ports import Capabilities
from sidecar.settings.domain import Answered, Carried, Domain, Remark
from sidecar.settings.erp import Throttle
from sidecar.settings.orders import Orders, StatusMapping


def pace_of(throttle: Throttle) -> Pace:
    """What an ERP account bears."""
    return Pace(
        concurrency=throttle.concurrency,
        requests=throttle.requests.requests,
        window=throttle.requests.window.total_seconds(),
        reserve=float(throttle.reserve),
    )


def rank_of(spec: DomainSpec, domain: Carried) -> Rank:
    """Where a domain stands among those of its ERP account."""
    return Rank(spec.name, domain.priority or spec.priority, domain.share)


def settler_of(spec: DomainSpec, domain: Domain, capabilities: Capabilities) -> Settler:
    """What each outcome leads to in a domain."""
    retry = domain.retry
    return Settler(
        spec,
        Backoff(
            first=retry.first.total_seconds(),
            factor=retry.factor,
            most=retry.most.total_seconds(),
            give_up_after=retry.give_up_after.total_seconds(),
        ),
        Doubt(
            probe_after=domain.unknown.probe_after.total_seconds(),
            trust_absence_after=domain.unknown.trust_absence_after.total_seconds(),
        ),
        Tolerances(
            total=domain.compare.total,
            tax=domain.compare.tax,
            line=domain.compare.line,
            lines_exact=domain.compare.lines == "exact",
        ),
        _acknowledgement(domain),
        capabilities,
    )


def _acknowledgement(domain: Domain) -> Acknowledgement:
    if not isinstance(domain, Orders | Answered):
        # Nobody in Magento reads what the ERP says of a customer or a quantity.
        return Acknowledgement(is_silent=True)
    rules = domain.acknowledge
    accepted = _answer(rules.accepted)
    statuses = {code: _answer(answer) for code, answer in rules.statuses.items()}
    if isinstance(domain, Answered):
        return Acknowledgement(accepted, _answer(domain.acknowledge.rejected), statuses)
    rejected = domain.acknowledge.rejected
    held = Answer(rejected.status, rejected.comment, rejected.hold)
    return Acknowledgement(accepted, held, statuses, rejected.released)


def _answer(answer: StatusMapping | Remark) -> Answer:
    status = answer.status if isinstance(answer, StatusMapping) else None
    return Answer(status, answer.comment)
