"""The part of the conformance kit that is about the ERP's own news: `sidecar.ports.Telling`.

A delivery that is told wrongly is a parcel too many; one that is taken for not told is a customer
who waits.  Each test is made with each of the kit's `told_domains` that the adapter tells of.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sidecar.model.errors import NotReached, Unavailable
from sidecar.ports import ErpAdapter, Page, Telling
from sidecar.testing.contract_calls import Erp
from sidecar.testing.contract_news import CHANGED, ToldDomain, at

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class TellingContract:
    """Tests of `changes`; a field that the adapter does not tell of is allowed, a lie is not."""

    @pytest.fixture
    def told(self, request: pytest.FixtureRequest, adapter: ErpAdapter) -> ToldDomain:
        """A domain of which the adapter tells what has changed."""
        domain: ToldDomain = request.param
        if not adapter.capabilities(domain.name).tells_changes:
            pytest.skip(f"the adapter does not tell of {domain.name}")
        assert isinstance(adapter, Telling), "it says that it tells changes, and has no `changes`"
        return domain

    def test_every_row_is_told_exactly_and_once_over_all_pages(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 7)

        rows = _changes(adapter, told).rows

        _are_told(told, said, rows)

    def test_one_row_is_a_list_of_one(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 1)

        _are_told(told, said, _changes(adapter, told).rows)

    def test_an_erp_that_has_nothing_to_tell_tells_nothing(
        self, adapter: ErpAdapter, told: ToldDomain
    ) -> None:
        assert _page(adapter, told, LONG_AGO) == Page(())

    def test_what_did_not_change_since_is_not_told(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 4)

        rows = _changes(adapter, told, since=at(2) + timedelta(seconds=1)).rows

        _are_told(told, said[3:], rows)

    def test_what_changed_long_ago_and_is_told_late_is_told(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 2)
        row = msgspec.structs.replace(told.row(8), at=CHANGED - timedelta(hours=1))
        late = told.say(erp, adapter, row)

        rows = _changes(adapter, told, since=CHANGED - timedelta(hours=2)).rows

        _are_told(told, [*said, late], rows)

    def test_what_is_told_again_with_another_content_has_the_new_one(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 2)
        changed = told.say(erp, adapter, told.changed(told.row(0)))

        rows = _changes(adapter, told).rows

        _are_told(told, [changed, said[1]], rows)

    def test_rows_that_are_repeated_and_out_of_order_are_handed_on_as_they_are(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 4)
        erp.rule("repeat_rows")
        erp.rule("disorder")

        rows = _changes(adapter, told).rows

        assert len(rows) == 8
        _are_told(told, said, rows[::2])
        assert list(rows[::2]) == list(rows[1::2])

    def test_a_row_that_cannot_be_read_keeps_no_other_from_being_read(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        said = _said(adapter, erp, told, 5)
        [name, *_] = told.number(said[2])
        erp.rule("spoil_row", field=told.spoils, row=name)

        told_of = _changes(adapter, told)

        _are_told(told, [*said[:2], *said[3:]], told_of.rows)
        [unreadable] = told_of.unreadable
        assert unreadable.reason
        assert name in unreadable.number
        assert _changes(adapter, told).unreadable == told_of.unreadable

    @pytest.mark.parametrize(
        ("misbehaviour", "settings"),
        [
            ("html_error", {"status": 200}),
            ("busy", {}),
            ("unauthorised", {}),
            ("throttle", {}),
            ("drop_before", {}),
            ("truncated_body", {}),
            ("malformed_json", {}),
            ("schema_change", {}),
        ],
    )
    def test_an_answer_that_cannot_be_trusted_never_says_that_there_is_no_news(
        self,
        adapter: ErpAdapter,
        erp: Erp,
        told: ToldDomain,
        misbehaviour: str,
        settings: dict[str, Any],
    ) -> None:
        _said(adapter, erp, told, 2)
        erp.rule(misbehaviour, **settings)

        with pytest.raises(Unavailable):
            _changes(adapter, told)

    def test_a_login_that_is_refused_will_be_refused_the_next_time(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        erp.rule("unauthorised")

        with pytest.raises(NotReached) as refused:
            _changes(adapter, told)

        assert refused.value.lasting

    def test_a_page_that_leads_to_itself_is_no_page(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        _said(adapter, erp, told, 4)
        erp.rule("same_page")

        with pytest.raises(Unavailable):
            _changes(adapter, told)

    def test_all_that_the_erp_has_is_told_without_a_moment(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        if not adapter.capabilities(told.name).tells_all:
            pytest.skip(f"the adapter does not tell all of {told.name}")
        said = _said(adapter, erp, told, 7)

        _are_told(told, said, _changes(adapter, told, since=None).rows)


def _said(adapter: ErpAdapter, erp: Erp, told: ToldDomain, count: int) -> list[Any]:
    """So many rows, which the ERP tells from now on."""
    return [told.say(erp, adapter, told.row(number)) for number in range(count)]


def _page(
    adapter: ErpAdapter, told: ToldDomain, since: datetime | None, page: str | int | None = None
) -> Page[msgspec.Struct]:
    assert isinstance(adapter, Telling)
    return adapter.changes(told.name, since, page)


def _changes(
    adapter: ErpAdapter, told: ToldDomain, since: datetime | None = LONG_AGO
) -> Page[msgspec.Struct]:
    """All pages in one."""
    whole = page = _page(adapter, told, since)
    while page.next is not None:
        page = _page(adapter, told, since, page.next)
        whole = Page(whole.rows + page.rows, None, whole.unreadable + page.unreadable)
    return whole


def _are_told(told: ToldDomain, said: Sequence[Any], rows: Sequence[Any]) -> None:
    """Each that was said once, in whatever order."""
    assert all(isinstance(row, told.news.row) for row in rows), rows
    by_number = {told.number(row): row for row in rows}
    assert len(rows) == len(by_number) == len(said)
    for row in said:
        _agree(row, by_number[told.number(row)])


def _agree(said: Any, row: Any) -> None:
    """Field by field; one that has its default was not told."""
    for field in msgspec.structs.fields(said):
        ours, theirs = getattr(said, field.name), getattr(row, field.name)
        if isinstance(ours, tuple) and isinstance(theirs, tuple) and theirs:
            assert len(ours) == len(theirs), field.name
            for our, their in zip(ours, theirs, strict=True):
                _agree(our, their)
        else:
            assert theirs in (ours, field.default), field.name
