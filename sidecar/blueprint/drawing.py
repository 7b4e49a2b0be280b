"""Magento on the left, the accounts on the right, and what goes between them: one picture (SVG)."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from sidecar.blueprint.document import Blueprint, DomainPlan
from sidecar.blueprint.words import OWNERS

_WIDTH, _LEFT, _RIGHT = 920, 190, 690
_ROW, _TOP, _GAP = 50, 20, 22
#: The colour of what each side owns.
COLOURS = {"magento": "#b4531a", "erp": "#1c5d8c"}


def drawing(blueprint: Blueprint) -> str:
    """One `svg` element, which needs nothing from outside."""
    groups = [
        (account.name, account.address, found)
        for account in blueprint.accounts
        if (found := [one for one in blueprint.domains if one.account == account.name])
    ]
    parts: list[str] = []
    y = _TOP
    for name, address, domains in groups:
        height = len(domains) * _ROW
        parts += _box(_RIGHT, y, _WIDTH - _RIGHT - 10, height, name, address)
        for number, domain in enumerate(domains):
            parts += _arrow(blueprint, domain, y + number * _ROW + _ROW // 2)
        y += height + _GAP
    height = y - _GAP
    magento = _box(10, _TOP, _LEFT - 10, height - _TOP, "Magento", f"shop {blueprint.shop}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height + 20}" '
            'role="img" aria-label="What goes between Magento and the accounts">',
            *magento,
            *parts,
            "</svg>",
        ]
    )


def _box(x: int, y: int, width: int, height: int, title: str, below: str) -> Iterator[str]:
    middle_x, middle_y = x + width // 2, y + height // 2
    yield (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="10" fill="#f4f1ec" '
        'stroke="#8a8378"/>'
    )
    yield _text(middle_x, middle_y - 2, title, 'font-size="18" font-weight="600"')
    yield _text(middle_x, middle_y + 16, _shortened(below, 30), 'font-size="11" fill="#6b655c"')


def _arrow(blueprint: Blueprint, domain: DomainPlan, y: int) -> Iterator[str]:
    colour = COLOURS[domain.owner]
    start, end, tip = (
        (_LEFT + 6, _RIGHT - 16, _RIGHT - 6)
        if domain.owner == "magento"
        else (_RIGHT - 6, _LEFT + 16, _LEFT + 6)
    )
    width = 4 if domain.risk == "high" else 2.5
    yield f'<path d="M{start} {y}H{end}" stroke="{colour}" stroke-width="{width}"/>'
    yield f'<path d="M{tip} {y}L{end} {y - 7}V{y + 7}Z" fill="{colour}"/>'
    middle = (_LEFT + _RIGHT) // 2
    high = ", high risk" if domain.risk == "high" else ""
    yield _text(middle, y - 7, domain.name, f'font-size="15" font-weight="600" fill="{colour}"')
    told = f"{OWNERS[domain.owner]} owns it, every {domain.every}{high}"
    cases = sum(one.domain == domain.name for one in blueprint.exceptions)
    if cases:
        told += f", {cases} exception{'s' * (cases > 1)}"
    yield _text(middle, y + 15, told, 'font-size="11" fill="#6b655c"')


def _text(x: int, y: int, text: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" {style}>{escape(text)}</text>'


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
