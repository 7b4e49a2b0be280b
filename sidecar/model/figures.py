"""Compare what the ERP says it booked with what was sent: a silent loss is found at once.

Submitted totals are never honoured by real ERPs, prices are cut, quantities rounded, taxes dropped,
lines lost, each time with an OK (facts: real-erps.md).  So is the currency: a document of 100 USD
that was booked as 100 EUR has equal figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sidecar.model.outcome import Booked, BookedLine
from sidecar.model.settlement import Difference, Tolerances

#: A document of two hundred lines whose tax was dropped must not bury all others.
MOST_OF_LINES = 20

_QUANTITY = "line_qty"
#: Class of the difference, and the figure of a line that it is about.
_FIGURES = (
    (_QUANTITY, "qty_ordered"),
    ("line_total", "row_total"),
    ("line_discount", "discount_amount"),
    ("line_discount", "net_discount_amount"),
    ("line_tax", "tax_amount"),
)
_ZERO = Decimal(0)
#: What the ledger keeps of either side; a SKU leaves room for its figure.
_LONGEST, _LONGEST_SKU = 100, 70


@dataclass(frozen=True, slots=True)
class SentLine:
    """The figures of a line in the currency in which the ERP tells its own."""

    item_id: int
    sku: str
    qty_ordered: Decimal
    price: Decimal
    row_total: Decimal
    discount_amount: Decimal
    net_discount_amount: Decimal
    tax_amount: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """What a document was sent with, in one currency.

    `count`: how many lines; `lines` makes them, where the ERP tells its own.
    """

    currency: str
    total: Decimal
    tax: Decimal
    count: int
    lines: Callable[[], Sequence[SentLine]]


_Pair = tuple[list[SentLine], list[BookedLine]]


def differences(
    own: Figures, base: Figures, booked: Booked, tolerances: Tolerances
) -> tuple[Difference, ...]:
    """What does not agree; figures that the ERP did not answer are not compared.

    `own`: in the document's own currency; `base`: in the shop's base currency.
    """
    is_base = _is_in_base_currency(own, base, booked, tolerances.total)
    sent = base if is_base else own
    found = [
        None if is_base else _currency(own, booked),
        _amount("total", sent.total, booked.total, tolerances.total),
        _amount("tax", sent.tax, booked.tax, tolerances.tax),
        _lines(sent, booked) if tolerances.lines_exact else None,
    ]
    if booked.items is not None:
        found += _most(list(_of_lines(sent.lines(), booked.items, tolerances.line)))
    return tuple(difference for difference in found if difference)


def _is_in_base_currency(own: Figures, base: Figures, booked: Booked, tolerance: Decimal) -> bool:
    """Whether the ERP keeps the document in the shop's base currency, as its total proves.

    Without a total nothing would prove it: the document's own figures under the base currency's
    name are the very mistake that is looked for.
    """
    return (
        base.currency != own.currency
        and _code(booked.currency) == _code(base.currency)
        and booked.total is not None
        and abs(booked.total - base.total) <= tolerance
    )


def _currency(own: Figures, booked: Booked) -> Difference | None:
    ours, theirs = own.currency, booked.currency
    if theirs is None or _code(theirs) == _code(ours):
        return None
    return Difference("currency", ours, theirs[:_LONGEST])


def _code(currency: str | None) -> str:
    return (currency or "").strip().upper()


def _amount(
    kind: str, ours: Decimal, theirs: Decimal | None, tolerance: Decimal
) -> Difference | None:
    if theirs is None or abs(theirs - ours) <= tolerance:
        return None
    return Difference(kind, _plain(ours), _plain(theirs), abs(theirs - ours))


def _lines(sent: Figures, booked: Booked) -> Difference | None:
    ours = sent.count
    if booked.lines is None or booked.lines == ours:
        return None
    return Difference("lines", str(ours), str(booked.lines))


def _of_lines(
    ours: Sequence[SentLine], theirs: Sequence[BookedLine], tolerance: Decimal
) -> Iterator[Difference]:
    pairs = _pairs(ours, theirs)
    # A line with neither id nor SKU may be any of ours: then only their number tells of a loss.
    nameless = pairs.pop(None, None)
    for sent, booked in pairs.values():
        if sent and booked:
            yield from _of_pair(sent, booked, tolerance)
        elif booked:
            sku, worth = booked[0].sku or "", _sum(booked, "row_total")
            yield _of_line("line_surplus", sku, "none", _told(booked), worth)
        elif not nameless:
            sku, worth = sent[0].sku, _sum(sent, "row_total")
            yield _of_line("line_missing", sku, _told(sent), "none", worth)


def _pairs(ours: Sequence[SentLine], theirs: Sequence[BookedLine]) -> dict[int | str | None, _Pair]:
    """Lines that should be the same: by id where the answer has one of ours, else by SKU.

    Lines of one SKU without ids cannot be told apart, and an ERP may split a line in two: so a
    pair has any number of lines on both sides, and is compared by its sums.
    """
    ids = {item.item_id for item in ours}
    pairs: dict[int | str | None, _Pair] = {}
    for line in theirs:
        known = line.item_id in ids
        pairs.setdefault(line.item_id if known else _key(line.sku), ([], []))[1].append(line)
    for item in ours:
        known = item.item_id in pairs
        pairs.setdefault(item.item_id if known else _key(item.sku), ([], []))[0].append(item)
    return pairs


def _key(sku: str | None) -> str | None:
    """Some ERPs keep SKUs in capitals; Magento has no two that differ in case only."""
    return None if sku is None else sku.strip().casefold()


def _of_pair(
    sent: list[SentLine], booked: list[BookedLine], tolerance: Decimal
) -> Iterator[Difference]:
    sku = sent[0].sku
    for line in booked:
        if line.sku is not None and _key(line.sku) != _key(sku):
            yield Difference("line_sku", sku[:_LONGEST], line.sku[:_LONGEST])
    if len(sent) == len(booked) == 1:
        yield from _of_price(sent[0], booked[0], tolerance)
    for kind, name in _FIGURES:
        ours, theirs = _sum(sent, name), _sum(booked, name)
        if ours is None or theirs is None or ours == theirs:
            continue
        worth = None if kind == _QUANTITY else abs(theirs - ours)
        if worth is None or worth > tolerance:
            yield _of_line(kind, sku, _plain(ours), _plain(theirs), worth)


def _of_price(sent: SentLine, booked: BookedLine, tolerance: Decimal) -> Iterator[Difference]:
    if booked.price is None:
        return
    off = abs(booked.price - sent.price)
    worth = off * sent.qty_ordered
    # Where the answer has no total of the line, a price cut in its third place shows here only.
    if off > tolerance or (booked.row_total is None and worth > tolerance):
        yield _of_line("line_price", sent.sku, _plain(sent.price), _plain(booked.price), worth)


def _of_line(kind: str, sku: str, ours: str, theirs: str, worth: Decimal | None) -> Difference:
    name = sku[:_LONGEST_SKU]
    return Difference(kind, f"{name}: {ours}"[:_LONGEST], f"{name}: {theirs}"[:_LONGEST], worth)


def _told(lines: Sequence[SentLine | BookedLine]) -> str:
    """How many, and for how much."""
    figures = _sum(lines, "qty_ordered"), _sum(lines, "row_total")
    return " for ".join("?" if figure is None else _plain(figure) for figure in figures)


def _sum(lines: Sequence[SentLine | BookedLine], name: str) -> Decimal | None:
    """Of one figure over the lines; None when one of them does not tell it."""
    figures: list[Decimal | None] = [getattr(line, name) for line in lines]
    if len(figures) == 1:
        return figures[0]
    return None if None in figures else sum(filter(None, figures), _ZERO)


def _most(found: list[Difference]) -> list[Difference]:
    """Those that cost most, and how many more there are."""
    if len(found) <= MOST_OF_LINES:
        return found
    found.sort(key=lambda difference: difference.amount or _ZERO, reverse=True)
    left_out = f"{len(found) - MOST_OF_LINES} more differences of lines"
    return [*found[:MOST_OF_LINES], Difference("line_more", "-", left_out)]


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
