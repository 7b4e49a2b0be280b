"""The ERP says which months are closed: what is of one of them waits, and goes when it is open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.domains.calendar.news import PostingPeriod
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import TellingErp
from tests.pipeline import Pipeline
from tests.told import news, telling

pytestmark = pytest.mark.any_server

ME = By("anna", "month end")
THE_ERP = "the ERP (account main)"
EACH = "{period: =item.period, closed: =item.locked}"


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "periods")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> TellingErp:
    return TellingErp()


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: TellingErp, tmp_path: Path) -> Iterator[Pipeline]:
    with telling(magento, tmp_path, erp, None, "calendar", "{every: 5m}", EACH) as pipeline:
        yield pipeline


def says(pipeline: Pipeline, erp: TellingErp, **closed: bool) -> None:
    """The ERP says `_2026_11=True` of a month, and is heard."""
    erp.said["calendar"] = [
        PostingPeriod(period=month.strip("_").replace("_", "-"), closed=is_closed, reason="FIN")
        for month, is_closed in closed.items()
    ]
    pipeline.let_pass(600)
    pipeline.hear()


def closed(pipeline: Pipeline) -> dict[str, str]:
    return {one.period: one.closed_by for one in pipeline.sidecar.calendar.closed()}


def acts(pipeline: Pipeline) -> list[tuple[str, ...]]:
    rows = pipeline.sql(
        f"SELECT who, command, subject, reason FROM {pipeline.sidecar.names('audit')} "
        "WHERE command LIKE 'calendar %%' ORDER BY id"
    )
    return [tuple(row) for row in rows]


def test_an_order_of_a_month_that_the_erp_closed_waits_until_it_opens_it(
    pipeline: Pipeline, erp: TellingErp, magento: MagentoDatabase
) -> None:
    says(pipeline, erp, _2026_11=True, _2026_12=False)
    assert closed(pipeline) == {"2026-11": THE_ERP}
    with Shop(magento) as php, magento.connect() as connection, connection.cursor() as cursor:
        order = php.place()
        cursor.execute("UPDATE sales_order SET created_at = '2026-11-10 12:00:00'")
    pipeline.work()
    assert [one.waiting for one in pipeline.open_events()] == [
        "gate period: period 2026-11 is closed"
    ]

    says(pipeline, erp, _2026_11=False)

    assert [one.ref for one in erp.pushed] == [order.increment_id]
    assert closed(pipeline) == {}
    assert acts(pipeline) == [
        (THE_ERP, "calendar close", "2026-11", "FIN"),
        (THE_ERP, "calendar open", "2026-11", "FIN"),
    ]


def test_what_is_said_again_and_what_is_not_said_any_more_change_nothing(
    pipeline: Pipeline, erp: TellingErp
) -> None:
    for _ in range(2):
        says(pipeline, erp, _2026_11=True)
    says(pipeline, erp)
    assert closed(pipeline) == {"2026-11": THE_ERP}
    assert len(acts(pipeline)) == 1


@pytest.mark.parametrize("erp_says_closed", [False, True])
def test_the_erp_never_opens_what_a_person_closed(
    pipeline: Pipeline, erp: TellingErp, *, erp_says_closed: bool
) -> None:
    pipeline.sidecar.calendar.close("2026-11", ME)
    if erp_says_closed:
        says(pipeline, erp, _2026_11=True)
    says(pipeline, erp, _2026_11=False)
    assert closed(pipeline) == {"2026-11": "anna"}
    assert news(pipeline) == []


def test_a_person_opens_what_the_erp_closed_until_it_says_so_again(
    pipeline: Pipeline, erp: TellingErp
) -> None:
    says(pipeline, erp, _2026_11=True)
    opened = pipeline.sidecar.calendar.open("2026-11", ME)
    assert (opened.changed, opened.closed_by) == (True, THE_ERP)
    says(pipeline, erp)
    assert closed(pipeline) == {}
    says(pipeline, erp, _2026_11=True)
    assert closed(pipeline) == {"2026-11": THE_ERP}


def test_the_newest_word_on_a_month_counts_whatever_the_order_it_is_told_in(
    pipeline: Pipeline, erp: TellingErp
) -> None:
    now = pipeline.sidecar.clock.now()
    early, late = (now.replace(microsecond=n) for n in (1, 2))
    erp.said["calendar"] = [
        PostingPeriod(period="2026-11", closed=True, at=late),
        PostingPeriod(period="2026-11", closed=False, at=early),
    ]
    pipeline.hear()
    assert closed(pipeline) == {"2026-11": THE_ERP}


def test_what_is_no_month_is_kept_for_a_person_and_holds_no_other_back(
    pipeline: Pipeline, erp: TellingErp
) -> None:
    says(pipeline, erp, _2026_Q4=True, _2026_11=True)
    assert closed(pipeline) == {"2026-11": THE_ERP}
    [kept] = news(pipeline)
    assert (kept.number, kept.status) == ("2026-Q4", "parked")
    assert "no period" in (kept.what or "")
