"""What waits at which gate, in words."""

from __future__ import annotations

from collections.abc import Mapping

#: Gate → what waits there, and the key of the configuration that makes it wait.
_WAITING: Mapping[str, str] = {
    "payment": "wait for payment (domains.{domain}.gate.payment)",
    "state": "wait for Magento's state (domains.{domain}.gate.states)",
    "hold": "on hold",
    "period": "wait for a closed posting period (erp-sidecar calendar list)",
    "parent": "wait for the document that they belong to",
}


def waiting_at(gates: Mapping[str, int], domain: str) -> list[str]:
    """`5 wait for payment (domains.orders.gate.payment)`, `1 on hold`: one for each gate.

    `gates`: how many events wait at each, by its name.
    """
    words = {gate: text for gate, text in _WAITING.items() if gates.get(gate)}
    return [f"{gates[gate]} {text.format(domain=domain)}" for gate, text in words.items()]
