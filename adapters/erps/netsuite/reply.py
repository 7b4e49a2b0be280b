"""SuiteTalk's answers made plain: a result for each record that was sent, in their order.

A list operation tells its results by position, and one that was refused often names no record at
all.  So each result is given the external id of the record at its place, and an answer that has
another number of results than there were records is not believed in any part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import Any

from adapters.calls.answer import Evidence
from adapters.erps.netsuite import codes
from adapters.erps.netsuite.operations import MORE, READS, SEARCH, WRITES, is_list
from adapters.http.transport import Reply, Request
from adapters.language.filters import Missing
from adapters.language.shape import ANYTHING, Plain, Record
from adapters.soap.reply import RESPONSE as SOAP_RESPONSE
from adapters.soap.reply import ReceivedFault, Response
from adapters.soap.wsdl import Operation
from adapters.soap.xml import local, parse
from sidecar.model.outcome import Misconfigured, Outcome, Rejected, Throttled

#: What `response` is in an expression.
RESPONSE = Record(
    "response",
    {
        **SOAP_RESPONSE.members,
        "ok": Plain("truth value"),
        "refused": Plain("truth value"),
        "result": ANYTHING,
        "results": ANYTHING,
        "records": ANYTHING,
        "next": Plain("text"),
    },
    SOAP_RESPONSE.methods,
)
#: Between the number of a page and NetSuite's id of the search, in `response.next`.
PAGE_OF = " "

_TOO_LARGE = "; a smaller `batch` (erp.calls) saves this call"


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one record.

    `means` is the line of the answer that this is, as `adapters.erps.netsuite.codes` has it;
    `external` the external id under which it was sent or asked for, `reference` NetSuite's own.
    """

    ok: bool
    code: str | None
    message: str | None
    reference: str | None
    external: str | None
    after_submit_failed: bool
    means: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request asked: the operation, and the external ids of its records by position."""

    operation: str
    external: tuple[str | None, ...]

    @classmethod
    def of(cls, request: Request) -> Sent:
        """Out of the envelope that was sent."""
        body = parse(request.body or b"").find("{*}Body")
        asked = body[0]
        return cls(local(asked), tuple(record.get("externalId") for record in asked))


class NetSuiteResponse(Response):
    """An answer as expressions read it; read only as far as it is asked for."""

    def __init__(self, operation: Operation, reply: Reply, sent: Sent) -> None:
        super().__init__(operation, reply)
        self._sent = sent

    @cached_property
    def results(self) -> tuple[RecordResult, ...]:
        """A result for each record, in the order of the request.

        Raises Missing for an answer that does not have as many, or names other records.
        """
        rows = self._rows
        if len(rows) != len(self._sent.external):
            whole = _result({"status": self._status}, None)
            told = f": {whole.code}: {whole.message}" if whole.code else ""
            raise Missing(f"{len(rows)} results for {len(self._sent.external)} records{told}")
        return tuple(
            _result(row, external) for row, external in zip(rows, self._sent.external, strict=True)
        )

    @property
    def result(self) -> RecordResult:
        """The one result of an operation that takes one record."""
        if len(self.results) != 1:
            raise Missing(f"there are {len(self.results)} results")
        return self.results[0]

    @property
    def ok(self) -> bool:
        """Whether the answer says something of all that was asked.

        A record that is not there is an answer; one that could not be read is none.
        """
        operation = self._sent.operation
        if operation in WRITES:
            return bool(self.results)
        if operation in READS:
            return all(result.ok or result.code == codes.ABSENT for result in self.results)
        status = self._status
        return status.get("isSuccess") is True

    @property
    def refused(self) -> bool:
        """Whether every call would be answered so: a right, a role or a feature is missing."""
        if self._sent.operation in (*WRITES, *READS):
            return any(result.means == "misconfigured" for result in self.results)
        return _result({"status": self._status}, None).means == "misconfigured"

    @property
    def records(self) -> list[Any]:
        """The records that were found.  Raises Missing where the answer does not show them all."""
        body = self._mapping
        if self._sent.operation in (SEARCH, MORE):
            entries = _entries(body.get("recordList"), "record")
            # How many there are is told beside them: a list that came short is no answer.
            total, pages = body.get("totalRecords"), body.get("totalPages")
            is_short = bool(entries) != bool(total) or (pages == 1 and len(entries) != total)
            if total is None or is_short:
                raise Missing("the search does not show the records that it says it found")
            return entries
        if self._sent.operation in READS:
            read = zip(self.results, self._rows, strict=True)
            return [row.get("record") for result, row in read if result.ok]
        return _entries(body.get("itemAvailabilityList"), "itemAvailability")

    @property
    def next(self) -> str | None:
        """The page of a search that follows, None behind the last."""
        body = self._mapping
        index, pages = body.get("pageIndex"), body.get("totalPages")
        if not body.get("totalRecords"):
            return None
        if index is None or pages is None:
            raise Missing("the search does not say which page this is")
        return f"{index + 1}{PAGE_OF}{body.get('searchId')}" if index < pages else None

    def evidence(self, reply: Reply) -> Evidence:
        """What an outcome says of this answer."""
        told = super().evidence(reply)
        if self.malformed and self.status == HTTPStatus.NOT_FOUND:
            nowhere = Misconfigured(message=f"nothing is at the address of NetSuite: {told.told}")
            return replace(told, otherwise=nowhere)
        fault = ReceivedFault() if self.malformed else self.fault
        return replace(told, verdict=told.verdict or _of_fault(fault, told)) if fault else told

    @property
    def _mapping(self) -> Mapping[str, Any]:
        if self.fault:
            raise Missing(f"fault {self.fault.code}: {self.fault.message}")
        if not isinstance(self.body, Mapping):
            raise Missing("the answer has no results")
        return self.body

    @property
    def _status(self) -> Mapping[str, Any]:
        status = self._mapping.get("status")
        return status if isinstance(status, Mapping) else {}

    @property
    def _rows(self) -> list[Mapping[str, Any]]:
        if not is_list(self._sent.operation):
            return [self._mapping]
        part = "writeResponse" if self._sent.operation in WRITES else "readResponse"
        return _entries(self._mapping, part)


def _entries(owner: Any, name: str) -> list[Any]:
    """The list under a name, empty where there is none."""
    return list(owner.get(name) or ()) if isinstance(owner, Mapping) else []


def _result(row: Mapping[str, Any], external: str | None) -> RecordResult:
    status = row.get("status") or {}
    named = row.get("baseRef") or row.get("record") or {}
    # It may come back in other letters than it was sent in.
    if external and (named.get("externalId") or external).casefold() != external.casefold():
        raise Missing("the results are of other records than were sent")
    details = status.get("statusDetail") or []
    detail = next(
        (status_detail for status_detail in details if status_detail.get("type") != "WARN"),
        *(details[:1] or [{}]),
    )
    is_saved, code = status.get("isSuccess") is True, detail.get("code")
    after_submit_failed = any(status_detail.get("afterSubmitFailed") for status_detail in details)
    return RecordResult(
        ok=is_saved,
        code=code,
        message=detail.get("message"),
        reference=named.get("internalId"),
        external=external,
        after_submit_failed=after_submit_failed,
        means=_means(status.get("isSuccess"), code, after_submit_failed=after_submit_failed),
    )


def _means(is_success: bool | None, code: str | None, *, after_submit_failed: bool) -> str:
    if after_submit_failed:
        # The record is saved, whatever the status says.
        return "partial"
    if is_success is None:
        return ""
    return "accepted" if is_success else codes.means(code)


def _of_fault(fault: ReceivedFault, told: Evidence) -> Outcome | None:
    """What NetSuite's own faults say whatever the file does."""
    name, code = _named(fault)
    message = f"{code or name or fault.code}: {fault.message}"
    match codes.FAULTS.get(name) or codes.means(code or "UNEXPECTED_ERROR"):
        case "throttled":
            return Throttled(message=message, after=told.after)
        case "misconfigured":
            return Misconfigured(message=message)
        case "too large":
            # How many records it takes depends on the hour: a smaller part may pass.
            return Rejected(message=message + _TOO_LARGE, code=code or name)
    if fault.code in ("Client", "Sender") or (fault.message or "").startswith("org.xml.sax."):
        # The message is not what the schema allows: nothing of it was looked at.
        return Rejected(message=message, code="schema")
    return None


def _named(fault: ReceivedFault) -> tuple[str, str | None]:
    """The element in the fault's detail, and the code in it."""
    detail = fault.detail if isinstance(fault.detail, Mapping) else {}
    for name, inner in detail.items():
        if name.endswith("Fault"):
            code = inner.get("code") if isinstance(inner, Mapping) else None
            return name[:1].lower() + name[1:], code
    return "", None
