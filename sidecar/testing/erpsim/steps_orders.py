"""Orders over the REST face that takes them in steps: drafts of ids, amended, then validated."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from sidecar.testing.erpsim.books import Document, DocumentKind, Refusal
from sidecar.testing.erpsim.conduct import Conduct, changed_form
from sidecar.testing.erpsim.drafts import set_discount, validate
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json
from sidecar.testing.erpsim.rules import Form, Operation, Strikes, Subject
from sidecar.testing.erpsim.steps_answers import error, reformed
from sidecar.testing.erpsim.steps_documents import StepsDocuments, number_of, subject_of, summary
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_STATUS = {"unknown_document": 404, "duplicate": 409, "already_delivered": 409}
"""HTTP status of a refusal by its code; every other code is 422."""

_Amount = int | Decimal


class _SentDiscount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    discount: _Amount


class Orders:
    """Orders by id, which is what of their number is a number."""

    def __init__(self, conduct: Conduct, documents: StepsDocuments) -> None:
        self._conduct = conduct
        self._documents = documents

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        known, _, act = rest.removeprefix("/").partition("/")
        match request.method, known, act:
            case "POST", "", "":
                sent = _decode(request.body)
                return Wanted(Operation.CREATE, sent, (self._documents.subject(sent),))
            case "GET", "", "":
                external = request.query.get("externalNumber")
                if external is not None:
                    return Wanted(Operation.FIND, external, (Subject(external),))
            case "PATCH", _, "":
                return self._of(Operation.AMEND, known, "", _decode(request.body))
            case "POST", _, "validate":
                return self._of(Operation.VALIDATE, known, "/validate")
            case "POST", _, "cancel":
                return self._of(Operation.CANCEL, known, "/cancel")
        return None

    def _of(self, operation: Operation, known: str, act: str, sent: Any = None) -> Wanted:
        number = number_of(known)
        document = self._conduct.entry.books.document(number)
        subjects = (subject_of(document),) if document else ()
        return Wanted(operation, (number, sent), subjects, f"/{{id}}{act}")

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        exchange, enquiry, form = asked.exchange, asked.enquiry, changed_form(faults)
        books = self._conduct.entry.books
        match enquiry.operation:
            case Operation.CREATE:
                ordered = (enquiry.subjects[0], self._documents.read(asked.sent))
                booked = self._conduct.submit(exchange, enquiry, ordered)
                return _answer(booked, form, 201)
            case Operation.FIND:
                kind = DocumentKind.SALES_ORDER
                found = self._conduct.find(exchange, kind, asked.sent, faults)
                shown = [reformed(self._documents.show(one), form) for one in found]
                return as_json(200, {"items": shown})
            case Operation.AMEND:
                number, sent = asked.sent
                try:
                    amended = msgspec.convert(sent, _SentDiscount, builtin_types=(Decimal,))
                except msgspec.ValidationError as unfit:
                    return error(422, "invalid", str(unfit))
                discounted = set_discount(books, number, Decimal(amended.discount))
                return _answer(discounted, form, 200, "discount")
            case Operation.VALIDATE:
                validated = validate(books, asked.sent[0])
                return _answer(validated, form, 200, "total", "tax", "currency")
            case _:
                return _answer(books.cancel(asked.sent[0]), form, 200)


def _answer(answer: Document | Refusal, form: Form | None, status: int, *more: str) -> Response:
    if isinstance(answer, Refusal):
        return error(_STATUS.get(answer.code, 422), answer.code, answer.message, answer.field)
    return as_json(status, reformed(summary(answer, *more), form))
