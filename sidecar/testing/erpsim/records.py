"""What a shop tells this ERP beside documents: customers, levels, demand; taken one by one.

Every face reads its own form of them and has it done here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sidecar.testing.erpsim.books import Refusal
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.rules import Enquiry, Misbehaviour, Strikes, Subject
from sidecar.testing.erpsim.side_books import Customer, Demand, ShopLevel, SideBooks
from sidecar.testing.erpsim.traffic import Exchange

T = TypeVar("T")


@dataclass(frozen=True)
class Taken:
    """What became of one record: its id in the call, the ERP's number of it, or why not."""

    id: str
    number: str | None = None
    refusal: Refusal | None = None


class Records:
    """The records of one simulator."""

    def __init__(self, conduct: Conduct, side_books: SideBooks) -> None:
        self._conduct = conduct
        self._books = side_books

    def save_customers(
        self, exchange: Exchange, enquiry: Enquiry, sent: Sequence[Customer], faults: Strikes
    ) -> list[Taken]:
        """Customers, new or as they are from now on; their number is given here."""

        def save(customer: Customer) -> str:
            return self._books.save_customer(
                customer.external,
                name=customer.name,
                email=customer.email,
                country=customer.country,
                group=customer.group,
                vat_id=customer.vat_id,
                addresses=customer.addresses,
            ).number

        return self._each(exchange, enquiry, sent, faults, lambda one: one.external, save)

    def erase_customer(self, number: str) -> bool:
        """Whether there was one."""
        return self._books.erase_customer(number)

    def note_levels(
        self, exchange: Exchange, enquiry: Enquiry, sent: Sequence[ShopLevel], faults: Strikes
    ) -> list[Taken]:
        """The shop's levels; each is known by its SKU and warehouse."""
        return self._each(exchange, enquiry, sent, faults, level_id, self._books.note)

    def note_demand(
        self, exchange: Exchange, enquiry: Enquiry, sent: Sequence[Demand], faults: Strikes
    ) -> list[Taken]:
        """What the shop sold."""
        return self._each(exchange, enquiry, sent, faults, lambda one: one.id, self._books.note)

    def _each(
        self,
        exchange: Exchange,
        enquiry: Enquiry,
        sent: Sequence[T],
        faults: Strikes,
        id_of: Callable[[T], str],
        take: Callable[[T], str | None],
    ) -> list[Taken]:
        kept = len(sent) // 2 if Misbehaviour.HALF_BATCH in faults else len(sent)
        taken: list[Taken] = []
        for record, subject in list(zip(sent, enquiry.subjects, strict=True))[:kept]:
            refusal = self._refusal(exchange, enquiry, subject)
            number = None if refusal else take(record)
            taken.append(Taken(id_of(record), number, refusal))
        return self._conduct.shuffled(taken)

    def _refusal(self, exchange: Exchange, enquiry: Enquiry, subject: Subject) -> Refusal | None:
        faults = self._conduct.strikes(exchange, enquiry, subject)
        return self._conduct.entry.refusal_of_record(subject, faults)


def level_id(level: ShopLevel) -> str:
    """What a result calls a level."""
    return f"{level.sku}/{level.warehouse or ''}"
