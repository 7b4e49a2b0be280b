"""Each field has one owner: who else would write it is refused, with file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidecar.blueprint.lifecycle import Stage, Stages, read_stages
from sidecar.model.errors import ConfigurationError
from sidecar.settings.origin import NOWHERE, Origin, place_of
from sidecar.settings.schema import Settings

_ORDERS = "domains.orders.acknowledge"


def require_one_owner(settings: Settings, origin: Origin = NOWHERE) -> None:
    """Raises ConfigurationError with every field that two would write."""
    if found := [*_conflicts(settings, stages_of(settings).stages, origin)]:
        raise ConfigurationError(
            "\n".join(found), "take one of the two out (docs/blueprint.md says who owns what)"
        )


def stages_of(settings: Settings) -> Stages:
    """Those of the lifecycle; none where order_status is not carried."""
    section = settings.domains.order_status
    if not section.enabled or section.lifecycle is None:
        return Stages()
    return read_stages(section.lifecycle)


def owners_doubtful(settings: Settings, origin: Origin = NOWHERE) -> Iterator[str]:
    """What two have a hand in, and which may be meant."""
    invoices = settings.domains.invoices
    makers = [state for state in stages_of(settings).stages if "invoice" in state.acts]
    if invoices.enabled and invoices.owner == "magento":
        for state in makers:
            yield (
                f"{state.place}: it makes an invoice in Magento, which owns invoices "
                f"({place_of('domains.invoices', origin)}) and tells the ERP of this one too"
            )
    if invoices.enabled and invoices.owner == "erp":
        gate = settings.domains.orders.gate
        waiting = [method for method, rule in gate.payment.items() if rule == "paid"]
        if waiting:
            yield (
                f"{place_of('domains.orders.gate.payment', origin)}: orders by "
                f"{', '.join(waiting)} wait until they are paid, which Magento knows by an "
                "invoice, and the ERP, which makes the invoices, does not have the order yet"
            )


def _conflicts(settings: Settings, states: Sequence[Stage], origin: Origin) -> Iterator[str]:
    yield from _statuses(settings, states, origin)
    yield from _labels(settings, states)
    yield from _invoices(settings, states, origin)


def _statuses(settings: Settings, states: Sequence[Stage], origin: Origin) -> Iterator[str]:
    """The acknowledgement has the first status and the refusal's; the lifecycle all others."""
    writing = [state for state in states if state.status is not None]
    rules = settings.domains.orders.acknowledge
    for code in rules.statuses if writing else ():
        other = next((one for one in writing if one.name == code), writing[0])
        yield (
            f"{place_of(f'{_ORDERS}.statuses.{code}', origin)}: it writes the order's status by "
            f"what the ERP answers, and the lifecycle by what the ERP tells: {other.place}"
        )
    reserved = {rules.rejected.status: "rejected.status"}
    if rules.rejected.released is not None:
        reserved[rules.rejected.released] = "rejected.released"
    for state in writing:
        if key := reserved.get(state.status or ""):
            yield (
                f"{state.place}: writes the status {state.status}, by which a refusal and its "
                f"Unhold are known: {place_of(f'{_ORDERS}.{key}', origin)}"
            )


def _labels(settings: Settings, states: Sequence[Stage]) -> Iterator[str]:
    accepted = settings.domains.orders.acknowledge.accepted
    labels = {accepted.status: (accepted.label, f"{_ORDERS}.accepted.label")}
    for state in states:
        if state.status is None or state.label is None:
            continue
        label, where = labels.setdefault(state.status, (state.label, state.place))
        if label != state.label:
            yield (
                f'{state.place}: status {state.status} is called "{label}" elsewhere ({where}); '
                "one status has one label"
            )


def _invoices(settings: Settings, states: Sequence[Stage], origin: Origin) -> Iterator[str]:
    invoices = settings.domains.invoices
    if not (invoices.enabled and invoices.owner == "erp"):
        return
    for state in states:
        if "invoice" in state.acts:
            yield (
                f"{state.place}: it makes an invoice in Magento, and so does each invoice that the "
                f"ERP tells of: {place_of('domains.invoices.owner', origin)}"
            )
