"""What the tests of the conformance kit have in common: one order sent, one question asked."""
# ruff: noqa: S101  -- these are parts of tests, only shipped

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from sidecar.delivery.pushed import Answer, answers
from sidecar.domains.orders.payload import Order
from sidecar.model.outcome import Accepted, Outcome
from sidecar.ports import Delivery, ErpAdapter, Listed
from sidecar.testing.erpsim import Document
from sidecar.testing.sample_order import placed

DOMAIN = "orders"
NUMBER = "000000042"

Found = TypeVar("Found")


class Erp(Protocol):
    """What the contract needs of a simulator; `sidecar.testing.erpsim.ErpSim` has it."""

    url: str

    def bookings(self, external: str) -> list[Document]:
        """The documents booked for an external number."""

    def documents(self) -> list[Document]:
        """Every document."""

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


def push_one(adapter: ErpAdapter, order: Order) -> Outcome:
    """The outcome of sending one placed order."""
    [answer] = push_all(adapter, [placed(order)])
    return answer.outcome


def probe(adapter: ErpAdapter, ref: str) -> Sequence[Any]:
    """What the ERP has under the reference; skips the rest of the test where it cannot be asked."""
    require_probe(adapter)
    return adapter.probe(DOMAIN, [ref]).get(ref, ())


def whole_list(adapter: ErpAdapter) -> list[Listed]:
    """All pages."""
    since = datetime(2000, 1, 1, tzinfo=UTC)
    page = adapter.list(DOMAIN, since)
    rows = list(page.rows)
    while page.next is not None:
        page = adapter.list(DOMAIN, since, page.next)
        rows.extend(page.rows)
    return rows


def reference_of(outcome: Outcome) -> str:
    """The document's number in an acceptance; anything else fails the test."""
    assert isinstance(outcome, Accepted), outcome
    return outcome.booked.reference


def require(adapter: ErpAdapter, event_type: str) -> None:
    """Skip the test where the adapter has no call for the event."""
    if event_type not in adapter.capabilities(DOMAIN).subscriptions:
        pytest.skip(f"the adapter has no call for {event_type}")


def require_batches(adapter: ErpAdapter) -> None:
    """Skip the test where the adapter sends one by one."""
    if adapter.capabilities(DOMAIN).batch < 2:
        pytest.skip("the adapter sends one event a call")


def require_probe(adapter: ErpAdapter) -> None:
    """Skip the test where the ERP cannot be asked by reference."""
    if not adapter.capabilities(DOMAIN).probe:
        pytest.skip("the ERP cannot be asked by external reference")


def require_list(adapter: ErpAdapter) -> None:
    """Skip the test where the ERP has no list."""
    if not adapter.capabilities(DOMAIN).lists:
        pytest.skip("the ERP has no list")


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
