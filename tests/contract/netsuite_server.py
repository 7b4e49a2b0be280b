"""A NetSuite for tests: SuiteTalk's WSDL in front of the simulator's books and misbehaviours.

It knows who calls (the token passport, each nonce once), has customers and sales orders by external
id, refuses and fails as NetSuite words it, and shows what it holds by getList and search.  It is an
`Erp` of the conformance kit; a document's number is the record's internal id.
"""

from __future__ import annotations

import base64
import hmac
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any, Self

from sidecar.model.secret import Secret
from sidecar.testing.erpsim import Document, DuplicatePolicy, Misbehaviour
from sidecar.testing.erpsim.books import Books, Refusal
from sidecar.testing.erpsim.document_entry import DocumentEntry
from sidecar.testing.erpsim.rules import Enquiry, Operation, RuleBook, Strikes, Subject
from sidecar.testing.erpsim.traffic import Exchange, Traffic
from sidecar.testing.soap_server import Call, Delivery, Response, SoapFault, SoapServer
from tests.contract.netsuite_records import Records, Searches, failed, refusal, submission

OWN_WSDL = Path(__file__).parent / "wsdl" / "suitetalk.wsdl"
TOKEN: Mapping[str, Any] = {
    "account": "1234567_SB1",
    "consumer_key": "consumer-key",
    "consumer_secret": Secret("consumer-secret"),
    "token": "token-id",
    "token_secret": Secret("token-secret"),
}
_CLOCK_SKEW = 300
_PATIENCE = 20
_OPERATIONS = {
    "upsert": Operation.CREATE,
    "upsertList": Operation.BULK,
    "update": Operation.CANCEL,
    "getList": Operation.FIND,
    "search": Operation.LIST,
    "searchMoreWithId": Operation.LIST,
}


@dataclass(frozen=True)
class _Asked:
    """A call that was let in, and what strikes it as a whole."""

    call: Call
    faults: Strikes
    exchange: Exchange

    @property
    def body(self) -> Any:
        return self.call.body

    @property
    def kind(self) -> Operation:
        return _OPERATIONS[self.call.operation]


