"""What the ERP that takes orders in steps knows beside them: products, customers, VAT ids."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from sidecar.testing.erpsim.books import Refusal
from sidecar.testing.erpsim.customer_search import CustomerSearch
from sidecar.testing.erpsim.document_entry import DocumentEntry
from sidecar.testing.erpsim.side_books import Customer, SideBooks

_VAT_ID = re.compile(r"[A-Z]{2}[0-9A-Z]{2,12}")


class _SentCustomer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class StepsRecords:
    """Answers in the names that both of its languages have alike."""

    def __init__(
        self,
        entry: DocumentEntry,
        side_books: SideBooks,
        search: CustomerSearch,
        vat_ids_invalid: frozenset[str],
    ) -> None:
        """`vat_ids_invalid`: those that the authority does not confirm."""
        self._entry = entry
        self._side_books = side_books
        self._search = search
        self._vat_ids_invalid = vat_ids_invalid

    def products(self, sku: str) -> list[dict[str, Any]]:
        """The item, which has an id from then on; none where there is no such item."""
        if not self._entry.knows(sku):
            return []
        product = self._side_books.product(sku)
        return [{"id": product.id, "sku": product.sku}]

    def customers(self, email: str) -> list[dict[str, Any]]:
        """Those who have the address and are found already."""
        return [_shown(customer) for customer in self._search.find(email)]

    def add_customer(self, sent: Any) -> dict[str, Any] | Refusal:
        """One more customer; nobody looks whether one is there already."""
        try:
            read = msgspec.convert(sent, _SentCustomer)
        except msgspec.ValidationError as unfit:
            return Refusal(code="invalid", message=str(unfit))
        now = self._search.now()
        return _shown(self._side_books.add_customer(name=read.name, email=read.email, created=now))

    def vat_id(self, number: str) -> dict[str, Any] | Refusal:
        """Whether the authority confirms it; a refusal where there is no such VAT id."""
        if not _VAT_ID.fullmatch(number):
            return Refusal(code="unknown_vat_id", message=f"there is no VAT id {number}")
        return {"number": number, "valid": number not in self._vat_ids_invalid}


def _shown(customer: Customer) -> dict[str, Any]:
    return {"id": int(customer.number), "email": customer.email, "name": customer.name}
