"""What is learnt of attempts: like answers together, codes that are none, batches, suggestions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.language.expression import compile_expression
from adapters.language.scope import Scope
from adapters.rest.call import RESPONSE
from sidecar.ledger.answers import AnsweredAttempt
from sidecar.operate.learning import Learning, Learnt, LearntAnswer
from sidecar.operate.suggestion import Suggestion

_FAULT_WORDS = "message: =response.fault.message"
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def attempt(minutes: int = 0, **told: Any) -> AnsweredAttempt:
    """An order that no line took; `body` is what the ERP answered."""
    body = told.pop("body", {"error": {"code": "E17", "message": "no"}})
    usual: dict[str, Any] = {
        "domain": "orders",
        "kind": "order",
        "number": f"{minutes:09}",
        "event_type": "order.placed",
        "operation": "push",
        "outcome": "unknown",
        "code": None,
        "http_status": 422,
        "milliseconds": 100,
        "timed_out": False,
        "answer": body if isinstance(body, str) else json.dumps(body),
        "predicate": "none",
        "doubt": None,
        "events": 1,
        "is_call": True,
        "at": NOON - timedelta(minutes=minutes),
    }
    return AnsweredAttempt(**{**usual, **told})


def learnt(*attempts: AnsweredAttempt, zone: str = "UTC") -> Learnt:
    learning = Learning(
        ZoneInfo(zone), lambda domain, number: number, {"orders": "order.placed"}
    )  # fmt: skip
    newest_first = sorted(attempts, key=lambda one: one.at, reverse=True)
    return learning.learn(newest_first, NOON - timedelta(days=1), ("orders",))


def only(found: Sequence[LearntAnswer]) -> LearntAnswer:
    (answer,) = found
    return answer


def suggested(**told: Any) -> Suggestion:
    answer = only(learnt(attempt(**told)).answers)
    assert answer.suggestion is not None
    return answer.suggestion


def test_answers_of_one_shape_are_one_whatever_was_cut_or_left_out() -> None:
    whole = {"error": {"code": "E17", "message": "no", "field": "sku"}}
    answers = learnt(
        attempt(1, body=whole),
        attempt(2),
        attempt(3, body='{"error": {"code": "E17", "mess'),
        attempt(4, body={"error": {"code": "E17", "message": None}}),
    ).answers

    answer = only(answers)
    assert (answer.count, answer.example, answer.code) == (4, "000000001", "E17")
    assert answer.shape == "{error: {code: text, message: text or null, field?: text}}"


def test_what_is_different_each_time_is_no_code() -> None:
    answers = learnt(
        *(attempt(n, body={"error": {"code": f"C{n}", "message": "no"}}) for n in range(30))
    ).answers

    answer = only(answers)
    assert (answer.count, answer.code) == (30, None)
    assert answer.suggestion is not None
    assert "C1" not in str(answer.suggestion)


def test_names_that_are_made_of_data_are_not_printed_one_by_one() -> None:
    answers = learnt(
        *(attempt(n, body={"errors": {f"p{n}@example.com": "no", f"{n}": 1}}) for n in range(30))
    ).answers

    assert only(answers).shape == "{errors: {(name): mixed}}"


def test_many_shapes_are_told_as_others() -> None:
    answers = learnt(*(attempt(n, body={f"field_{n}": 1, "x": n}) for n in range(20))).answers

    assert len(answers) == 13
    assert {one.count for one in answers if one.form == "others"} == {8}
    assert sum(one.count for one in answers) == 20


def test_the_last_question_after_an_answer_says_whether_it_was_booked() -> None:
    def asked(minutes: int, outcome: str) -> AnsweredAttempt:
        return attempt(
            minutes, number="7", operation="probe", predicate="ok", outcome=outcome,
            http_status=None,
        )  # fmt: skip

    answers = learnt(
        attempt(9, number="7"),
        asked(8, "unknown"),
        asked(7, "pending"),
        attempt(6, number="7", http_status=500),
        asked(5, "unknown"),
        asked(4, "accepted"),
    ).answers

    by_status = {one.http_status: one for one in answers if one.operation == "push"}
    assert (by_status[422].held, by_status[422].absent) == (0, 1)
    assert (by_status[500].held, by_status[500].absent) == (1, 0)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (400, "rejected: =response.status == 400"),
        (409, "duplicate: =response.status == 409"),
        (412, "conflict: =response.status == 412"),
        (423, "retry: =response.status == 423"),
        (429, "throttled: =response.status == 429"),
        (404, "misconfigured: =response.status == 404"),
        (799, None),
        (500, None),
        (503, None),
    ],
)
def test_a_status_that_says_so_by_itself_is_suggested(status: int, line: str | None) -> None:
    lines = suggested(http_status=status).lines

    assert (lines[0] if lines else None) == line


def test_a_change_that_meets_another_document_is_a_conflict() -> None:
    assert suggested(http_status=409, event_type="order.updated").lines[0].startswith("conflict: ")


def test_a_success_is_called_a_refusal_by_its_own_code_only() -> None:
    coded = suggested(http_status=200, body={"odata.error": {"code": "E17", "message": "no"}})
    silent = suggested(http_status=200, body={"result": "?"})

    assert coded.lines[0] == (
        "rejected: =response.status == 200 and "
        "response.body['odata.error'].code | string in ['E17']"
    )
    assert silent.lines == ()
    for line in coded.lines:
        source = line.partition(": =")[2]
        assert compile_expression(source, Scope({"response": RESPONSE})).source == source


def test_a_code_that_speaks_of_the_servers_own_trouble_is_called_no_refusal() -> None:
    code = {"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}
    told = suggested(http_status=200, body=code)

    assert told.lines == ()
    assert "may come after the booking" in told.why


def test_a_success_of_another_shape_is_compared_with_the_usual_one() -> None:
    booked = {"http_status": 201, "predicate": "accepted", "outcome": "accepted"}
    answers = learnt(
        attempt(1, body={"number": "SO-1", "total": 1}, **booked),
        attempt(2, body={"documentNumber": "SO-2", "total": 1}, http_status=201),
    ).answers

    (changed,) = (one for one in answers if one.predicate == "none")
    assert changed.suggestion is not None
    assert "response.body.number is not in it" in changed.suggestion.why
    assert "response.body.documentNumber is new" in changed.suggestion.why
    assert changed.suggestion.lines == ()


@pytest.mark.parametrize("outcome", ["accepted", "unfinished", "partial"])
def test_nothing_that_was_booked_all_the_same_is_called_a_refusal(outcome: str) -> None:
    answers = learnt(
        attempt(2, number="7"),
        attempt(1, number="7", operation="probe", predicate="ok", outcome=outcome),
    ).answers

    (refused,) = (one for one in answers if one.operation == "push")
    assert refused.suggestion == Suggestion(
        (), "1 of them had been booked all the same: no line may call it a refusal"
    )


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("s:Client", ("rejected: =response.fault.code in ['Client']", _FAULT_WORDS)),
        ("s:Server.userException", ()),
    ],
)
def test_a_fault_of_soap_is_read_as_one(code: str, lines: tuple[str, ...]) -> None:
    fault = f"<E><Body><Fault><faultcode>{code}</faultcode></Fault></Body></E>"

    assert suggested(http_status=500, body=fault).lines == lines


def test_a_call_with_many_events_is_one_call() -> None:
    shared = [attempt(0, number=str(n), events=7, milliseconds=900) for n in range(7)]
    alone = [attempt(1, milliseconds=100), attempt(2, milliseconds=200)]

    late, early = sorted(learnt(*shared, *alone).hours, key=lambda hour: hour.hour, reverse=True)
    assert (late.hour, late.calls, late.median, late.worst) == (12, 1, 900, 900)
    assert (early.hour, early.calls, early.median, early.worst) == (11, 2, 100, 200)


def test_hours_are_those_of_the_shop_and_count_what_was_not_answered() -> None:
    silent = {"http_status": None, "predicate": None, "answer": None}
    (hour,) = learnt(
        attempt(1, timed_out=True, milliseconds=20_000, **silent),
        attempt(2, milliseconds=1, **silent),
        attempt(3),
        attempt(4, is_call=False),
        zone="America/New_York",
    ).hours

    assert (hour.hour, hour.calls, hour.timeouts, hour.unanswered) == (6, 3, 1, 1)
    assert (hour.median, hour.worst) == (100, 20_000)
