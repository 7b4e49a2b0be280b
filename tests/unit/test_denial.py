"""A line that denies by what an answer does not say is told when the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.calls.answer import DENIALS, PREDICATES
from adapters.calls.dialect import Dialect
from adapters.calls.mapping import read_calls
from adapters.rest.call import read_http_call
from adapters.soap.reply import RESPONSE
from sidecar.documents import read_document
from sidecar.domains import SPECS

CALLS = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {ref: =ref}}
    answer:
      accepted: =response.status == 201
      LINE: "=ASKED"
      reference: =response.body.number
  probe:
    call: {method: GET, path: /orders, query: {ref: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {reference: =item.number}
"""


def warnings(folder: Path, line: str, asked: str) -> tuple[str, ...]:
    path = folder / "calls.yaml"
    path.write_text(CALLS.replace("LINE", line).replace("ASKED", asked), "utf-8")
    return read_calls(
        read_document(path), "calls.yaml", Dialect(RESPONSE, read_http_call), domains=SPECS
    ).warnings


@pytest.mark.parametrize(
    "asked",
    [
        "response.body.code != 'OK'",
        "'OK' != response.body.code",
        "response.body['code'] != 'OK'",
        "response.body.results[0].code not in ['OK', 'DRAFT']",
        "not response.body.code == 'OK'",
        "not (response.body.code in ['OK'])",
        "not (response.status == 200 and response.body.code == 'OK')",
        "response.body.code | upper != 'OK'",
        "response.status == 200 and response.body.code != 'OK'",
        "response.fault.code in ['Client'] or response.body.code != 'OK'",
        "true if response.body.code != 'OK' else false or response.body.code != 'OK'",
        "response.fault.code != 'Server'",
        "response.body.a is not none and response.body.code != 'OK'",
        "response.xml.text('//code') != 'OK'",
        "response.xml.node('//answer').text('code') not in ['OK']",
        "response.xml.xpath('string(//code)') != 'OK'",
    ],
)
@pytest.mark.parametrize("denial", sorted(DENIALS))
def test_what_may_be_none_and_is_called_different_is_told(
    tmp_path: Path, denial: str, asked: str
) -> None:
    (told,) = warnings(tmp_path, denial, asked)

    assert "calls.yaml:8" in told
    assert "is none, this says that nothing was booked" in told


@pytest.mark.parametrize(
    "asked",
    [
        "response.body.code == 'CREDIT'",
        "response.body.code in ['CREDIT', 'ITEM']",
        "not response.body.ok",
        "response.status != 200",
        "response.status not in [200, 201]",
        "not response.status == 200",
        "response.body.code is not none and response.body.code != 'OK'",
        "response.body.code | default('OK') != 'OK'",
        "response.body.errors | length != 0",
        "response.body.code != none",
        "response.body.code is not none",
        "not (response.body.code != 'CREDIT')",
        "response.xml.text('//code') == 'CREDIT'",
        "response.xml.nodes('//error') | length != 0",
    ],
)
def test_what_is_there_or_is_named_is_not_told(tmp_path: Path, asked: str) -> None:
    assert warnings(tmp_path, "rejected", asked) == ()


@pytest.mark.parametrize("line", sorted(set(PREDICATES) - DENIALS - {"accepted"}))
def test_a_line_that_does_not_deny_may_say_so(tmp_path: Path, line: str) -> None:
    assert warnings(tmp_path, line, "response.body.code != 'OK'") == ()
