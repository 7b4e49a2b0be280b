"""A SOAP answer as expressions read it, and what the protocol itself says of it.

The rule that nothing is guessed towards success has its teeth here: what is no envelope has neither
a body nor a fault (both are missing, so no line of the file fits, not even `not response.fault`),
and a body that came with another status than 200 is never an acceptance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from adapters.calls.answer import Evidence
from adapters.http.charset import charset_of
from adapters.http.gateway import gateways_word
from adapters.http.transport import Reply, retry_after
from adapters.language.nodes import XML, Answer, Unreadable
from adapters.language.shape import ANYTHING, Plain, Record
from adapters.soap.references import followed
from adapters.soap.wsdl import ENVELOPES, Operation
from adapters.soap.xml import (
    Element,
    Malformed,
    id_of,
    local,
    parse,
    refuse_text,
    tree_of,
)
from sidecar.model.outcome import Misconfigured, Outcome, Throttled

_TEXT = Plain("text")
#: What `response` is in an expression.
RESPONSE = Record(
    "response",
    {
        "status": Plain("whole number"),
        "headers": ANYTHING,
        "body": ANYTHING,
        "fault": Record(
            "fault", {"code": _TEXT, "subcode": _TEXT, "message": _TEXT, "detail": ANYTHING}
        ),
        "xml": XML,
    },
)

#: Faults of WS-Security (section 12) that say: who you claim to be is not believed.
_LOGIN_FAULTS = frozenset(
    {
        "FailedAuthentication",
        "FailedCheck",
        "InvalidSecurity",
        "InvalidSecurityToken",
        "MessageExpired",
        "SecurityTokenUnavailable",
        "UnsupportedAlgorithm",
        "UnsupportedSecurityToken",
    }
)
_SERVER = ("Server", "Receiver")
#: Whoever answered so, nothing was done.
_REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True)
class ReceivedFault:
    """A SOAP fault; with empty fields it stands for "there is none" and is false.

    `code` is the local name without what refines it (`Server.userException` is `Server`, with
    `userException` as `subcode`), `detail` a tree by local names.
    """

    code: str | None = None
    subcode: str | None = None
    message: str | None = None
    detail: Any = None

    def __bool__(self) -> bool:
        return self.code is not None


class Response:
    """An answer as expressions read it; read only as far as it is asked for."""

    def __init__(self, operation: Operation, reply: Reply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.malformed = ""
        self._operation = operation
        self._root: Element | None = None
        try:
            self._root = _envelope(reply, operation)
        except Malformed as error:
            self.malformed = str(error)

    @cached_property
    def xml(self) -> Answer:
        """The reply's nodes.  Raises Unreadable for what is no envelope of this operation."""
        return Answer(self._whole, followed)

    @property
    def _whole(self) -> Element:
        if self._root is None:
            raise Unreadable(self.malformed)
        return self._root

    @cached_property
    def fault(self) -> ReceivedFault:
        """The fault, or an empty one.  Raises Unreadable for what is no envelope."""
        node = _fault_in(self._whole)
        return ReceivedFault() if node is None else _fault(node)

    @cached_property
    def body(self) -> Any:
        """The body as plain values, none beside a fault.

        Raises Unreadable for what does not fit the WSDL.
        """
        if self.fault:
            return None
        try:
            return self._operation.body_of(self._whole)
        except Malformed as error:
            raise Unreadable(str(error)) from None

    def evidence(self, reply: Reply) -> Evidence:
        """What an outcome says of this answer."""
        fault = ReceivedFault() if self.malformed else self.fault
        told = f"HTTP {self.status}{f', fault {fault.code}: {fault.message}' if fault else ''}"
        after = retry_after(self.headers)
        return Evidence(
            summary=f"HTTP {self.status}",
            excerpt=reply.exchange.answer,
            after=after,
            unreadable=self._doubt(),
            verdict=self._login_refused(fault, told),
            otherwise=_by_status(self.status, told, after),
            doubtful=fault.code in _SERVER,
            stranger=gateways_word(self.status),
            wordless="" if self.status in _REFUSALS else self.malformed,
        )

    def _doubt(self) -> str:
        if self.malformed:
            return self.malformed
        if self.status != HTTPStatus.OK:
            return f"the answer came with HTTP {self.status}"
        return "there is a fault in the answer" if self.fault else ""

    def _login_refused(self, fault: ReceivedFault, told: str) -> Outcome | None:
        refused = self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        if refused or not _LOGIN_FAULTS.isdisjoint((fault.code, fault.subcode)):
            return Misconfigured(message=f"the login was refused: {told}")
        return None


def _by_status(status: int, told: str, after: float | None) -> Outcome | None:
    """What HTTP says where the file says nothing."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message=told, after=after)
    return None


def _envelope(reply: Reply, operation: Operation) -> Element:
    header = reply.headers.get("Content-Type", "")
    if header.strip().lower().startswith("multipart/"):
        raise Malformed("the answer is in several parts (MTOM), which is not supported")
    if not reply.content.strip():
        raise Malformed("the answer is empty")
    root = parse(reply.content, charset_of(header))
    if root.tag not in {f"{namespace}Envelope" for namespace in ENVELOPES}:
        raise Malformed(f"the answer is no SOAP envelope but <{local(root)}>")
    bodies = root.findall("{*}Body")
    if len(bodies) != 1:
        raise Malformed(f"the answer's envelope has {'no body' if not bodies else 'two bodies'}")
    for one in (root, *bodies):
        refuse_text(one, f"the answer's {local(one)}")
    fault = _fault_in(root)
    if fault is not None:
        _alone(fault, bodies[0])
    elif operation.answered(root) is None:
        raise Malformed("the answer does not fit the WSDL: it is the answer to something else")
    return root


def _alone(fault: Element, body: Element) -> None:
    """Beside a fault stands only what its detail refers to, in SOAP's encoding.

    What came with a result is no refusal: the order may be booked.
    """
    others = [one for one in body if one is not fault and id_of(one) is None]
    if others:
        raise Malformed(f"the answer has <{local(others[0])}> beside its fault")


def _fault_in(root: Element) -> Element | None:
    return root.find("{*}Body/{*}Fault")


def _fault(node: Element) -> ReceivedFault:
    """Of either version, also where a server mixes them up."""
    code, subcode = _code(node)
    message = _first(node, "faultstring", "{*}faultstring", "{*}Reason/{*}Text")
    detail = next((child for child in node if local(child).lower() == "detail"), None)
    return ReceivedFault(
        code=code,
        subcode=subcode,
        message=" ".join(message.split()),
        detail=None if detail is None else tree_of(detail, attributes=False),
    )


def _code(node: Element) -> tuple[str, str | None]:
    written = _first(node, "faultcode", "{*}faultcode", "{*}Code/{*}Value")
    code, _, refined = written.strip().rpartition(":")[2].partition(".")
    deeper = _first(node, "{*}Code/{*}Subcode/{*}Value").strip().rpartition(":")[2]
    return code, deeper or refined or None


def _first(node: Element, *paths: str) -> str:
    for path in paths:
        text: str | None = node.findtext(path)
        if text:
            return text
    return ""
