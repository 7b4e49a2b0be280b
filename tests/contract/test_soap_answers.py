"""What becomes of an answer: booked only when it is whole, and never by guessing."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.calls.answer import DENIALS
from sidecar.model.errors import Unavailable
from sidecar.model.outcome import (
    Accepted,
    Duplicate,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
    Unknown,
)
from tests.contract.soap_peer import (
    ACCEPTED,
    CALLS,
    SOAP,
    accepting,
    answering,
    envelope,
    fault,
    peer,
)

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
NO_PROBE = CALLS.partition("  probe:")[0]
BOMB = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + envelope(
    ACCEPTED
).replace("SO-1", "&b;")
FILE = '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + envelope(ACCEPTED).replace(
    "SO-1", "&a;"
)
SENDER_12 = envelope(
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
    '<s:Reason><s:Text xml:lang="en">no such item</s:Text></s:Reason></s:Fault>',
    SOAP_12,
)
LOGIN_12 = SENDER_12.replace(
    "</s:Value>",
    f'</s:Value><s:Subcode><s:Value xmlns:w="{WSSE}">w:FailedAuthentication</s:Value></s:Subcode>',
    1,
)


def result(code: str, more: str = "") -> str:
    """An answer of the ERP itself."""
    return envelope(
        f'<CreateOrderResponse xmlns="urn:legacy"><CreateOrderResult><ResultCode>{code}'
        f"</ResultCode>{more}</CreateOrderResult></CreateOrderResponse>"
    )


def outcome(folder: Path, status: int, content: str, calls: str = CALLS) -> Outcome:
    with peer(folder, answering(status, content), calls) as at:
        return at.push()


def test_an_acceptance_has_the_number_and_the_exact_total(tmp_path: Path) -> None:
    with peer(tmp_path, accepting) as at:
        told = at.push()

    assert isinstance(told, Accepted)
    assert told.booked.reference == "SO-1"
    assert str(told.booked.total) == "70.78"  # an xs:double, read without a float's tail


@pytest.mark.parametrize(
    ("status", "content", "expected", "told"),
    [
        (200, result("DUPLICATE", "<OrderNo>SO-7</OrderNo>"), Duplicate, ""),
        (200, result("CREDIT", "<Message>no credit</Message>"), Rejected, "no credit"),
        (200, result("NEW CODE"), Unknown, "no line of the answer fits"),
        (200, result("OK"), Unknown, "has no reference"),
        (500, fault("s:Client", "no such item"), Rejected, "no such item"),
        (500, SENDER_12, Rejected, "no such item"),
        (200, fault("s:Client", "no such item"), Rejected, "no such item"),
        (202, fault("s:Server"), Unknown, "it is so"),
        (202, envelope(ACCEPTED), Unknown, "the answer came with HTTP 202"),
        (500, envelope(ACCEPTED), Unknown, "the answer came with HTTP 500"),
        (202, "", Unknown, "the answer is empty"),
        (200, "", Unknown, "the answer is empty"),
        (200, "<html><body>Welcome", Unknown, "the answer is no XML"),
        (200, "<html><body>Welcome</body></html>", Unknown, "no SOAP envelope but <html>"),
        (202, "<p>Warning</p>" + envelope(ACCEPTED), Unknown, "the answer is no XML"),
        (200, envelope(ACCEPTED)[:-40], Unknown, "the answer is no XML"),
        (200, envelope(""), Unknown, "does not fit the WSDL"),
        (200, envelope('<x xmlns="urn:other"/>'), Unknown, "no line of the answer fits"),
        (200, envelope('<CreateOrderResponse xmlns="urn:legacy"/>'), Unknown, "no 'ResultCode'"),
        (200, envelope(ACCEPTED).replace("70.78", "lots"), Unknown, "a number is wanted"),
        (200, f'<s:Envelope xmlns:s="{SOAP["s"]}"/>', Unknown, "has no body"),
        (200, BOMB, Unknown, "document type declaration"),
        (200, FILE, Unknown, "document type declaration"),
        (401, "who are you?", Misconfigured, "the login was refused"),
        (403, fault("s:Server"), Misconfigured, "the login was refused"),
        (500, fault("w:FailedAuthentication"), Misconfigured, "FailedAuthentication"),
        (500, LOGIN_12, Misconfigured, "the login was refused"),
        (429, "slow down", Throttled, "HTTP 429"),
        (503, "<html>busy</html>", Unknown, "HTTP 503"),
        (502, "<html>bad gateway</html>", Unknown, "the answer is no SOAP envelope"),
    ],
)  # fmt: skip
def test_an_answer_becomes_the_right_outcome(
    tmp_path: Path, status: int, content: str, expected: type[Outcome], told: str
) -> None:
    found = outcome(tmp_path, status, content)

    assert isinstance(found, expected), found
    assert told in found.message


def test_an_answer_that_is_not_understood_is_told_once_and_not_for_each_line(
    tmp_path: Path,
) -> None:
    found = outcome(tmp_path, 200, "")

    assert found.message.count("the answer is empty") == 1
    assert "accepted, duplicate, rejected, retry" in found.message


def test_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    found = outcome(tmp_path, 200, FILE)

    assert "root:" not in str(found)


def test_a_servers_fault_may_have_come_after_the_booking_so_the_erp_is_asked(
    tmp_path: Path,
) -> None:
    found = outcome(tmp_path, 500, fault("s:Server", "deadlock"))

    assert isinstance(found, Unknown)
    assert "deadlock" in found.message


def test_a_servers_fault_is_believed_where_the_erp_cannot_be_asked(tmp_path: Path) -> None:
    assert isinstance(outcome(tmp_path, 500, fault("s:Server"), NO_PROBE), Retry)


@pytest.mark.parametrize("denial", sorted(DENIALS))
@pytest.mark.parametrize("line", ["=response.status > 400", "=response.fault.code == 'Server'"])
def test_what_a_gateway_may_have_answered_is_doubt_whatever_a_line_says(
    tmp_path: Path, denial: str, line: str
) -> None:
    of = NO_PROBE.replace(
        "      rejected: =response.fault.code in ['Client', 'Sender'] or", "      conflict: ="
    ).replace("retry: =response.fault.code in ['Server', 'Receiver']", f"{denial}: {line}")
    for status, content in (
        (502, "<html>bad gateway</html>"),
        (503, fault("s:Server")),
        (504, fault("w:FailedAuthentication")),
        (522, ""),
    ):
        assert isinstance(outcome(tmp_path, status, content, of), Unknown)


def test_a_line_that_looks_at_the_status_alone_does_not_speak_for_what_is_no_envelope(
    tmp_path: Path,
) -> None:
    of = NO_PROBE.replace(
        "retry: =response.fault.code in ['Server', 'Receiver']", "retry: =response.status == 500"
    )

    assert isinstance(outcome(tmp_path, 500, "<html>gone</html>", of), Unknown)
    assert isinstance(outcome(tmp_path, 500, fault("s:Server"), of), Retry)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("rejected: =response.fault.code == 'Server'", Rejected),
        ("misconfigured: =response.fault.code == 'Server'", Misconfigured),
        ("retry: =response.fault.code == 'Server'", Retry),
    ],
)
def test_a_fault_in_an_envelope_with_500_is_the_erps_own(
    tmp_path: Path, of: str, expected: type[Outcome]
) -> None:
    calls = NO_PROBE.replace("retry: =response.fault.code in ['Server', 'Receiver']", of).replace(
        "      rejected: =response.fault.code in ['Client', 'Sender'] or", "      conflict: ="
    )
    assert isinstance(outcome(tmp_path, 500, fault("s:Server"), calls), expected)


def test_a_multipart_answer_is_not_believed(tmp_path: Path) -> None:
    with peer(
        tmp_path,
        answering(200, envelope(ACCEPTED), Content_Type='multipart/related; boundary="x"'),
    ) as at:
        assert isinstance(at.push(), Unknown)


REFUSED = result("CREDIT")
BODY_ENDS = "</s:Body>"
FAULT = fault("s:Client").partition("<s:Body>")[2].partition(BODY_ENDS)[0]


@pytest.mark.parametrize(
    "content",
    [
        REFUSED.replace("<s:Body>", "<s:Body>Warning: no such index"),
        REFUSED.replace(BODY_ENDS, f"Deprecated{BODY_ENDS}"),
        REFUSED.replace(BODY_ENDS, f"{BODY_ENDS}booked"),
        REFUSED.replace(BODY_ENDS, f"{FAULT}{BODY_ENDS}"),
        envelope(ACCEPTED + FAULT),
        envelope(FAULT + ACCEPTED),
        envelope(FAULT + FAULT),
        envelope(FAULT + '<Booked xmlns="urn:other">1</Booked>'),
    ],
)
def test_what_stands_beside_a_result_or_a_fault_is_not_passed_over(
    tmp_path: Path, content: str
) -> None:
    for status in (200, 500):
        assert isinstance(outcome(tmp_path, status, content), Unknown)


def test_what_a_faults_detail_refers_to_may_stand_beside_it(tmp_path: Path) -> None:
    detail = '<detail><cause href="#id0"/></detail></s:Fault>'
    content = envelope(
        FAULT.replace("</s:Fault>", detail) + '<multiRef xmlns="" id="id0">no such item</multiRef>'
    )

    assert isinstance(outcome(tmp_path, 500, content), Rejected)


# Asking


def found(body: str) -> str:
    return envelope(f'<FindOrderResponse xmlns="urn:legacy">{body}</FindOrderResponse>')


def test_a_probe_finds_the_document_by_the_wrappers_name(tmp_path: Path) -> None:
    order = "<Order><OrderNo>SO-3</OrderNo><Status>OPEN</Status><Total>1.10</Total></Order>"
    with peer(tmp_path, answering(200, found(order))) as at:
        [booked] = at.adapter.probe("orders", ["000000042"])["000000042"]

    assert (booked.reference, booked.status, str(booked.total)) == ("SO-3", "OPEN", "1.10")


def test_a_probe_that_finds_nothing_says_nothing(tmp_path: Path) -> None:
    with peer(tmp_path, answering(200, found(""))) as at:
        assert at.adapter.probe("orders", ["000000042"]) == {"000000042": ()}


@pytest.mark.parametrize(
    "content",
    ["", "<html/>", fault("s:Server"), envelope(""), found("").replace(BODY_ENDS, f"{BODY_ENDS}x")],
)
def test_a_probe_without_an_answer_is_not_nothing(tmp_path: Path, content: str) -> None:
    with (
        peer(tmp_path, answering(200, content)) as at,
        pytest.raises(Unavailable),
    ):
        at.adapter.probe("orders", ["000000042"])


def test_a_ping_asks_and_sees_a_refused_login(tmp_path: Path) -> None:
    with peer(tmp_path, answering(200, found(""))) as at:
        assert at.adapter.ping().message == ""
    with peer(tmp_path, answering(500, fault("w:FailedAuthentication"))) as at:
        assert not at.adapter.ping().authorised


# The raw reply


@pytest.mark.parametrize(
    ("expression", "reference"),
    [
        ("response.xml.xpath('//t:OrderNo') | first", "SO-1"),
        ("response.xml.xpath('string(//*[local-name()=\"OrderNo\"])')", "SO-1"),
        ("response.xml.xpath('count(//t:OrderNo)')", "1"),
        ("response.body.CreateOrderResult.OrderNo", "SO-1"),
        ("response.body.CreateOrderResponse.OrderNo | default('nothing')", "nothing"),
    ],
)
def test_the_raw_reply_is_read_by_xpath(tmp_path: Path, expression: str, reference: str) -> None:
    calls = CALLS.replace("reference: =response.body.OrderNo", f'reference: "={expression}"')
    calls = calls.replace(f'"={expression}"', "'=" + expression.replace("'", "''") + "'")
    with peer(tmp_path, accepting, calls) as at:
        told = at.push()

    assert isinstance(told, Accepted), told
    assert told.booked.reference == reference
