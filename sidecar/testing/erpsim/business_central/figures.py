"""What Business Central reckons by itself: the tax of lines, and what a discount of the document
leaves of it.

The tax of a rate is that of the sum of its lines; a line has what its sum so far has more than the
one before, so that the cents of the lines add up to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from sidecar.testing.erpsim.books import CENT, Line

_TAX_CODE = re.compile(r"VAT(\d+(?:\.\d+)?)")
_ZERO = Decimal(0)


def rate_of(tax_code: str) -> Decimal | None:
    """The percentage of a posting group of this ERP: VAT19 has 19; None: there is no such."""
    match = _TAX_CODE.fullmatch(tax_code)
    return Decimal(match[1]) if match else None


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def taxes(nets: Sequence[Decimal], rates: Sequence[Decimal]) -> list[Decimal]:
    """The tax of each line."""
    sums: dict[Decimal, Decimal] = defaultdict(Decimal)
    result: list[Decimal] = []
    for net, rate in zip(nets, rates, strict=True):
        before = rounded(sums[rate] * rate / 100)
        sums[rate] += net
        result.append(rounded(sums[rate] * rate / 100) - before)
    return result


def after_discount(
    lines: Sequence[Line], rates: Mapping[str, Decimal], discount: Decimal
) -> tuple[Decimal, Decimal]:
    """Net and tax of a document whose discount is spread over its lines by their amounts."""
    nets = [line.total - line.discount for line in lines]
    whole = sum(nets, _ZERO)
    left = [net - (net * discount / whole if whole else _ZERO) for net in nets]
    of_lines = [rates[str(line.line_id)] for line in lines]
    tax: dict[Decimal, Decimal] = defaultdict(Decimal)
    for net, rate in zip(left, of_lines, strict=True):
        tax[rate] += net
    total = sum((rounded(net * rate / 100) for rate, net in tax.items()), _ZERO)
    return whole - discount, total
