from __future__ import annotations

from sidecar.model.settlement import error_print
from sidecar.observe.discretion import discreet


def test_the_words_of_an_erp_are_left_out_and_lead_to_by_their_print() -> None:
    words = "customer Ada Lovelace <ada@example.com> is blocked"
    told = discreet("delivery.rejected", {"order": "42", "code": "blocked", "message": words})
    assert told == {"order": "42", "code": "blocked", "cause": error_print("blocked", words)}


def test_a_code_that_is_a_sentence_or_an_address_is_none() -> None:
    for code in ("Ada Lovelace", "ada@example.com", "x" * 41):
        assert "code" not in discreet("delivery.rejected", {"code": code, "message": "no"})


def test_a_code_that_looks_like_a_key_or_a_telephone_number_is_none() -> None:
    for code in ("4f3a9c8b7d6e5f4a", "tok:a1b2c3", "01761234567", "Secret7x-tok3n9z", "***"):
        assert "code" not in discreet("delivery.rejected", {"code": code, "message": "no"})


def test_codes_of_erps_are_kept() -> None:
    for code in ("USER_ERROR", "E-1042", "0x80040E14", "ERR42B", "422", "SD042", "s:Client.1"):
        assert discreet("delivery.rejected", {"code": code, "message": "no"})["code"] == code


def test_how_a_call_failed_is_said_in_our_own_words_alone() -> None:
    words = (
        "GET /customers/ada@example.com: not sent: ConnectionRefusedError: "
        "[Errno 111] Connection refused"
    )
    assert discreet("breaker.opened", {"account": "erp", "message": words}) == {
        "account": "erp", "failure": "not sent, ConnectionRefusedError",
    }  # fmt: skip


def test_a_time_out_keeps_its_length() -> None:
    words = "POST /sales-orders: no complete answer within 30 s"
    told = discreet("delivery.unknown", {"message": words})
    assert told["failure"] == "no complete answer within 30 s"


def test_a_stop_says_why_in_words_of_our_own() -> None:
    words = "GET /orders: HTTP 401: the ERP refuses our login; it begins: Ada Lovelace"
    fields = {"domain": "orders", "reason": "misconfigured", "http": 401, "remedy": "reload"}

    told = discreet("domain.stopped", {**fields, "message": words})

    cause = error_print(None, words)
    assert told == {**fields, "cause": cause, "failure": "the ERP refuses our login"}


def test_a_stop_for_a_defect_of_ours_keeps_its_message() -> None:
    fields = {"domain": "orders", "reason": "defect", "message": "KeyError at pump.py:1 run"}
    assert discreet("domain.stopped", fields) == fields


def test_words_of_our_own_stay() -> None:
    fields = {"station": "intake", "message": "the database cannot be reached"}
    assert discreet("station.failed", fields) == fields
    assert discreet("delivery.settling_again", fields) == fields
