"""What an answer comes to: the first line that is true decides, and doubt is never success."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from adapters.calls.answer import PREDICATES, VALUES, Answer, BatchAnswer, Evidence, Predicate
from adapters.calls.fields import Fields, Lines
from adapters.language.expression import Expression, compile_expression, compile_loop
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING
from sidecar.model.outcome import (
    Accepted,
    Booked,
    BookedLine,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
    describe,
)
from sidecar.ports import Link
from sidecar.testing.sample_order import placed, simple_order

SCOPE = Scope(dict.fromkeys(["response", "result", "event", "ref", "link"], ANYTHING))
SEEN = Evidence("HTTP 200", "<html>\n  <h1>Hello</h1>")


def expression(source: str) -> Expression:
    return compile_expression(source, SCOPE)


def answer(**lines: str) -> Answer:
    """The lines as in a file; the order of the keywords is the order of the predicates."""
    return Answer(
        tuple(Predicate(name, expression(lines[name])) for name in lines if name in PREDICATES),
        Fields({name: expression(lines[name]) for name in lines if name in VALUES}),
    )


def outcome(of: Answer, body: Any, seen: Evidence = SEEN, **values: Any) -> Outcome:
    return of.outcome({"response": {"status": 200, "body": body}, "link": None, **values}, seen)


BOOKING = answer(
    accepted="response.body.ok",
    partial="response.body.draft",
    rejected="response.body.error is defined",
    reference="response.body.number",
    status="response.body.state",
    total="response.body.total",
    tax="response.body.tax",
    lines="response.body.lines | length",
    code="response.body.error.code",
    message="response.body.error.text",
)


def test_the_first_line_that_is_true_decides() -> None:
    both = answer(retry="response.body.busy", rejected="true", message="response.body.text")

    assert outcome(both, {"busy": True, "text": "later"}) == Retry(message="later")
    assert outcome(both, {"busy": False, "text": "no"}) == Rejected(message="no")


def test_an_acceptance_has_what_the_erp_says_of_the_document() -> None:
    body = {"ok": True, "number": 4711, "state": "OPEN", "total": "12.30", "tax": 2, "lines": [1]}

    assert outcome(BOOKING, body) == Accepted(
        booked=Booked(
            reference="4711", status="OPEN", total=Decimal("12.30"), tax=Decimal(2), lines=1
        )
    )


def test_figures_that_cannot_be_read_are_left_out_and_noted() -> None:
    body = {"ok": True, "number": "A", "state": None, "total": "12,30", "lines": None}

    accepted = outcome(BOOKING, body)

    assert isinstance(accepted, Accepted)
    assert accepted.booked == Booked(
        reference="A", unread="total: a text is not a number; tax: response.body has no 'tax'"
    )
    assert describe(accepted) == f"accepted as A; not compared: {accepted.booked.unread}"


# Lines


def with_items(body: Any, each: str = "line in response.body.lines", **leaves: str) -> Booked:
    """The acceptance of an answer whose lines are mapped so."""
    loop = compile_loop(each, SCOPE)
    fields = {name: compile_expression(leaf, loop.scope) for name, leaf in leaves.items()}
    lines = answer(accepted="true", reference="'A'", total="response.body.total")
    told = replace(lines, fields=replace(lines.fields, items=Lines(loop, Fields(fields))))
    accepted = outcome(told, {"total": 1, **body})
    assert isinstance(accepted, Accepted), accepted
    return accepted.booked


EVERY_FIGURE = {
    "item_id": "line.id",
    "sku": "line.item",
    "qty_ordered": "line.quantity",
    "price": "line.price",
    "row_total": "line.net + line.discount",
    "discount_amount": "line.discount",
    "tax_amount": "line.tax",
}


def test_lines_are_read_as_the_file_says_and_counted() -> None:
    line = {"id": "7", "item": 4711, "quantity": "2.000", "price": Decimal("9.99"), "net": 18,
            "discount": Decimal("1.98"), "tax": None}  # fmt: skip

    booked = with_items({"lines": [line]}, **EVERY_FIGURE)

    assert booked.items == (
        BookedLine(
            item_id=7,
            sku="4711",
            qty_ordered=Decimal(2),
            price=Decimal("9.99"),
            row_total=Decimal("19.98"),
            discount_amount=Decimal("1.98"),
        ),
    )
    assert (booked.lines, booked.unread) == (1, "")


def test_what_cannot_be_read_of_a_line_is_left_out_and_noted_once_a_figure() -> None:
    lines = [{"item": "A", "id": "A-1", "price": "cheap"}, {"item": "B", "id": 7}, "C"]

    booked = with_items(
        {"lines": lines}, item_id="line.id", sku="line.item", price="line.price | default(none)"
    )

    assert booked.items == (BookedLine(sku="A"), BookedLine(sku="B", item_id=7), BookedLine())
    assert booked.unread == (
        "items.item_id: a text is not a number; items.price: a text is not a number; "
        "items.sku: line is a text and has no 'item'"
    )


@pytest.mark.parametrize("huge", ["1e999999999", "-1e13", 10**13, "NaN", "Infinity", True])
def test_a_figure_beyond_all_measure_is_no_figure(huge: object) -> None:
    booked = with_items({"lines": [{"sku": "A", "q": huge}], "total": huge},
                        sku="line.sku", qty_ordered="line.q")  # fmt: skip

    assert (booked.total, booked.items) == (None, (BookedLine(sku="A"),))
    assert "total: " in booked.unread
    assert "items.qty_ordered: " in booked.unread


@pytest.mark.parametrize("body", [{}, {"lines": None}, {"lines": {"sku": "A"}}, {"lines": "A"}])
def test_lines_that_are_no_list_are_not_taken_for_none(body: dict[str, Any]) -> None:
    booked = with_items(body, sku="line.sku")

    assert (booked.items, booked.lines) == (None, None)
    assert booked.unread.startswith("items: ")


def test_a_list_without_lines_is_one() -> None:
    booked = with_items({"lines": []}, sku="line.sku")

    assert (booked.items, booked.lines, booked.unread) == ((), 0, "")


def test_lines_of_the_erp_s_own_are_left_out_by_a_condition() -> None:
    lines = [{"sku": "A"}, {"sku": "SHIPPING"}]

    booked = with_items(
        {"lines": lines}, "line in response.body.lines if line.sku != 'SHIPPING'", sku="line.sku"
    )

    assert (booked.items, booked.lines) == ((BookedLine(sku="A"),), 1)


@pytest.mark.parametrize(
    "number", [{}, {"number": None}, {"number": ""}, {"number": " "}, {"number": {}}]
)
def test_an_acceptance_without_its_reference_is_unknown(number: dict[str, Any]) -> None:
    found = outcome(BOOKING, {"ok": True, **number})

    assert isinstance(found, Unknown)
    assert "accepted, but the answer has no reference" in found.message


def test_a_draft_without_its_reference_is_unknown() -> None:
    assert isinstance(outcome(BOOKING, {"ok": False, "draft": True}), Unknown)


def test_a_draft_says_what_is_missing() -> None:
    body = {"ok": False, "draft": True, "number": "A", "state": "DRAFT"}

    assert outcome(BOOKING, body) == Partial(
        booked=Booked(
            reference="A",
            status="DRAFT",
            unread="total: response.body has no 'total'; tax: response.body has no 'tax'; "
            "lines: response.body has no 'lines'",
        ),
        what="DRAFT",
    )


def test_the_page_of_a_proxy_is_unknown_and_names_what_was_missing() -> None:
    found = outcome(answer(accepted="response.body.ok", reference="response.body.n"), "<html>")

    assert found == Unknown(
        message="no line of the answer fits (accepted: response.body is a text and has no 'ok'); "
        "HTTP 200: <html> <h1>Hello</h1>"
    )


def test_a_line_that_cannot_be_asked_does_not_hide_a_later_one_that_can() -> None:
    lines = answer(accepted="response.body.ok", misconfigured="response.status == 200")

    assert isinstance(outcome(lines, "<html>"), Misconfigured)


@pytest.mark.parametrize("said", ["false", "N", "0", "true", "", "OK"])
def test_a_text_is_neither_true_nor_false(said: str) -> None:
    found = outcome(answer(accepted="response.body.ok", reference="1"), {"ok": said})

    assert isinstance(found, Unknown)
    assert "is a text, not true or false; compare it" in found.message


def test_no_line_that_fits_is_unknown() -> None:
    assert isinstance(outcome(answer(accepted="false", rejected="false"), {}), Unknown)


def test_a_success_with_a_broken_body_is_not_believed() -> None:
    seen = Evidence("HTTP 201", unreadable="the body is not valid JSON")
    lines = answer(accepted="response.status == 200", reference="'A'")

    found = outcome(lines, {}, seen)

    assert found == Unknown(message="accepted, but the body is not valid JSON; HTTP 201")


def test_a_later_event_finds_its_reference_in_the_link() -> None:
    lines = answer(accepted="true", status="response.body.state")

    found = outcome(lines, {"state": "CANCELED"}, link=Link("SO-7"))

    assert found == Accepted(booked=Booked(reference="SO-7", status="CANCELED"))


def test_a_refusal_without_words_quotes_the_answer() -> None:
    found = outcome(BOOKING, {"ok": False, "draft": False, "error": {}})

    assert found == Rejected(message="HTTP 200: <html> <h1>Hello</h1>")


def test_a_duplicate_may_or_may_not_name_its_document() -> None:
    lines = answer(duplicate="true", reference="response.body.number")

    assert outcome(lines, {"number": "A"}) == Duplicate(reference="A")
    assert outcome(lines, {}) == Duplicate()


@pytest.mark.parametrize(
    ("body", "expected"), [({"wait": 12}, 12), ({"wait": "1.5"}, 1.5), ({"wait": -3}, 0), ({}, 7)]
)
def test_the_wait_is_as_mapped_and_else_as_the_header_says(body: Any, expected: float) -> None:
    lines = answer(throttled="true", after="response.body.wait")

    assert outcome(lines, body, Evidence("HTTP 429", after=7)) == Throttled(
        message="HTTP 429", after=expected
    )


# Batches


def batch(**lines: str) -> BatchAnswer:
    lines = {"accepted": "result.ok", "rejected": "not result.ok", **lines}
    each = answer(reference="result.number", message="result.error", **lines)
    names = frozenset({"result"})
    whole = tuple(line for line in each.predicates if not line.names & names)
    return BatchAnswer(
        ok=Predicate("ok", expression("response.status == 200")),
        results=expression("response.body.results"),
        match=expression("result.external"),
        each=each,
        whole=Answer(whole, each.fields.free_of(names)),
    )


def events(*numbers: str) -> list[dict[str, Any]]:
    deliveries = [placed(simple_order(number)) for number in numbers]
    return [{"event": each.event, "ref": each.ref, "link": None} for each in deliveries]


def outcomes(
    of: BatchAnswer, results: object, *numbers: str, status: int = 200
) -> tuple[list[Outcome] | None, str]:
    values = {"response": {"status": status, "body": {"results": results}}}
    judged, note = of.judged(values, events(*numbers), Evidence(f"HTTP {status}"))
    return None if judged is None else [one.outcome for one in judged], note


def test_the_name_that_calls_need_is_kept_beside_the_one_that_people_use() -> None:
    keyed = answer(accepted="true", reference="response.body.name", key="response.body.id")
    later = answer(accepted="true", key="response.body.id")

    assert outcome(keyed, {"name": "S00042", "id": 42}) == Accepted(
        booked=Booked(reference="S00042", key="42")
    )
    missing = outcome(keyed, {"name": "S00042"})
    assert isinstance(missing, Accepted)
    assert (missing.booked.key, missing.booked.unread) == (None, "key: is none")
    kept = outcome(later, {}, link=Link("S00042", key="42"))
    assert isinstance(kept, Accepted)
    assert kept.booked.key == "42"


def test_results_are_matched_by_reference_in_any_order() -> None:
    results = [
        {"external": "000000002", "ok": False, "error": "no credit"},
        {"external": "000000001", "ok": True, "number": "A"},
    ]

    assert outcomes(batch(), results, "000000001", "000000002") == (
        [Accepted(booked=Booked(reference="A")), Rejected(message="no credit")],
        "",
    )


def test_an_event_without_a_result_is_unknown_and_a_stranger_s_result_is_noted() -> None:
    results = [{"external": "000000009", "ok": True, "number": "A"}, {"ok": True, "number": "B"}]

    [found], note = outcomes(batch(), results, "000000001")  # type: ignore[misc]

    assert isinstance(found, Unknown)
    assert note == "2 results belong to nothing that was sent"


def test_two_results_for_one_event_are_unknown() -> None:
    results = [{"external": "000000001", "ok": True, "number": number} for number in "AB"]

    [found], _ = outcomes(batch(), results, "000000001")  # type: ignore[misc]

    assert isinstance(found, Unknown)
    assert "2 results" in found.message


@pytest.mark.parametrize("results", [None, {}, "text", 1])
def test_results_that_are_no_list_leave_all_unknown(results: object) -> None:
    found, _ = outcomes(batch(), results, "000000001", "000000002")

    assert [type(each) for each in found or ()] == [Unknown, Unknown]


def test_an_answer_that_is_none_leaves_all_unknown() -> None:
    found, _ = outcomes(batch(), [], "000000001", "000000002", status=500)

    assert [type(each) for each in found or ()] == [Unknown, Unknown]


def test_a_throttled_batch_was_not_booked() -> None:
    lines = batch(throttled="response.status == 429")

    found, _ = outcomes(lines, [], "000000001", "000000002", status=429)

    assert [type(each) for each in found or ()] == [Throttled, Throttled]


def test_a_batch_that_is_refused_whole_is_to_be_sent_in_smaller_ones() -> None:
    lines = batch(rejected="response.status == 422")

    assert outcomes(lines, [], "000000001", "000000002", status=422) == (None, "")
    found, _ = outcomes(lines, [], "000000001", status=422)
    assert [type(each) for each in found or ()] == [Rejected]
