"""What the ERP says by itself: whether it is heard, and whether it gets into Magento."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation, Unseen
from sidecar.domains.order_status.lifecycle import findings
from sidecar.model.span import age
from sidecar.monitor.inbound_vitals import seconds_since
from sidecar.settings.lifecycle import Lifecycle, read_lifecycle

_INSTALL = "erp-sidecar install --user root --password-file /root/.db-password"


def _parked(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, domain in examined.vitals.inbound.items():
        if count := domain.news.get("parked", 0):
            yield Observation(
                f"{name}: {count} news of the ERP are parked",
                f"erp-sidecar incoming list --domain {name} --status parked",
            )


def _differing(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, domain in examined.vitals.inbound.items():
        if count := domain.news.get("differs", 0):
            yield Observation(
                f"{name}: {count} news of the ERP were not carried out",
                f"erp-sidecar incoming list --domain {name} --status differs",
            )


def _unheard(examined: ExaminedInstallation) -> Iterator[Observation]:
    longest = examined.thresholds.overdue.total_seconds()
    for name, domain in examined.vitals.inbound.items():
        if not domain.control.may_work:
            continue
        if domain.unheard is None:
            yield Observation(f"{name}: the ERP account {domain.account} has never answered")
        elif domain.stale or domain.unheard > longest:
            yield Observation(
                f"{name}: the ERP account {domain.account} last answered {age(domain.heard_ago)} "
                "ago"
            )


def _in_doubt(examined: ExaminedInstallation) -> Iterator[Observation]:
    longest = examined.thresholds.overdue.total_seconds()
    for name, domain in examined.vitals.inbound.items():
        waits = seconds_since(domain.oldest)
        if (count := domain.news.get("asked", 0)) and waits is not None and waits > longest:
            yield Observation(
                f"{name}: Magento did not answer about {count} of the ERP's news; the oldest that "
                f"waits does for {age(waits)}",
                f"erp-sidecar incoming list --domain {name} --status asked",
            )


def _lifecycle(examined: ExaminedInstallation) -> Lifecycle:
    section = examined.configuration.settings.domains.order_status
    if not section.enabled or section.lifecycle is None:
        raise Unseen("the ERP tells nothing of its orders' states (domains.order_status)")
    return read_lifecycle(section.lifecycle)


def _unregistered(examined: ExaminedInstallation) -> Iterator[Observation]:
    wanted = {state.status for state in _lifecycle(examined).states.values() if state.status}
    table = examined.magento.table("sales_order_status")
    with examined.database.transaction("reading the order statuses") as connection:
        known = {row[0] for row in connection.exec_driver_sql(f"SELECT status FROM {table}")}
    if missing := sorted(wanted - known):
        yield Observation(
            f"Magento does not know the order status {', '.join(missing)} of the lifecycle file"
        )


def _odd_lifecycle(examined: ExaminedInstallation) -> Iterator[Observation]:
    for finding in findings(_lifecycle(examined)):
        yield Observation(f"{finding.id}: {finding.text}")


CHECKS = (
    Check(
        id="news-parked",
        severity="warning",
        title="news of the ERP wait for a person",
        cause="What the ERP said cannot be carried out: its order is unknown, a quantity is beyond "
        "its bounds, a row cannot be read, a document goes round in circles, a whole run would "
        "change too much.",
        symptom="Magento does not show what the ERP says.",
        remedy="`erp-sidecar incoming list`; each has its reason and its remedy "
        "(`incoming show ID`).",
        look=_parked,
    ),
    Check(
        id="news-differ",
        severity="warning",
        title="the ERP said what cannot be in Magento",
        cause="A status that the lifecycle file does not allow there, a delivery of more than is "
        "open or of a canceled order, an invoice or a credit note beyond what is left.",
        symptom="Nothing was written; a difference is open beside it.",
        remedy="`erp-sidecar incoming list --status differs`: correct it on the side that is "
        "wrong; `incoming apply ID --reason` lets it through all the same.",
        look=_differing,
    ),
    Check(
        id="news-unheard",
        severity="warning",
        title="the ERP is not heard",
        cause="No daemon works, the ERP account does not answer or its breaker is open, an answer "
        "breaks off in one of its pages, or the file of calls cannot read it.",
        symptom="Magento has what the ERP said before. Nothing is lost: the cursor stays, and the "
        "next answer brings all of it.",
        remedy="`erp-sidecar status` names a station `hear NAME` that fails, with its reason; "
        "`erp-sidecar doctor --only erp-unreachable` asks the ERP.",
        look=_unheard,
    ),
    Check(
        id="news-in-doubt",
        severity="warning",
        title="Magento does not say whether it made what the ERP told",
        cause="A call to Magento's API was not answered, and it cannot be asked either: it is "
        "down, in maintenance, or refuses our login.",
        symptom="A shipment, an invoice or a credit memo is there or is not; it is looked for by "
        "its mark before anything is repeated, so none is made twice.",
        remedy="See the section api of this page; when Magento answers, it settles by itself.",
        look=_in_doubt,
    ),
    Check(
        id="lifecycle-unregistered",
        severity="error",
        title="an order status of the lifecycle file is not registered in Magento",
        cause="The file was changed after the last install.",
        symptom="The order keeps its status, and its write-back says so; the comment is written.",
        remedy=f"`{_INSTALL}` registers it and changes nothing else.",
        look=_unregistered,
    ),
    Check(
        id="lifecycle-odd",
        severity="info",
        title="the lifecycle file has a dead end, or a state that nothing leads to",
        cause="A transition is missing.",
        symptom="Orders stay in a state for ever, or every order that comes into one is a "
        "difference.",
        remedy="`erp-sidecar lifecycle check` draws it.",
        look=_odd_lifecycle,
    ),
)
