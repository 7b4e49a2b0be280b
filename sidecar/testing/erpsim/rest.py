"""A REST face: places in JSON, each below a path of its own.

The plain one has documents, news and records; that of `steps_rest` has its own places and dialect.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim import document_json
from sidecar.testing.erpsim.books import DocumentKind
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.news_books import (
    DeliveryNote,
    GoodsReturn,
    ItemPrice,
    NewsBooks,
    OwnInvoice,
    PostingMonth,
    StockLevel,
)
from sidecar.testing.erpsim.records import Records
from sidecar.testing.erpsim.rest_answers import (
    Asked,
    Dialect,
    Place,
    error,
    refusal,
    unauthorised,
)
from sidecar.testing.erpsim.rest_documents import Documents
from sidecar.testing.erpsim.rest_news import News
from sidecar.testing.erpsim.rest_records import FORMS, RecordPlace
from sidecar.testing.erpsim.rules import Enquiry
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response


class RestFace:
    """Answers requests below `base_path`."""

    def __init__(
        self, conduct: Conduct, places: Mapping[str, Place], dialect: Dialect, base_path: str
    ) -> None:
        """`places` by their paths; where one path begins with another, the longer goes first."""
        self._conduct = conduct
        self._places = places
        self._dialect = dialect
        self._base_path = base_path

    def __call__(self, request: Request) -> Response:
        return self._conduct.attend(request, lambda exchange: self._answer(request, exchange))

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        error = self._dialect.error
        path = request.path.removeprefix(self._base_path)
        if not self._dialect.admits(request, path):
            return self._dialect.unauthorised()
        name = next((one for one in self._places if path == one or path.startswith(f"{one}/")), "")
        rest = path.removeprefix(name)
        try:
            wanted = self._places[name].wanted(request, rest) if name else None
        except msgspec.MsgspecError as malformed:
            return error(400, "malformed", str(malformed))
        if wanted is None:
            return error(404, "no_such_path", f"{request.method} {request.path}")
        if wanted.route:
            exchange.route = f"{self._base_path}{name}{wanted.route}"
        enquiry = Enquiry(
            operation=wanted.operation,
            method=request.method,
            path=path,
            subjects=wanted.subjects,
            header=request.headers.get("x-erpsim", ""),
        )
        try:
            faults = self._conduct.faults(exchange, enquiry)
        except UsageError as wrong:
            return error(400, "x_erpsim", str(wrong))
        if refused := refusal(self._dialect, faults):
            return refused
        asked = Asked(request, exchange, enquiry, rest, wanted.sent)
        response = self._places[name].act(asked, faults)
        return self._conduct.after(
            response, faults, lambda: error(500, "internal", "the server failed")
        )


def plain_face(conduct: Conduct, records: Records, news: NewsBooks, base_path: str) -> RestFace:
    """Every kind of document, news and records, by the numbers of the shop."""
    dialect = Dialect(lambda request, _: conduct.admits(request), unauthorised, error)
    return RestFace(conduct, _places(conduct, records, news), dialect, base_path)


def _places(conduct: Conduct, records: Records, news: NewsBooks) -> Mapping[str, Place]:
    return {
        "/sales-orders": Documents(conduct, DocumentKind.SALES_ORDER, "orders"),
        "/credit-memos": Documents(conduct, DocumentKind.CREDIT_MEMO, "creditMemos"),
        "/credit-notes": Documents(
            conduct, DocumentKind.CREDIT_MEMO, "creditNotes", document_json.credit_memo_of_note
        ),
        "/invoices": Documents(conduct, DocumentKind.INVOICE, "invoices"),
        "/payments": Documents(conduct, DocumentKind.PAYMENT, "payments"),
        "/shipments": Documents(conduct, DocumentKind.SHIPMENT, "shipments"),
        "/deliveries": News(conduct, news, DeliveryNote),
        # Before "/stock", which some of them begin with.
        **{path: RecordPlace(records, form) for path, form in FORMS.items()},
        "/stock": News(conduct, news, StockLevel),
        "/prices": News(conduct, news, ItemPrice),
        "/bills": News(conduct, news, OwnInvoice),
        "/periods": News(conduct, news, PostingMonth),
        "/returns": News(conduct, news, GoodsReturn),
    }
