"""An answer that is not certainly the ERP's own "not booked" is doubt, and never a denial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from adapters.calls.answer import DENIALS, PREDICATES, VALUES, Answer, Predicate
from adapters.calls.fields import Fields
from adapters.http.transport import Reply, Request
from adapters.language.expression import compile_expression
from adapters.language.scope import Scope
from adapters.rest.call import RESPONSE, Response
from sidecar.model.outcome import Accepted, Duplicate, Outcome, Rejected, Unknown, name_of
from sidecar.ports import Exchange

SCOPE = Scope({"response": RESPONSE})
GATEWAYS = [408, 499, 502, 503, 504, 520, 522, 524, 530, 599]
#: As a booking of the demonstration is answered.
BOOKED: Mapping[str, Any] = {
    "ok": True,
    "number": "SO-1",
    "state": "OPEN",
    "error": None,
    "lines": [{"sku": "A"}],
}


def answer(**lines: str) -> Answer:
    return Answer(
        tuple(
            Predicate(name, compile_expression(lines[name], SCOPE, question=True))
            for name in lines
            if name in PREDICATES
        ),
        Fields({name: compile_expression(lines[name], SCOPE) for name in lines if name in VALUES}),
    )


def outcome(of: Answer, status: int, body: str | bytes, mime: str = "application/json") -> Outcome:
    content = body.encode() if isinstance(body, str) else body
    headers = CaseInsensitiveDict({"Content-Type": mime})
    exchange = Exchange("POST /orders", status, 0.1, content[:50].decode(errors="replace"))
    reply = Reply(status, headers, content, exchange, Request("POST", "/orders"))
    response = Response(reply)
    return of.outcome({"response": response, "link": None}, response.evidence(reply))


# Gateways


@pytest.mark.parametrize("status", GATEWAYS)
@pytest.mark.parametrize("body", ["", "<html>gone</html>", "{}", '{"message": "timeout"}'])
@pytest.mark.parametrize("denial", sorted(DENIALS))
def test_what_a_gateway_answers_is_doubt_whatever_the_file_says(
    status: int, body: str, denial: str
) -> None:
    of = answer(**{denial: "response.status >= 400", "accepted": "response.status == 201"})

    assert isinstance(outcome(of, status, body), Unknown)


@pytest.mark.parametrize("status", GATEWAYS)
def test_a_line_that_looks_at_the_body_does_not_make_a_gateway_s_answer_certain(
    status: int,
) -> None:
    of = answer(retry="response.body.message is defined")

    assert isinstance(outcome(of, status, '{"message": "Endpoint request timed out"}'), Unknown)


def test_too_many_requests_stays_throttled_and_a_refusal_a_refusal() -> None:
    of = answer(throttled="response.status == 429", rejected="response.status == 422")

    assert name_of(outcome(of, 429, "<html>slow down</html>")) == "throttled"
    assert name_of(outcome(of, 422, "")) == "rejected"


@pytest.mark.parametrize("body", ["", "<html>", '{"number": "SO-1"', "OK"])
@pytest.mark.parametrize("status", [200, 201, 202, 301, 500])
def test_what_is_not_the_interface_s_answer_is_no_not_booked(status: int, body: str) -> None:
    of = answer(rejected="response.status != 203")

    assert isinstance(outcome(of, status, body), Unknown)


def test_an_interface_of_text_may_say_it_in_its_text() -> None:
    of = answer(retry="response.body == 'BUSY'")

    assert name_of(outcome(of, 200, "BUSY", "text/plain")) == "retry"


# What is not there


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        '"text"',
        "4711",
        "[]",
        '{"number": "SO-1"',
        '{"a": 1, "a": 2}',
        '{"a": 1}]',
        '{"Error": {"code": 1}}',
        '{"n": 1e999999}',
        "[" * 200 + "]" * 200,
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        "response.body.error is not defined",
        "not response.body.error is defined",
        "response.body.error | default('none') == 'none'",
        "(response.body.error | default([])) == []",
    ],
)
def test_that_something_is_not_in_what_cannot_be_read_is_no_answer(body: str, line: str) -> None:
    for denial in DENIALS:
        assert isinstance(outcome(answer(**{denial: line}), 200, body), Unknown)


@pytest.mark.parametrize("said", ['"false"', '"N"', '"0"', '"True"', '"true"', '""', "null"])
def test_a_text_or_nothing_is_neither_yes_nor_no(said: str) -> None:
    body = f'{{"ok": {said}, "number": "SO-1"}}'
    for line in (
        "not response.body.ok",
        "response.body.ok == false" if said != "null" else "not response.body.ok",
        "not (response.body.ok and response.status == 200)",
        "response.status == 200 and not response.body.ok",
        "false if response.body.ok else not response.body.ok",
    ):
        assert isinstance(outcome(answer(rejected=line), 200, body), Unknown), line
    booked = outcome(
        answer(accepted="response.body.ok", reference="response.body.number"), 200, body
    )
    assert isinstance(booked, Unknown)


@given(
    said=st.recursive(st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
@pytest.mark.parametrize(
    "line",
    [
        "response.body.ok",
        "not response.body.ok",
        "not not response.body.ok",
        "not (response.body.ok and true)",
        "response.body.ok or true",
        "(response.body.ok or false) == false",
        "(response.body.ok and true) is none",
        "true if response.body.ok else true",
        "response.body.ok if response.body.ok else true",
        "response.body.ok | default(false)",
        "not (response.body.ok | default(false))",
    ],
)
def test_what_has_parts_is_neither_yes_nor_no(line: str, said: object) -> None:
    body = json.dumps({"ok": {} if said is None else said, "number": "SO-1"})
    for predicate in DENIALS | {"accepted", "duplicate"}:
        of = answer(reference="response.body.number", **{predicate: line})
        assert isinstance(outcome(of, 200, body), Unknown)


@pytest.mark.parametrize(("errors", "refused"), [("[]", False), ('["no credit"]', True)])
def test_a_list_is_asked_for_its_length(errors: str, refused: bool) -> None:
    of = answer(
        rejected="response.body.errors | length > 0",
        accepted="response.body.errors | length == 0",
        reference="response.body.number",
    )
    said = outcome(of, 200, f'{{"errors": {errors}, "number": "SO-1"}}')

    assert isinstance(said, Rejected if refused else Accepted)


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("response.body.ok != true", '{"ok": "True"}'),
        ("response.body.code != 0", '{"code": "0"}'),
        ("response.body.code not in [0, 1]", '{"code": "0"}'),
        ("response.body.errors != []", '{"errors": {}}'),
        ("response.body.state != 'OPEN'", '{"state": 1}'),
    ],
)
def test_what_cannot_be_equal_is_not_called_different(line: str, body: str) -> None:
    assert isinstance(outcome(answer(rejected=line), 200, body), Unknown)


@pytest.mark.parametrize("said", [True, 1])
def test_a_truth_value_and_a_number_say_yes(said: object) -> None:
    of = answer(accepted="response.body.ok", reference="response.body.number")
    body = json.dumps({"ok": said, "number": "SO-1"})

    assert isinstance(outcome(of, 200, body), Accepted)


# References


@pytest.mark.parametrize(
    "reference",
    [
        "false",
        "true",
        "0",
        "0.0",
        "-1",
        "[]",
        "{}",
        "null",
        '""',
        '"  "',
        '"false"',
        '"True"',
        '"NaN"',
        '"null"',
        '"undefined"',
        '"0"',
        '"000"',
        '"[object Object]"',
        '"?"',
        '"--"',
        '"()"',
        '"[ ]"',
        '"\u200b"',
        '"N/A"',
        '"Infinity"',
        '"a\\nb"',
        "[1]",
        '"' + "x" * 101 + '"',
    ],
)
def test_what_cannot_be_a_reference_is_never_accepted_under(reference: str) -> None:
    of = answer(accepted="response.status == 201", reference="response.body.number")
    duplicate = answer(duplicate="response.status == 201", reference="response.body.number")
    body = f'{{"number": {reference}}}'

    assert isinstance(outcome(of, 201, body), Unknown)
    assert outcome(duplicate, 201, body) == Duplicate(reference=None)


@pytest.mark.parametrize(("given", "told"), [("4711", "4711"), ('"SO-1"', "SO-1"), ("7.0", "7")])
def test_a_number_is_a_reference(given: str, told: str) -> None:
    of = answer(accepted="response.status == 201", reference="response.body.number")
    booked = outcome(of, 201, f'{{"number": {given}}}')

    assert isinstance(booked, Accepted)
    assert booked.booked.reference == told


# Pages for people


@pytest.mark.parametrize(
    ("body", "mime"),
    [
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "text/html; charset=utf-8"),
        ("\ufeff\n<!doctype HTML>", "text/plain"),
        ("<HTML><title>Maintenance</title>", ""),
        ("<p>Sign in</p>", "text/html"),
    ],
)
@pytest.mark.parametrize("said", ["accepted", "partial", "duplicate"])
@pytest.mark.parametrize("status", [200, 202])
def test_a_page_with_status_200_is_no_yes_of_a_line_that_looks_at_the_status_alone(
    said: str, body: str, mime: str, status: int
) -> None:
    """Such a line is that of a cancel: believed, canceled goods would be shipped."""
    of = answer(**{said: "response.status in [200, 202]", "reference": "'SO-1'"})

    assert isinstance(outcome(of, status, body, mime), Unknown)


@pytest.mark.parametrize(
    ("body", "mime"),
    [("", ""), ("OK", "text/html"), ("{}", "text/html"), ("<ok/>", "application/xml")],
)
def test_what_is_no_page_may_be_a_yes_by_its_status(body: str, mime: str) -> None:
    of = answer(accepted="response.status == 200", reference="'SO-1'")

    assert isinstance(outcome(of, 200, body, mime), Accepted)


def test_an_interface_that_answers_in_html_may_say_it_there() -> None:
    of = answer(accepted="'booked' in response.body", reference="'SO-1'")

    assert isinstance(outcome(of, 200, "<html>booked</html>", "text/html"), Accepted)


# The rule


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value, renamed, in another case, of another type, or emptied, at one place or none."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        rest = {key: one for key, one in value.items() if key != name}
        match draw(st.sampled_from(["deeper", "gone", "upper", "renamed", "extra"])):
            case "gone":
                return rest
            case "upper":
                return {**rest, name.upper(): value[name]}
            case "renamed":
                return {**rest, f"{name}_v2": value[name]}
            case "extra":
                return {**value, "extra": value[name]}
        return {**rest, name: _mutated(draw, value[name])}
    return draw(
        st.sampled_from(
            [value, None, [], {}, "", "  ", str(value), [value], {"value": value}, False, 0]
        )
    )


@st.composite
def _answers(draw: st.DrawFn) -> bytes:
    tree = _mutated(draw, dict(BOOKED))
    content = json.dumps(tree).encode()
    match draw(st.sampled_from(["whole", "cut", "more", "html"])):
        case "cut":
            return content[: draw(st.integers(0, max(0, len(content) - 1)))]
        case "more":
            return content + draw(st.sampled_from([b"}", b"\0", b"<!-- -->", b" {}"]))
        case "html":
            return b"<html>" + content + b"</html>"
    return content


@given(_answers(), st.sampled_from([200, 201, 500, *GATEWAYS]))
def test_no_mutation_of_a_booking_s_answer_denies_it(content: bytes, status: int) -> None:
    """The lines say "refused" only by what the ERP says: `ok` is no, or there is an error."""
    of = answer(
        accepted="response.status in [200, 201] and response.body.ok == true",
        rejected="response.body.ok == false and response.body.error.code is defined",
        retry="response.status == 500 or response.status >= 502",
        reference="response.body.number",
    )
    came = outcome(of, status, content)

    assert not isinstance(came, Rejected)
    if isinstance(came, Accepted):
        assert came.booked.reference == "SO-1" or "SO-1" in came.booked.reference
    if name_of(came) == "retry":
        assert status == 500  # in JSON, as the mapping wants it
