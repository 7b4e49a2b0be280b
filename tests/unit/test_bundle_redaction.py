"""What a support bundle keeps of a log line, a mapping and a text, and what it strikes out."""

from __future__ import annotations

import json

from sidecar.bundle.redact import Redactor, log_line, mapping


def kept(**told: object) -> dict[str, object]:
    line = log_line(json.dumps(told))
    assert line is not None
    return dict(json.loads(line))


def test_a_log_line_keeps_numbers_and_names_and_loses_sentences() -> None:
    assert kept(
        ts="2026-11-23T08:56:58.469+00:00",
        event="delivery.rejected",
        number="000000042",
        corr="demo.order.42.1",
        code="credit_limit",
        message="Jane Doe's credit is used up",
        milliseconds=20,
        customer="Jane",
    ) == {
        "ts": "2026-11-23T08:56:58.469+00:00",
        "event": "delivery.rejected",
        "number": "000000042",
        "corr": "demo.order.42.1",
        "code": "credit_limit",
        "milliseconds": 20,
    }


def test_a_field_of_ours_that_holds_somebody_s_words_is_left_out() -> None:
    assert kept(code="the customer jane@example.com, of Berlin, is blocked for good") == {}
    assert kept(reference="jane@example.com") == {}
    assert kept(code="Jane Doe") == {}
    failed = {"station": "trigger watch", "failure": "no complete answer within 30 s"}
    assert kept(**failed) == failed


def test_our_own_messages_stay_without_what_they_quote() -> None:
    told = kept(
        event="station.failed", message="refused (1062: Duplicate entry 'Jane' for key 'x')"
    )
    assert told["message"] == "refused (1062: Duplicate entry '***' for key '***')"


def test_what_is_no_json_object_is_no_log_line() -> None:
    assert [log_line("Jane Doe ordered"), log_line('"Jane"'), log_line("")] == [None, None, None]


def test_a_mapping_keeps_its_constants_but_not_those_that_are_called_secret() -> None:
    calls = {
        "push": {
            "headers": {
                "X-Api-Key": "abc",
                "Authorization": "='Bearer ' ~ secret.token",
                "Accept": "x",
            },
            "body": {"channel": "WEB", "passwords": ["one"], "line": [{"unit": "PCE"}]},
        }
    }
    assert mapping(calls) == {
        "push": {
            "headers": {
                "X-Api-Key": "***",
                "Authorization": "='Bearer ' ~ secret.token",
                "Accept": "x",
            },
            "body": {"channel": "WEB", "passwords": ["***"], "line": [{"unit": "PCE"}]},
        }
    }


def test_known_secrets_go_in_every_form_in_which_a_text_may_hold_them() -> None:
    strike = Redactor(["s3cret", 'with"quote', "s3cret-and-more"], ["Ada is on holiday"])
    text = (
        'a s3cret-and-more b s3cret c "with\\"quote" d Ada is on holiday, jane.doe@mail.example.com'
    )
    assert strike(text) == 'a *** b *** c "***" d ***, ***'
    assert strike("https://user:word@erp/x") == "https://***@erp/x"


def test_a_secret_of_three_letters_does_not_make_a_text_unreadable() -> None:
    assert Redactor(["a", ""])("a banana") == "a banana"
