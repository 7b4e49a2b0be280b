"""The services whose documents stand in the books: sales orders, credit memo requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sidecar.testing.erpsim.books import Document, Refusal
from sidecar.testing.erpsim.conduct import Conduct, changed_form, spoiled
from sidecar.testing.erpsim.rules import Form, Operation, Strikes, Subject
from sidecar.testing.erpsim.sap.answers import listed, selected, sent
from sidecar.testing.erpsim.sap.documents import (
    Changes,
    DocumentView,
    Rejections,
    Words,
    changed_since,
    entries,
    etag,
    key_of,
    messages_of,
    read_submission,
    refusal_of,
    subject_of,
)
from sidecar.testing.erpsim.sap.errors import NOT_FOUND, SapError
from sidecar.testing.erpsim.sap.face import Asked, Told, Wanted
from sidecar.testing.erpsim.sap.queries import Query, read_query
from sidecar.testing.erpsim.sap.values import shown
from sidecar.testing.erpsim.wire import Request

#: What the number is called after an upgrade of the ERP.
_RENAMED = "SalesDocument"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class DocumentService:
    """See `sidecar.testing.erpsim.sap.face.SapService`."""

    def __init__(self, conduct: Conduct, words: Words, rejections: Rejections) -> None:
        self.version = words.version
        self._conduct = conduct
        self._words = words
        self._view = DocumentView(words, rejections)
        self._changes = Changes(conduct.entry.books, words, rejections)

    def wanted(self, request: Request, path: str) -> Wanted:
        """See `SapService`."""
        words = self._words
        match request.method:
            case "POST" if path == f"/{words.entity.name}":
                return Wanted(Operation.CREATE, (subject_of(words, sent(request)),))
            case "PATCH":
                return Wanted(Operation.CANCEL, self._subjects(path))
            case "GET":
                query = read_query(request.query)
                external = query.value("PurchaseOrderByCustomer")
                if external is not None:
                    return Wanted(Operation.FIND, (Subject(str(external)),))
                single = self._number(path) is not None
                return Wanted(Operation.FIND if single else Operation.LIST, self._subjects(path))
        raise SapError(404, NOT_FOUND, f"Resource not found: {request.method} {path}")

    def act(self, asked: Asked, faults: Strikes) -> Told:
        """See `SapService`."""
        match asked.request.method:
            case "POST":
                return self._create(asked, faults)
            case "PATCH":
                return self._change(asked)
        if (number := self._number(asked.path)) is not None:
            return self._one(asked, number, faults)
        if asked.path != f"/{self._words.entity.name}":
            raise SapError(404, NOT_FOUND, f"Resource not found for the segment {asked.path}")
        return self._list(asked, faults)

    def _create(self, asked: Asked, faults: Strikes) -> Told:
        submission = read_submission(
            self._words, sent(asked.request), self._conduct.entry.books.document
        )
        ordered = (asked.enquiry.subjects[0], submission)
        booked = self._conduct.submit(asked.exchange, asked.enquiry, ordered)
        if isinstance(booked, Refusal):
            raise refusal_of(booked)
        expand = [self._words.items, self._words.item_pricing]
        row = self._shown(booked, asked.root, expand, faults)
        told = messages_of(booked)
        if self.version == 4:
            return Told(201, {**row, "SAP__Messages": [_counted(one) for one in told]})
        headers = {"sap-message": json.dumps(told[0])} if told else {}
        return Told(201, {"d": row}, {**headers, "ETag": etag(booked)})

    def _change(self, asked: Asked) -> Told:
        stated = asked.request.headers.get("if-match")
        changed = sent(asked.request)
        if (number := self._number(asked.path)) is not None:
            self._changes.head(number, changed, stated)
        elif (keys := key_of(asked.path, self._words.item.name)) and len(keys) == 2:
            self._changes.item(keys[0], keys[1], changed, stated)
        else:
            raise SapError(404, NOT_FOUND, f"Resource not found for the segment {asked.path}")
        return Told(204)

    def _one(self, asked: Asked, number: str, faults: Strikes) -> Told:
        document = self._conduct.entry.books.document(number)
        if document is None or document.kind is not self._words.kind:
            raise SapError(404, NOT_FOUND, f"Resource not found: {number}")
        expand = read_query(asked.request.query).expand
        row = self._shown(document, asked.root, expand, faults)
        body = {"@odata.etag": etag(document), **row} if self.version == 4 else {"d": row}
        return Told(200, body, {"ETag": etag(document)})

    def _list(self, asked: Asked, faults: Strikes) -> Told:
        query = read_query(asked.request.query)
        found, following = self._found(asked, query, faults)
        terms = query.besides("PurchaseOrderByCustomer", "LastChangeDateTime")
        kept = [one for one in found if all(term.holds(self._view.row(one)) for term in terms)]
        rows = [
            spoiled(
                selected(
                    self._shown(one, asked.root, query.expand, faults), query, "SalesDocument"
                ),
                faults,
            )
            for one in entries(kept, query.top)
        ]
        return listed(rows, following, asked, self.version)

    def _found(
        self, asked: Asked, query: Query, faults: Strikes
    ) -> tuple[list[Document], int | None]:
        external = query.value("PurchaseOrderByCustomer")
        if external is not None:
            return self._conduct.find(asked.exchange, self._words.kind, external, faults), None
        since = query.value("LastChangeDateTime", "ge") or query.value("LastChangeDateTime", "gt")
        moment = changed_since(since or _BEGINNING)
        page = self._conduct.changed(asked.exchange, self._words.kind, moment, query.page, faults)
        return list(page.rows), page.next

    def _shown(self, document: Document, root: str, expand: Any, faults: Strikes) -> dict[str, Any]:
        row = shown(self._words.entity, self._view.row(document), self.version, root, expand)
        number = self._words.number
        match changed_form(faults):
            case Form.RENAMED:
                row[_RENAMED] = row.pop(number)
            case Form.NESTED:
                row[number] = {"number": row[number]}
        return row

    def _number(self, path: str) -> str | None:
        keys = key_of(path, self._words.entity.name)
        return keys[0] if keys and len(keys) == 1 else None

    def _subjects(self, path: str) -> tuple[Subject, ...]:
        keys = key_of(path, self._words.entity.name) or key_of(path, self._words.item.name)
        document = self._conduct.entry.books.document(keys[0]) if keys else None
        return (Subject(document.external),) if document else ()


def _counted(message: dict[str, Any]) -> dict[str, Any]:
    """A message of OData 4 says in a number how grave it is."""
    told = {name: message[name] for name in ("code", "message", "target")}
    return {**told, "transition": True, "numericSeverity": 3}
