"""What the tests of the conformance kit have in common: one document sent, one question asked."""
# ruff: noqa: S101  -- these are parts of tests, only shipped

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from sidecar.delivery.pushed import Answer, answers
from sidecar.model.outcome import Accepted, Outcome
from sidecar.ports import Delivery, ErpAdapter, Link, Listed, Parent
from sidecar.testing.contract_domain import ContractDomain, Held
from sidecar.testing.erpsim import Document, DocumentKind
from sidecar.testing.sample_order import SampleLine, sample_order

#: Of an order that bears all that is given back on it in one test.
_LARGE = SampleLine("24-MB01", qty="1000", price="1000")

Found = TypeVar("Found")


class Erp(Protocol):
    """What the contract needs of a simulator; `sidecar.testing.erpsim.ErpSim` has it."""

    url: str

    def bookings(self, external: str) -> list[Document]:
        """The documents booked for an external number."""

    def documents(self) -> list[Document]:
        """Every document."""

    def records(self, kind: Any) -> list[Any]:
        """What it was told that is no document, of a kind of `erpsim`'s; one that keeps none has
        none."""

    def rule(self, name: str, **settings: Any) -> None:
        """Misbehave from now on."""

    def clear_rules(self) -> None:
        """Behave again."""

    def reset(self) -> None:
        """Empty books, no rules."""


def push_all(adapter: ErpAdapter, batch: Sequence[Delivery]) -> list[Answer]:
    """What became of each, in their order; fails the test unless each has exactly one outcome."""
    said = answers(adapter.push(batch))
    ids = [delivery.event.id for delivery in batch]
    assert {event: len(its) for event, its in said.items()} == dict.fromkeys(ids, 1)
    return [said[event][0] for event in ids]


def push_one(adapter: ErpAdapter, delivery: Delivery) -> Outcome:
    """The outcome of sending one."""
    [answer] = push_all(adapter, [delivery])
    return answer.outcome


def probe(adapter: ErpAdapter, domain: ContractDomain) -> Sequence[Any]:
    """What the ERP has under the reference of the document that most tests send; skips the rest of
    the test where it cannot be asked."""
    require_probe(adapter, domain)
    return adapter.probe(domain.name, [domain.ref]).get(domain.ref, ())


def whole_list(adapter: ErpAdapter, domain: ContractDomain) -> list[Listed]:
    """All pages."""
    since = datetime(2000, 1, 1, tzinfo=UTC)
    page = adapter.list(domain.name, since)
    rows = list(page.rows)
    while page.next is not None:
        page = adapter.list(domain.name, since, page.next)
        rows.extend(page.rows)
    return rows


def held(erp: Erp, domain: ContractDomain) -> Sequence[Held]:
    """Everything of the domain's in the ERP's books."""
    if isinstance(domain.kind, DocumentKind):
        return [document for document in erp.documents() if document.kind is domain.kind]
    return erp.records(domain.kind)


def bookings(erp: Erp, domain: ContractDomain, ref: str | None = None) -> Sequence[Held]:
    """What the books hold under a reference: under that which most tests send, where none is
    named."""
    wanted = ref or domain.ref
    return [one for one in held(erp, domain) if one.external == wanted]


def plays(domain: ContractDomain, word: str) -> None:
    """Skip the test where the domain says why what the word stands for is not played with it."""
    if word in domain.unplayed:
        pytest.skip(f"{word}: {domain.unplayed[word]}")


def misbehave(erp: Erp, domain: ContractDomain, name: str, **settings: Any) -> None:
    """Let the ERP misbehave from now on, where that means something with the domain."""
    plays(domain, name)
    erp.rule(name, **settings)


def reference_of(outcome: Outcome) -> str:
    """The document's number in an acceptance; anything else fails the test."""
    assert isinstance(outcome, Accepted), outcome
    return outcome.booked.reference


def link_of(outcome: Outcome) -> Link:
    """The link to the document of an acceptance, with both of its names; else the test fails."""
    assert isinstance(outcome, Accepted), outcome
    return Link(outcome.booked.reference, key=outcome.booked.key)


def require(adapter: ErpAdapter, domain: ContractDomain, event_type: str | None) -> None:
    """Skip the test where the adapter has no call for the event."""
    if event_type not in adapter.capabilities(domain.name).subscriptions:
        pytest.skip(f"the adapter has no call for {event_type or 'what ends a document'}")


def require_batches(adapter: ErpAdapter, domain: ContractDomain) -> None:
    """Skip the test where the adapter sends one by one."""
    if adapter.capabilities(domain.name).batch < 2:
        pytest.skip(f"the adapter sends one event of {domain.name} a call")


def require_probe(adapter: ErpAdapter, domain: ContractDomain) -> None:
    """Skip the test where the ERP cannot be asked by reference."""
    plays(domain, "probe")
    if not adapter.capabilities(domain.name).probe:
        pytest.skip(f"the ERP cannot be asked for {domain.name} by external reference")


def require_list(adapter: ErpAdapter, domain: ContractDomain) -> None:
    """Skip the test where the ERP has no list."""
    if not adapter.capabilities(domain.name).lists:
        pytest.skip(f"the ERP has no list of {domain.name}")


def made_ready(
    adapter: ErpAdapter, domain: ContractDomain, others: Iterable[ContractDomain]
) -> ContractDomain:
    """The domain with the document that its own belong to, which the ERP has from now on.

    Skips the test where the adapter does not carry them.
    """
    require(adapter, domain, domain.opens)
    if domain.spec.parent is None:
        return domain
    parent = next(other for other in others if other.spec.kind == domain.spec.parent)
    require(adapter, parent, parent.opens)
    order = sample_order("000000001", [_LARGE])
    link = link_of(push_one(adapter, parent.opening(order)))
    return replace(domain, parent=Parent(order, link))


def nobody_listens() -> str:
    """An address whose port is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api"


def open_sockets() -> int:
    """How many sockets this process holds (Linux)."""
    links = Path("/proc/self/fd")
    return sum("socket:" in _target(link) for link in links.iterdir())


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # the descriptor of the listing itself
        return ""


def wait_for(condition: Callable[[], Found], seconds: float = 20) -> Found:
    """The condition's first true value; fails the test when there is none in time."""
    ticker = threading.Event()
    until = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < until, "waited in vain"
        ticker.wait(0.02)
    return answer
