"""What a shop tells this ERP beside documents: customers, products, prices, levels, demand; one by
one taken, several in a call.

Every face reads its own form of them and has it done here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sidecar.testing.erpsim.books import Refusal, duplicate
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.rules import Enquiry, Misbehaviour, Strikes
from sidecar.testing.erpsim.side_books import SideBooks, SideRecord
from sidecar.testing.erpsim.traffic import Exchange


@dataclass(frozen=True)
class Taken:
    """What became of one record: what the shop calls it, what the ERP does, or why not."""

    external: str
    number: str | None = None
    refusal: Refusal | None = None


class Records:
    """The records of one simulator."""

    def __init__(self, conduct: Conduct, side_books: SideBooks) -> None:
        self._conduct = conduct
        self._books = side_books

    def take(
        self,
        exchange: Exchange,
        enquiry: Enquiry,
        sent: Sequence[SideRecord | Refusal],
        faults: Strikes,
    ) -> list[Taken]:
        """Each new or as it is from now on; a refusal is of what could not be read."""
        kept = len(sent) // 2 if Misbehaviour.HALF_BATCH in faults else len(sent)
        taken: list[Taken] = []
        for record, subject in list(zip(sent, enquiry.subjects, strict=True))[:kept]:
            struck = self._conduct.strikes(exchange, enquiry, subject)
            refusal = self._conduct.entry.refusal_of_record(subject, struck)
            if isinstance(record, Refusal) or refusal:
                bad = record if isinstance(record, Refusal) else refusal
                taken.append(Taken(subject.external, refusal=bad))
                continue
            number = self._books.save(record).number
            if Misbehaviour.NUMBER_REUSED in struck:
                number = self._books.records(type(record))[0].number
            told = Misbehaviour.DUPLICATE_ANSWER in struck
            again = duplicate(record.external, number) if told else None
            taken.append(Taken(record.external, number, again))
        return self._conduct.shuffled(taken)

    def erase(self, kind: type[SideRecord], number: str) -> bool:
        """Whether there was one of that number."""
        return self._books.erase(kind, number)

    def find(self, kind: type[SideRecord], external: str) -> list[SideRecord]:
        """What the shop calls so."""
        return [one for one in self._books.records(kind) if one.external == external]


def read_record(kind: type[SideRecord], sent: Mapping[str, Any]) -> SideRecord | Refusal:
    """The record of its fields, or what is wrong with it."""
    try:
        record: SideRecord = msgspec.convert(sent, kind)
    except msgspec.ValidationError as invalid:
        return Refusal(code="invalid", message=str(invalid))
    return record
