"""The control face: how a test or an operator looks into the books and sets the rules.

Below `/_erpsim/`, beside the ERP's own paths; it is never throttled, delayed, logged or counted.

    GET    state[?externalNumber=]  documents, bookings per external number, requests, rules;
                                    news; records: what the shop says of customers, products,
                                    prices and stock
    GET    count                    how many documents there are
    GET    requests                 the last 10,000 requests, oldest first
    POST   rules                    {"name": …, parameters and match fields}
    DELETE rules
    POST   documents                {"number": …, "state": …, "note": …, "changed": …}: what a
                                    clerk does
    POST   news                     {"entry": {"type": "delivery", …}, "changed": …}: what the ERP
                                    tells of from now on (types: `news_books`)
    POST   reset                    empty books, no rules, empty log
    GET    history?externalNumber=  every version of what carries the number, oldest first

Of the interface in steps:

    POST   sessions                 {"requests": n, "seconds": s}: how long a session lives
    DELETE sessions                 they all end now
    POST   search                   {"seconds": s}: how far the search for customers lags behind
    POST   products                 {"sku": …}: the item has another id from now on
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.books import Books, Document, Refusal
from sidecar.testing.erpsim.news_books import Entry, NewsBooks, Told
from sidecar.testing.erpsim.rules import RuleBook
from sidecar.testing.erpsim.side_books import SideBooks, SideRecord
from sidecar.testing.erpsim.steps_control import StepsControl
from sidecar.testing.erpsim.traffic import Exchange, Traffic
from sidecar.testing.erpsim.wire import Request, Response

PREFIX = "/_erpsim/"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class StateChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `POST documents` takes."""

    number: str
    state: str
    note: str | None = None
    changed: datetime | None = None


class Telling(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `POST news` takes; `changed`: the moment that the ERP gives for it, else now."""

    entry: Entry
    changed: datetime | None = None


class State(msgspec.Struct, kw_only=True):
    """What `GET state` answers; `requests` are counts per `METHOD route` and outcome."""

    documents: list[Document]
    bookings: dict[str, int]
    requests: dict[str, dict[str, int]]
    rules: list[dict[str, Any]]
    records: list[SideRecord]
    news: list[Told]


class ControlFace:
    """Answers requests below `/_erpsim/`."""

    def __init__(
        self,
        books: Books,
        side_books: SideBooks,
        news: NewsBooks,
        rules: RuleBook,
        traffic: Traffic,
        steps: StepsControl,
    ) -> None:
        self._books = books
        self._side_books = side_books
        self._news = news
        self._rules = rules
        self._traffic = traffic
        self._steps = steps

    def __call__(self, request: Request) -> Response:
        try:
            return self._answer(request)
        except (UsageError, msgspec.MsgspecError) as error:
            return _json(400, {"error": str(error)})

    def _answer(self, request: Request) -> Response:
        place = request.path.removeprefix(PREFIX)
        if (answer := self._steps.answer(request, place)) is not None:
            return answer
        match request.method, place:
            case "GET", "state":
                return _json(200, self._state(request.query.get("externalNumber")))
            case "GET", "count":
                return _json(200, {"documents": self._books.count()})
            case "GET", "history":
                external = request.query.get("externalNumber", "")
                return _json(200, self._books.history(external))
            case "GET", "requests":
                return _json(200, self._traffic.log())
            case "POST", "rules":
                settings = msgspec.json.decode(request.body, type=dict[str, Any])
                return _json(201, self._rules.add(settings).describe())
            case "DELETE", "rules":
                self._rules.clear()
                return Response(204)
            case "POST", "documents":
                change = msgspec.json.decode(request.body, type=StateChange)
                changed = self._books.set_state(
                    change.number, change.state, change.note, change.changed
                )
                if isinstance(changed, Refusal):
                    return _json(404, {"error": changed.message})
                return _json(200, changed)
            case "POST", "news":
                telling = msgspec.json.decode(request.body, type=Telling)
                return _json(200, self._news.tell(telling.entry, telling.changed))
            case "POST", "reset":
                self._books.reset()
                self._side_books.reset()
                self._news.reset()
                self._rules.clear()
                self._traffic.reset()
                return Response(204)
        return _json(404, {"error": f"no {request.method} {request.path}"})

    def _state(self, external: str | None) -> State:
        documents = self._books.documents(external)
        return State(
            documents=documents,
            bookings=dict(Counter(document.external for document in documents)),
            requests=self._traffic.counts(),
            rules=self._rules.describe(),
            records=self._side_books.everything(),
            news=self._news.everything(),
        )


read_state = msgspec.json.Decoder(State, float_hook=Decimal).decode
read_requests = msgspec.json.Decoder(list[Exchange]).decode
read_history = msgspec.json.Decoder(list[Document], float_hook=Decimal).decode
read_document = msgspec.json.Decoder(Document, float_hook=Decimal).decode


def _json(status: int, payload: Any) -> Response:
    return Response(status, _encode(payload))
