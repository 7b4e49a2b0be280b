"""The SOAP face of the ERP that takes an order in steps: the operations of steps.wsdl.

What the REST face has, in calls: Login gives a token, which goes along as the header Session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.testing.erpsim.books import Document, DocumentKind, Refusal
from sidecar.testing.erpsim.client import STEPS_PORTS, STEPS_WSDL
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.drafts import set_discount, validate
from sidecar.testing.erpsim.rules import Enquiry, Operation, Strikes, Subject
from sidecar.testing.erpsim.sessions import Sessions
from sidecar.testing.erpsim.soap import SoapFace
from sidecar.testing.erpsim.steps_documents import StepsDocuments, number_of, subject_of, summary
from sidecar.testing.erpsim.steps_records import StepsRecords
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request
from sidecar.testing.soap_messages import Message, SoapFault

NAMESPACE = "urn:erpsim:steps"
_OPERATIONS: Mapping[str, Operation] = {
    "Login": Operation.LOGIN,
    "FindProducts": Operation.LOOKUP,
    "FindCustomers": Operation.LOOKUP,
    "CreateCustomer": Operation.CUSTOMER,
    "CheckVatId": Operation.LOOKUP,
    "CreateOrder": Operation.CREATE,
    "SetDiscount": Operation.AMEND,
    "ValidateOrder": Operation.VALIDATE,
    "CancelOrder": Operation.CANCEL,
    "FindOrders": Operation.FIND,
}


def steps_soap_face(
    conduct: Conduct,
    records: StepsRecords,
    documents: StepsDocuments,
    sessions: Sessions,
    base_path: str,
) -> SoapFace:
    """The operations, and the session that all but the login want."""
    operations = StepsOperations(conduct, records, documents, sessions)
    return SoapFace(STEPS_WSDL, STEPS_PORTS, operations, conduct, base_path)


class StepsOperations:
    """The operations of steps.wsdl."""

    def __init__(
        self,
        conduct: Conduct,
        records: StepsRecords,
        documents: StepsDocuments,
        sessions: Sessions,
    ) -> None:
        self._conduct = conduct
        self._records = records
        self._documents = documents
        self._sessions = sessions

    def admits(self, _: Request, call: Message) -> bool:
        """See `Operations`: without a session it is a fault."""
        token = call.headers.get("Session") or ""
        if call.operation != "Login" and not self._sessions.admits(token):
            raise SoapFault(f"{{{NAMESPACE}}}InvalidSession", "there is no such session")
        return True

    def operation(self, call: Message) -> Operation:
        """See `Operations`."""
        return _OPERATIONS[call.operation]

    def identity(self, call: Message) -> bytes:
        """See `Operations`."""
        return b"Token" if call.operation == "Login" else b"Id|Number"

    def subjects(self, call: Message) -> tuple[Subject, ...]:
        """See `Operations`."""
        body = call.body
        match call.operation:
            case "Login":
                return ()
            case "FindProducts":
                return (Subject("", (body.Sku or "",)),)
            case "FindCustomers" | "CreateCustomer":
                return (Subject(body.Email or ""),)
            case "CheckVatId":
                return (Subject(body.VatId or ""),)
            case "CreateOrder":
                return (self._documents.subject(_lowered(body.Order)),)
            case "FindOrders":
                return (Subject(body.ExternalNumber or ""),)
        document = self._conduct.entry.books.document(number_of(body.Id))
        return (subject_of(document),) if document else ()

    def act(
        self, exchange: Exchange, enquiry: Enquiry, call: Message, faults: Strikes
    ) -> dict[str, Any]:
        """See `Operations`."""
        body, books = call.body, self._conduct.entry.books
        match call.operation:
            case "Login":
                return self._login(body.User or "", body.Password or "")
            case "FindProducts":
                found = self._records.products(body.Sku or "")
                return _done(Product=[_raised(one) for one in found])
            case "FindCustomers":
                found = self._records.customers(body.Email or "")
                return _done(Customer=[_raised(one) for one in found])
            case "CreateCustomer":
                sent = {"email": body.Email, "name": body.Name}
                return _result(self._records.add_customer(sent), "id")
            case "CheckVatId":
                return _result(self._records.vat_id(body.VatId or ""), "valid")
            case "CreateOrder":
                ordered = (enquiry.subjects[0], self._documents.read(_lowered(body.Order)))
                return _answer(self._conduct.submit(exchange, enquiry, ordered))
            case "SetDiscount":
                return _answer(set_discount(books, number_of(body.Id), body.Discount), "discount")
            case "ValidateOrder":
                return _answer(validate(books, number_of(body.Id)), "total", "tax", "currency")
            case "CancelOrder":
                return _answer(books.cancel(number_of(body.Id)))
        kind, external = DocumentKind.SALES_ORDER, body.ExternalNumber or ""
        held = self._conduct.find(exchange, kind, external, faults)
        return _done(Order=[_raised(self._documents.show(one)) for one in held])

    def _login(self, user: str, password: str) -> dict[str, Any]:
        token = self._sessions.login(user, password)
        if token is None:
            return {"ResultCode": "LOGIN", "Message": "user or password is wrong"}
        return _done(Token=token)


def _done(**values: Any) -> dict[str, Any]:
    return {"ResultCode": "OK", **values}


def _answer(answer: Document | Refusal, *more: str) -> dict[str, Any]:
    shown = answer if isinstance(answer, Refusal) else summary(answer, *more)
    return _result(shown, *(shown if isinstance(shown, dict) else ()))


def _result(shown: dict[str, Any] | Refusal, *names: str) -> dict[str, Any]:
    """The named fields, or why not."""
    if isinstance(shown, Refusal):
        where = f"{shown.field}: " if shown.field else ""
        return {"ResultCode": shown.code.upper(), "Message": f"{where}{shown.message}"}
    return _done(**{_capital(name): shown[name] for name in names})


def _raised(shown: dict[str, Any]) -> dict[str, Any]:
    """The names as the WSDL has them."""
    raised = {_capital(name): value for name, value in shown.items()}
    if "Lines" in raised:
        raised["Lines"] = {"Line": [_raised(line) for line in raised["Lines"]]}
    return raised


def _lowered(order: Any) -> dict[str, Any]:
    """An order as the books' reader wants it; what was left out stays out."""
    if order is None:
        return {}
    lines = order.Lines.Line if order.Lines else ()
    fields = ("ExternalNumber", "CustomerId", "ReverseCharge", "OrderedAt", "Currency")
    of_line = ("Position", "ProductId", "Quantity", "Price", "Tax")
    read = [_sent(line, of_line) for line in lines if line is not None]
    for line in read:
        # An id is a number to the ERP, whatever XML makes of it.
        product = line.get("productId", "")
        line["productId"] = int(product) if product.isdecimal() else product
    return {**_sent(order, fields), "lines": read}


def _sent(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    sent = {name[0].lower() + name[1:]: getattr(value, name) for name in names}
    return {name: one for name, one in sent.items() if one is not None}


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
