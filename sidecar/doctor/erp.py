"""The ERP: its adapter, its answer, its interface."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.app.erp_adapters import connection_of, open_contract
from sidecar.doctor.check import Check, Fault
from sidecar.doctor.patient import Patient
from sidecar.model.errors import Unavailable


def _adapter(patient: Patient) -> Iterator[Fault]:
    error = patient.refusal("ping")
    if error is not None and not isinstance(error, Unavailable):
        yield Fault(error.message, error.remedy)


def _reachable(patient: Patient) -> Iterator[Fault]:
    error = patient.refusal("ping")
    if isinstance(error, Unavailable):  # its WSDL is at an address
        yield Fault(error.message, error.remedy)
    elif not patient.ping.reachable:
        address = patient.configuration.settings.erp.address
        yield Fault(
            f"{address} does not answer: {patient.ping.message or 'no reason given'}",
            f"curl -v {address}",
        )


def _authorised(patient: Patient) -> Iterator[Fault]:
    if patient.ping.reachable and not patient.ping.authorised:
        address = patient.configuration.settings.erp.address
        yield Fault(f"{address} refuses our login: {patient.ping.message or 'no reason given'}")


def _answers(patient: Patient) -> Iterator[Fault]:
    ping = patient.ping
    if ping.reachable and ping.authorised and ping.message:
        yield Fault(f"{patient.configuration.settings.erp.address} answers, but: {ping.message}")


def _breaker(patient: Patient) -> Iterator[Fault]:
    for name, account in patient.vitals.accounts.items():
        if account.breaker_open:
            yield Fault(
                f"the breaker of {name} is open after {account.failures} failure(s); it asks in "
                f"{account.asks_in:.0f} s"
            )


def _mapping(patient: Patient) -> Iterator[Fault]:
    loaded = patient.configuration
    settings = loaded.settings
    if settings.erp.wsdl is None or settings.erp.calls is None:
        return
    domains = patient.domains
    contract = open_contract(str(settings.erp.wsdl), connection_of(settings, origin=loaded.origin))
    for one in contract.check(settings.erp.calls, domains):
        if one.severity == "error":
            yield Fault(f"{one.place}: {one.text} [{one.id}]", one.remedy)


CHECKS = (
    Check(
        id="adapter-invalid",
        severity="error",
        title="the adapter or its file of calls does not load",
        cause="`erp.adapter` names none that is installed, or the mapping, a secret or the WSDL is "
        "wrong.",
        shows="Exit code 78 at start.",
        remedy="`erp-sidecar config validate`, `erp-sidecar adapter list`",
        look=_adapter,
    ),
    Check(
        id="erp-unreachable",
        severity="error",
        title="the ERP does not answer",
        cause="It is down, `erp.url` is wrong, a firewall or a certificate is in the way.",
        shows="The breaker opens; orders wait and go by themselves when it is back.",
        remedy="`curl -v ADDRESS` from this machine; then the ERP's people.",
        look=_reachable,
    ),
    Check(
        id="erp-unauthorised",
        severity="error",
        title="the ERP refuses our login",
        cause="The secret was rotated or has expired, or the account lost a right.",
        shows="The domain stops at the first order, or the first question.",
        remedy="Put the new secret in its place, then `systemctl reload erp-sidecar` (SIGHUP) and "
        "`erp-sidecar domain resume orders`.",
        look=_authorised,
    ),
    Check(
        id="erp-answer-unfit",
        severity="error",
        title="the ERP answers a harmless question otherwise than the file of calls says",
        cause="It redirects (to https, to another path, to a page for signing in), the address is "
        "that of something else (of such a page, say), or `ping` or `probe` of the file of calls "
        "do not fit its answers.",
        shows="The domain stops at a redirection; orders in doubt stay in doubt.",
        remedy="Write the address that it leads to under `erp.url` (SOAP: `erp.endpoint`), or "
        "correct the call; then `erp-sidecar domain resume orders`.",
        look=_answers,
    ),
    Check(
        id="breaker-open",
        severity="warning",
        title="the breaker is open",
        cause="So many calls failed that the ERP is only asked now and then whether it is back.",
        shows="`breaker.opened` in the log; nothing is sent.",
        remedy="None when the ERP is back: the next question closes it. Else see erp-unreachable.",
        look=_breaker,
    ),
    Check(
        id="mapping-unfit",
        severity="error",
        title="the ERP's interface cannot take what the mapping sends",
        cause="The mapping has a mistake, or the WSDL changed.",
        shows="Orders are rejected.",
        remedy="`erp-sidecar adapter check` names each place; `erp-sidecar adapter describe` shows "
        "what the interface wants.",
        look=_mapping,
    ),
)
