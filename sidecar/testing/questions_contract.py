"""The part of the conformance kit that is about questions: what is there, and what is not.

An answer that cannot be trusted is never "nothing": the document would be booked a second time.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sidecar.model.errors import NotReached, Unavailable
from sidecar.model.outcome import Booked
from sidecar.ports import ErpAdapter, Listed
from sidecar.testing.contract_calls import (
    Erp,
    bookings,
    held,
    misbehave,
    plays,
    probe,
    push_one,
    require_list,
    require_probe,
    whole_list,
)
from sidecar.testing.contract_domain import ContractDomain


class QuestionsContract:
    """Tests of `probe` and `list`."""

    def test_a_probe_for_several_references_keeps_them_apart(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_probe(adapter, domain)
        adapter.push([domain.opening("000000001"), domain.opening("000000002")])
        asked = [domain.ref_of(number) for number in ("000000002", "000000003", "000000001")]

        booked = adapter.probe(domain.name, asked)

        for ref in asked:
            references = [each.reference for each in booked.get(ref, ())]
            assert references == [each.number for each in bookings(erp, domain, ref)]

    def test_a_probe_shows_every_document_of_a_double_booking(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        plays(domain, "double_booking")
        require_probe(adapter, domain)
        push_one(adapter, domain.opening())
        push_one(adapter, domain.opening())

        assert len(probe(adapter, domain)) == len(bookings(erp, domain)) == 2

    def test_a_stale_read_is_handed_on_and_the_next_one_is_asked_anew(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_probe(adapter, domain)
        push_one(adapter, domain.opening())
        misbehave(erp, domain, "stale_read", seconds=3600)

        assert probe(adapter, domain) == ()

        erp.clear_rules()
        assert len(probe(adapter, domain)) == 1

    @pytest.mark.parametrize(
        ("misbehaviour", "settings"),
        [
            ("html_error", {"status": 200}),
            ("busy", {}),
            ("unauthorised", {}),
            ("drop_before", {}),
            ("truncated_body", {}),
            ("malformed_json", {}),
            ("schema_change", {}),
        ],
    )
    def test_a_probe_that_cannot_be_trusted_never_says_that_there_is_nothing(
        self,
        adapter: ErpAdapter,
        erp: Erp,
        misbehaviour: str,
        settings: dict[str, Any],
        domain: ContractDomain,
    ) -> None:
        require_probe(adapter, domain)
        push_one(adapter, domain.opening())
        misbehave(erp, domain, misbehaviour, **settings)

        with pytest.raises(Unavailable):
            probe(adapter, domain)

    def test_a_login_that_is_refused_to_a_question_will_be_refused_to_the_next(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_probe(adapter, domain)
        misbehave(erp, domain, "unauthorised")

        with pytest.raises(NotReached) as refused:
            probe(adapter, domain)

        assert refused.value.lasting

    def test_the_list_has_every_document_once_over_all_pages(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_list(adapter, domain)
        adapter.push([domain.opening(f"{number:09}") for number in range(1, 8)])

        rows = whole_list(adapter, domain)

        # Typed, whoever wrote the adapter: a mapping would fail where nobody looks for it.
        assert all(isinstance(row, Listed) and isinstance(row.booked, Booked) for row in rows), rows
        listed = [(row.external, row.booked.reference) for row in rows]
        assert sorted(listed) == sorted((each.external, each.number) for each in held(erp, domain))

    def test_the_list_leaves_out_what_did_not_change_since(
        self, adapter: ErpAdapter, domain: ContractDomain
    ) -> None:
        require_list(adapter, domain)
        push_one(adapter, domain.opening())

        assert adapter.list(domain.name, datetime(2999, 1, 1, tzinfo=UTC)).rows == ()

    @pytest.mark.parametrize("misbehaviour", ["html_error", "truncated_body", "malformed_json"])
    def test_a_list_that_cannot_be_trusted_is_not_taken_for_a_short_one(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        require_list(adapter, domain)
        push_one(adapter, domain.opening())
        misbehave(erp, domain, misbehaviour)

        with pytest.raises(Unavailable):
            whole_list(adapter, domain)
