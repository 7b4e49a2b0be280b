"""The ERP: its adapter, its answer, its interface."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.app.erp_adapters import adapter_settings_of, files_of_calls, open_contract
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation, Unseen
from sidecar.model.errors import SidecarError, Unavailable
from sidecar.ports import Ping


def _adapter(examined: ExaminedInstallation) -> Iterator[Observation]:
    for error in examined.pings.values():
        if isinstance(error, SidecarError) and not isinstance(error, Unavailable):
            yield Observation(error.message, error.remedy)


def _reachable(examined: ExaminedInstallation) -> Iterator[Observation]:
    for error in examined.pings.values():
        if isinstance(error, Unavailable):  # its WSDL is at an address
            yield Observation(error.message, error.remedy)
    for address, ping in _answered(examined):
        if not ping.reachable:
            yield Observation(
                f"{address} does not answer: {ping.message or 'no reason given'}",
                f"curl -v {address}",
            )


def _authorised(examined: ExaminedInstallation) -> Iterator[Observation]:
    for address, ping in _answered(examined):
        if ping.reachable and not ping.authorised:
            yield Observation(f"{address} refuses our login: {ping.message or 'no reason given'}")


def _answers(examined: ExaminedInstallation) -> Iterator[Observation]:
    for address, ping in _answered(examined):
        if ping.reachable and ping.authorised and ping.message:
            yield Observation(f"{address} answers, but: {ping.message}")


def _answered(examined: ExaminedInstallation) -> list[tuple[str, Ping]]:
    """The accounts that could be asked, by address; raises `Unseen` where none could."""
    addresses = examined.configuration.settings.addresses
    answers = [
        (addresses[name], ping) for name, ping in examined.pings.items() if isinstance(ping, Ping)
    ]
    refused = [error for error in examined.pings.values() if isinstance(error, SidecarError)]
    if not answers and not any(isinstance(error, Unavailable) for error in refused):
        raise Unseen(refused[0].message)
    return answers


def _breaker(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, account in examined.vitals.accounts.items():
        if account.breaker_open:
            yield Observation(
                f"the breaker of {name} ({account.address}) is open after {account.failures} "
                f"failure(s); it asks in {account.asks_in:.0f} s",
                domains=tuple(account.domains),
            )


def _mapping(examined: ExaminedInstallation) -> Iterator[Observation]:
    loaded = examined.configuration
    settings = loaded.settings
    for name, erp in settings.accounts.items():
        if erp.wsdl is None or not (calls := files_of_calls(settings, name)):
            continue
        known = adapter_settings_of(settings, name, origin=loaded.origin)
        contract = open_contract(str(erp.wsdl), known)
        for finding in contract.check(calls[-1], examined.domains, calls[:-1]):
            if finding.severity == "error":
                yield Observation(f"{finding.place}: {finding.text} [{finding.id}]", finding.remedy)


CHECKS = (
    Check(
        id="adapter-invalid",
        severity="error",
        title="the adapter or its file of calls does not load",
        cause="`erp.adapter` names none that is installed, or the mapping, a secret or the WSDL is "
        "wrong.",
        symptom="Exit code 78 at start.",
        remedy="`erp-sidecar config validate`, `erp-sidecar adapter list`",
        look=_adapter,
    ),
    Check(
        id="erp-unreachable",
        severity="error",
        title="the ERP does not answer",
        cause="It is down, `erp.url` is wrong, a firewall or a certificate is in the way.",
        symptom="The breaker opens; orders wait and go by themselves when it is back.",
        remedy="`curl -v ADDRESS` from this machine; then the ERP's people.",
        look=_reachable,
    ),
    Check(
        id="erp-unauthorised",
        severity="error",
        title="the ERP refuses our login",
        cause="The secret was rotated or has expired, or the account lost a right.",
        symptom="The domain stops at the first order, or the first question.",
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
        symptom="The domain stops at a redirection; orders in doubt stay in doubt.",
        remedy="Write the address that it leads to under `erp.url` (SOAP: `erp.endpoint`), or "
        "correct the call; then `erp-sidecar domain resume orders`.",
        look=_answers,
    ),
    Check(
        id="breaker-open",
        severity="warning",
        title="the breaker is open",
        cause="So many calls failed that the ERP is only asked now and then whether it is back.",
        symptom="`breaker.opened` in the log; nothing is sent.",
        remedy="None when the ERP is back: the next question closes it. Else see erp-unreachable.",
        look=_breaker,
    ),
    Check(
        id="mapping-unfit",
        severity="error",
        title="the ERP's interface cannot take what the mapping sends",
        cause="The mapping has a mistake, or the WSDL changed.",
        symptom="Orders are rejected.",
        remedy="`erp-sidecar adapter check` names each place; `erp-sidecar adapter describe` shows "
        "what the interface wants.",
        look=_mapping,
    ),
)