class NetSuiteServer:
    """Use `NetSuiteServer.start`.

    `refused`, `half_saved` and `unreadable` say of external ids how they fail; `blocked` is how
    many calls are still refused for there being too many, `most_records` how many records one has;
    `fails_with` is the fault and code of every call, `spoils` changes the answers' bytes; with
    `knows_customers` an order needs its customer.  `calls` has the operation and the external ids
    of each call that was let in.
    """

    def __init__(self, soap: SoapServer, page_size: int) -> None:
        self.url = soap.url
        self.calls: list[tuple[str, tuple[str | None, ...]]] = []
        self.passports: list[Any] = []
        self.knows_customers = False
        self._soap = soap
        self._records = Records(soap.types)
        self._stopping = threading.Event()
        self._page_size = page_size
        self._lock = threading.Lock()
        self.reset()
        soap.handlers.update(
            upsert=self._served(self._upsert),
            upsertList=self._served(self._upsert_list),
            update=self._served(self._update),
            getList=self._served(self._get_list),
            search=self._served(self._search),
            searchMoreWithId=self._served(self._search_more),
            getItemAvailability=self._served(self._availability),
        )

    @classmethod
    @contextmanager
    def start(cls, wsdl: Path = OWN_WSDL, page_size: int = 3) -> Iterator[Self]:
        with SoapServer.start(wsdl, port="NetSuitePort") as soap:
            server = cls(soap, page_size)
            try:
                yield server
            finally:
                server._stopping.set()

    # What a test does and asks

    def reset(self) -> None:
        self._stopping.set()  # what waits in a late answer of an earlier test
        self._stopping = threading.Event()
        self.books = Books(DuplicatePolicy.UPSERT)
        self.customers: dict[str, str] = {}
        self.refused: dict[str, tuple[str, str]] = {}
        self.half_saved: set[str] = set()
        self.unreadable: set[str] = set()
        self.blocked = 0
        self.most_records = 200
        self._places: threading.Semaphore | None = None
        self._refused_one = threading.Event()
        self.fails_with: tuple[str, str] | None = None
        self.spoils: Callable[[bytes], bytes] = lambda answer: answer
        self.calls.clear()
        self.passports.clear()
        self._desk = DocumentEntry(self.books, frozenset(), frozenset())
        self._rules = RuleBook()
        self._traffic = Traffic()
        self._searches = Searches(self._page_size)
        self._nonces: set[str] = set()

    def allow_at_once(self, most: int) -> None:
        """Refuse what is more; see `_place`."""
        self._places = threading.Semaphore(most)

    def bookings(self, external: str) -> list[Document]:
        return self.books.documents(external)

    def documents(self) -> list[Document]:
        return self.books.documents()

    def records(self, kind: Any) -> list[Any]:
        """The example carries orders only."""
        return []

    def rule(self, name: str, **settings: Any) -> None:
        self._rules.add({"name": name, **settings})

    def clear_rules(self) -> None:
        self._rules.clear()

    # One call

    def _served(self, work: Callable[[_Asked], Any]) -> Callable[[Call], Response]:
        def serve(call: Call) -> Response:
            self._admit(call)
            with self._place():
                return self._answered(call, work)

        return serve

    def _answered(self, call: Call, work: Callable[[_Asked], Any]) -> Response:
        asked = _external(call)
        self._accept(asked)
        self.calls.append((call.operation, asked))
        faults, exchange = self._struck(call, asked)
        response = self._refusal(faults)
        if response is None:
            answer = work(_Asked(call, faults, exchange))
            response = self._spoilt(self._soap.reply(call.operation, answer), faults)
        self._traffic.answered(exchange, str(response.status))
        return response

    def _admit(self, call: Call) -> None:
        """Raises SoapFault for a wrong passport, and for more calls than may be at once."""
        passport = call.headers.get("tokenPassport")
        with self._lock:
            if passport is None or not self._is_genuine(passport):
                raise self._fault("invalidCredentialsFault", "USER_ERROR", "Invalid login attempt.")
            self._nonces.add(passport.nonce)
            self.passports.append(passport)
            if self.blocked > 0:
                self.blocked -= 1
                raise self._too_many()

    def _accept(self, asked: tuple[str | None, ...]) -> None:
        """Raises SoapFault for what a test wants to fail as a whole."""
        if self.fails_with:
            raise self._fault(*self.fails_with, "it failed")
        if len(asked) > self.most_records:
            raise self._fault("exceededRecordCountFault", "MAX_RCRDS_EXCEEDED", "too many records")
        if self.unreadable & set(asked):
            raise SoapFault("Server.userException", "org.xml.sax.SAXException: is not a member")

    @contextmanager
    def _place(self) -> Iterator[None]:
        """With `allow_at_once` each call lasts until another has been refused for it."""
        if self._places is None:
            yield
        elif self._places.acquire(blocking=False):
            try:
                self._refused_one.wait(_PATIENCE)
                yield
            finally:
                self._places.release()
        else:
            self._refused_one.set()
            raise self._too_many()

    def _is_genuine(self, passport: Any) -> bool:
        told = (passport.account, passport.consumerKey, passport.token, passport.nonce,
                passport.timestamp)  # fmt: skip
        key = "&".join(TOKEN[name].reveal() for name in ("consumer_secret", "token_secret"))
        digest = hmac.digest(key.encode(), "&".join(map(str, told)).encode(), "sha256")
        return (
            told[:3] == (TOKEN["account"], TOKEN["consumer_key"], TOKEN["token"])
            and passport.signature.algorithm == "HMAC-SHA256"
            and passport.signature._value_1 == base64.b64encode(digest).decode()
            and passport.nonce not in self._nonces
            and abs(time.time() - passport.timestamp) < _CLOCK_SKEW
        )

    def _struck(self, call: Call, asked: tuple[str | None, ...]) -> tuple[Strikes, Exchange]:
        exchange = self._traffic.arrived("POST", f"/{call.operation}", self.books.sequence)
        if call.operation not in _OPERATIONS or _is_customer(call):
            return {}, exchange
        subjects = tuple(Subject(one or "") for one in asked)
        kind = _OPERATIONS[call.operation]
        enquiry = Enquiry(kind, "POST", f"/{call.operation}", subjects)
        return self._rules.for_request(enquiry), exchange

    def _refusal(self, faults: Strikes) -> Response | None:
        for name, fault in faults.items():
            match name:
                case Misbehaviour.DROP_BEFORE:
                    return Response(503, delivery=Delivery.NONE)
                case Misbehaviour.THROTTLE:
                    wait = {"Retry-After": str(round(fault.parameters["after"]))}
                    return replace(self._soap.fault(self._too_many()), headers=wait)
                case Misbehaviour.BUSY:
                    return Response(503, b"busy", content_type="text/plain")
                case Misbehaviour.UNAUTHORISED:
                    wrong = ("invalidCredentialsFault", "USER_ERROR", "Invalid login attempt.")
                    return self._soap.fault(self._fault(*wrong))
                case Misbehaviour.NOT_FOUND:
                    return Response(404, b"not found", content_type="text/plain")
                case Misbehaviour.HTML_ERROR:
                    page = b"<html><body><h1>NetSuite is being maintained</h1></body></html>"
                    return Response(fault.parameters["status"], page, content_type="text/html")
                case Misbehaviour.CONFLICT | Misbehaviour.ERROR_IN_200:
                    return self._unexpected()
        return None

    def _spoilt(self, response: Response, faults: Strikes) -> Response:
        """What goes wrong once NetSuite has done its work."""
        response = replace(response, body=self.spoils(response.body))
        if Misbehaviour.SERVER_ERROR_AFTER_BOOKING in faults:
            response = self._unexpected()
        if Misbehaviour.SCHEMA_CHANGE in faults:
            renamed = re.sub(rb"(</?\w+:)(baseRef|record)\b", rb"\1\2Entity", response.body)
            response = replace(response, body=renamed)
        if Misbehaviour.MALFORMED_JSON in faults:
            response = replace(response, body=response.body[: len(response.body) // 2])
        if late := faults.get(Misbehaviour.ANSWER_LATE):
            self._stopping.wait(late.parameters["seconds"])
        if Misbehaviour.ACCEPT_THEN_DROP in faults:
            return replace(response, delivery=Delivery.NONE)
        if Misbehaviour.TRUNCATED_BODY in faults:
            return replace(response, delivery=Delivery.TRUNCATED)
        if slow := faults.get(Misbehaviour.SLOW_BODY):
            seconds = slow.parameters["seconds"]
            return replace(response, delivery=Delivery.DRIBBLING, seconds=seconds)
        return response

    # Operations

    def _upsert(self, asked: _Asked) -> Any:
        return {"writeResponse": self._written(asked, asked.body.record)}

    def _upsert_list(self, asked: _Asked) -> Any:
        records = asked.body.record
        if Misbehaviour.HALF_BATCH in asked.faults:
            records = records[: len(records) // 2]
        written = [self._written(asked, record) for record in records]
        return {"writeResponseList": {"status": {"isSuccess": True}, "writeResponse": written}}

    def _written(self, asked: _Asked, record: Any) -> dict[str, Any]:
        if record.externalId in self.refused:
            return failed(*self.refused[record.externalId])
        if _is_customer(asked.call):
            number = str(1000 + len(self.customers))
            return self._saved(self.customers.setdefault(record.externalId, number), record)
        if self.knows_customers and record.entity.externalId not in self.customers:
            return failed("INVALID_KEY_OR_REF", "Invalid entity reference key.")
        enquiry = Enquiry(asked.kind, "POST", "/", (Subject(record.externalId),))
        faults = self._rules.for_order(enquiry, enquiry.subjects[0])
        booked = self._desk.submit(submission(record), faults)
        if isinstance(booked, Refusal):
            return refusal(booked)
        saved = self._saved(booked.number, record)
        if Misbehaviour.DRAFT_ON_201 in faults or record.externalId in self.half_saved:
            late = failed("USER_ERROR", "a script failed after the record was saved")
            late["status"]["statusDetail"][0]["afterSubmitFailed"] = True
            return {**saved, **late}
        return saved

    def _update(self, asked: _Asked) -> Any:
        record = asked.body.record
        number = record.internalId
        lines = record.itemList.item if record.itemList else []
        closes = bool(lines) and all(line.isClosed for line in lines)
        document = self.books.cancel(number) if closes else self.books.document(number)
        if isinstance(document, Document):
            return {"writeResponse": self._saved(number, record)}
        return {"writeResponse": failed("USER_ERROR", "You may not close this transaction.")}

    def _saved(self, number: str, record: Any) -> dict[str, Any]:
        reference = self._records.reference(number, record.externalId)
        return {"status": {"isSuccess": True}, "baseRef": reference}

    def _get_list(self, asked: _Asked) -> Any:
        visible = self._visible(asked)
        found = [self._read(one.externalId, visible) for one in asked.body.baseRef]
        return {"readResponseList": {"status": {"isSuccess": True}, "readResponse": found}}

    def _read(self, external: str, visible: Callable[[Document], bool] | None) -> dict[str, Any]:
        if external in self.refused:
            return failed(*self.refused[external])
        found = self.books.documents(external, visible)
        if not found:
            return failed("RCRD_DSNT_EXIST", "That record does not exist.")
        return {"status": {"isSuccess": True}, "record": self._records.shown(found[0])}

    def _search(self, asked: _Asked) -> Any:
        since = asked.body.searchRecord.basic.lastModifiedDate.searchValue
        found = self.books.documents(None, self._visible(asked))
        changed = [one for one in found if one.changed >= since.astimezone(UTC)]
        return self._page(self._searches.begin(changed), 1)

    def _search_more(self, asked: _Asked) -> Any:
        return self._page(asked.body.searchId, asked.body.pageIndex)

    def _page(self, search: str, index: int) -> Any:
        found, total, pages = self._searches.page(search, index)
        return {
            "searchResult": {
                "status": {"isSuccess": True},
                "totalRecords": total,
                "pageSize": self._page_size,
                "totalPages": pages,
                "pageIndex": index,
                "searchId": search,
                "recordList": {"record": [self._records.shown(one) for one in found]},
            }
        }

    def _availability(self, asked: _Asked) -> Any:
        items = asked.body.itemAvailabilityFilter.item.recordRef
        rows = [{"item": one, "quantityOnHand": 7, "quantityAvailable": 5} for one in items]
        result = {"status": {"isSuccess": True}, "itemAvailabilityList": {"itemAvailability": rows}}
        return {"getItemAvailabilityResult": result}

    def _visible(self, asked: _Asked) -> Callable[[Document], bool] | None:
        stale = asked.faults.get(Misbehaviour.STALE_READ)
        if stale is None:
            return None
        sequence = self._traffic.books_before(asked.exchange, stale.parameters["requests"])
        return lambda version: version.sequence <= sequence

    # Faults

    def _too_many(self) -> SoapFault:
        words = "The maximum number of concurrent requests has been exceeded."
        return self._fault("exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED", words)

    def _unexpected(self) -> Response:
        words = ("unexpectedErrorFault", "UNEXPECTED_ERROR", "An unexpected error occurred.")
        return self._soap.fault(self._fault(*words))

    def _fault(self, name: str, code: str, message: str) -> SoapFault:
        return SoapFault("Server.userException", message, self._records.fault(name, code, message))


def _is_customer(call: Call) -> bool:
    record = getattr(call.body, "record", None)
    first = record[0] if isinstance(record, list) else record
    return first is not None and first._xsd_type.name == "Customer"


def _external(call: Call) -> tuple[str | None, ...]:
    for part in ("record", "baseRef"):
        asked = getattr(call.body, part, None)
        if asked is not None:
            each = asked if isinstance(asked, list) else [asked]
            return tuple(one.externalId or one.internalId for one in each)
    return ()
