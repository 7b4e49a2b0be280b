"""An ERP that books all that it is sent, whose answers are mutated, and what becomes of an order.

`settled` goes by the pump's rules (docs/outcomes.md): an outcome that is unknown is asked about;
what the ERP does not hold is sent again; what was refused is held.  So a second booking, and a
refusal of what was booked, can be counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sidecar.model.errors import Unavailable
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Throttled,
    Unknown,
)
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import Received, answer, scripted_server

#: Outcomes after which nothing is sent again and nobody is told that the order was refused.  A
#: conflict is read anew and asked about, a misconfigured domain stands still.
_HARMLESS = (Conflict, Misconfigured, Throttled, Unknown)
_ROUNDS = 4
NUMBER = "SO-1"

Mutated = Callable[[bytes, Random, str], bytes]


@dataclass
class Wire:
    """How one ERP answers: to an order, and to a question when it has it."""

    booked: bytes
    found: bytes
    content_type: str
    #: The element or key that is a document in the answer to a question.
    document: str
    mutated: Mutated
    asks: Callable[[Received], bool]
    status: int = 200


@dataclass
class Erp:
    """Counts bookings and mutates each answer by its own random numbers."""

    wire: Wire
    random: Random = field(default_factory=Random)
    bookings: int = 0
    #: What it answered of late, for the message of a failure.
    told: list[bytes] = field(default_factory=list)

    def begin(self, seed: int) -> None:
        self.random.seed(seed)
        self.bookings = 0
        self.told.clear()

    def __call__(self, received: Received) -> Any:
        asked = self.wire.asks(received)
        self.bookings += not asked
        true = self.wire.found if asked else self.wire.booked
        told = self.wire.mutated(true, self.random, self.wire.document if asked else "")
        self.told.append(told)
        status = 200 if asked else self.wire.status
        return answer(status, told, Content_Type=self.wire.content_type)


def settled(adapter: ErpAdapter, erp: Erp, seed: int) -> str:
    """What goes wrong with one order; empty when nothing does."""
    erp.begin(seed)
    order = placed(simple_order())
    for _ in range(_ROUNDS):
        [result] = push_all(adapter, [order])
        if isinstance(result.outcome, Accepted | Duplicate | Partial):
            return _of(result.outcome, erp)
        if not isinstance(result.outcome, _HARMLESS):
            return f"a booked order is {type(result.outcome).__name__}: {result.outcome.message}"
        for _ in range(_ROUNDS):
            try:
                found = adapter.probe("orders", [order.ref])[order.ref]
            except Unavailable:
                continue
            if any(one.reference.strip() != NUMBER for one in found):
                return f"a booked order is taken for another one: {found[0].reference!r}"
            if found:
                return ""
            break
        else:
            return ""  # nothing was understood: it stays unknown, and nothing is sent
    return f"a booked order was not seen and booked {erp.bookings} times"


def _of(outcome: Outcome, erp: Erp) -> str:
    if erp.bookings > 1:
        return f"an order was booked {erp.bookings} times"
    number = outcome.booked.reference if isinstance(outcome, Accepted | Partial) else NUMBER
    return "" if number.strip() == NUMBER else f"an order was booked as {number!r}"


@contextmanager
def adapter_of(
    wire: Wire, make: Callable[[Path, str], ErpAdapter], folder: Path
) -> Iterator[tuple[ErpAdapter, Erp]]:
    """The adapter before its ERP; `make` has the folder for its files and the ERP's address."""
    erp = Erp(wire)
    with scripted_server(erp) as server, closing(make(folder, server.url)) as adapter:
        yield adapter, erp
