"""The questions to an ERP about what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.order_status.spec import SPEC
from sidecar.inbound.asking import Questions
from sidecar.model.errors import NotUnderstood
from sidecar.ports import Page
from tests.harness import HandClock, TellingErp

_T = TypeVar("_T")


def at_once(call: Callable[[], _T]) -> _T:
    return call()


def test_each_page_is_a_step_on_so_that_no_watchdog_ends_a_long_answer() -> None:
    erp, steps = TellingErp(rows_to_a_page=1), []
    erp.said["order_status"] = [OrderStatus(external=str(one), status="OPEN") for one in range(3)]
    questions = Questions(
        SPEC, erp, at_once, HandClock(), overlap=timedelta(0), progress=lambda: steps.append(1)
    )
    assert [len(page.rows) for page in questions.pages(None)] == [1, 1, 1]
    assert len(steps) == 3


def test_pages_that_lead_in_a_circle_come_to_an_end() -> None:
    class Circling(TellingErp):
        def changes(self, *_: object) -> Page[OrderStatus]:
            return Page((), 1)

    questions = Questions(SPEC, Circling(), at_once, HandClock(), overlap=timedelta(0))
    with pytest.raises(NotUnderstood, match="in a circle"):
        list(questions.pages(None))
