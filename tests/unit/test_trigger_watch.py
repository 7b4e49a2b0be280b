from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from sidecar.capture.outbox import TriggerFault
from sidecar.capture.watch import TriggerWatch
from tests.harness import RecordingNarrator


class Installed:
    """Triggers that are as they were installed."""

    def suspension(self) -> None:
        return None

    def status(self) -> list[object]:
        return []

    def domain_of(self, kind: str) -> str:
        return {"order": "orders"}.get(kind, "")


class Breadcrumbs:
    """What triggers could not write."""

    def __init__(self, *kinds: str) -> None:
        self.left = [
            TriggerFault(
                number, kind, 42, "sales_order_payment ai", 1205, "lock", datetime.now(UTC)
            )
            for number, kind in enumerate(kinds, 1)
        ]

    def faults(self, _connection: object) -> list[TriggerFault]:
        return self.left


class Reachable:
    """A database that has nothing to say itself."""

    @contextmanager
    def transaction(self, _purpose: str) -> Iterator[None]:
        yield


@pytest.mark.parametrize(("kind", "domain"), [("order", "orders"), ("a kind of nobody's", "")])
def test_a_hint_that_was_lost_is_told_once_with_the_domain_that_it_was_for(
    kind: str, domain: str
) -> None:
    told = RecordingNarrator()
    watch = TriggerWatch(Installed(), Breadcrumbs(kind), Reachable(), told)  # type: ignore[arg-type]
    watch.look()
    watch.look()
    (fault,) = told.of("capture.trigger_fault")
    assert fault["domain"] == domain
    assert fault["errno"] == 1205
