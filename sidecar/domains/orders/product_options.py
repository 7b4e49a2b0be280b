"""The column product_options of an order line: JSON since Magento 2.2.

It is written by Magento and by every module that adds something to a cart line, so nothing about
its shape is certain, and lines from before an upgrade to 2.2 may still hold PHP's serialisation.
Whatever cannot be read counts as absent: an engraving that is not shown is a smaller harm than an
order that does not go.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from sidecar.domains.orders.payload import ItemOption

#: `kind` of an ItemOption.
OPTION, ADDITIONAL, ATTRIBUTE, BUNDLE = "option", "additional", "attribute", "bundle"
_PRICE_AT_CHILDREN = "0"
_PRICE_AT_PARENT = "1"
#: Lists in lists; no choice of a customer is nested further.
_DEEPEST = 10


class ProductOptions(msgspec.Struct, frozen=True):
    """The parts that matter; each as it was found."""

    product_calculations: Any = None
    options: Any = None
    additional_options: Any = None
    attributes_info: Any = None
    bundle_selection_attributes: Any = None
    bundle_options: Any = None
    simple_sku: Any = None

    @property
    def price_is_at_children(self) -> bool | None:
        """Where a bundle's price is (AbstractType::CALCULATE_CHILD); None when it is not said."""
        calculation = str(self.product_calculations)
        if calculation == _PRICE_AT_CHILDREN:
            return True
        return False if calculation == _PRICE_AT_PARENT else None

    def chosen(self, name: str) -> tuple[ItemOption, ...]:
        """What the customer chose, in the order in which Magento's admin shows it.

        `name` is the line's own name: for a part of a bundle it is the choice.
        """
        return (
            *_options(OPTION, self.options),
            *_options(ADDITIONAL, self.additional_options),
            *_options(ATTRIBUTE, self.attributes_info),
            *_parts_of_bundle(self.bundle_options),
            *_part_of_bundle(self.bundle_selection_attributes, name),
        )

    @property
    def variant_sku(self) -> str | None:
        """The SKU of the variant of a configurable product."""
        return _text(self.simple_sku) or None


NONE = ProductOptions()
_DECODER = msgspec.json.Decoder(ProductOptions)


def read(raw: str | None) -> ProductOptions:
    """Decode the column; NULL, broken JSON and foreign formats give `NONE`."""
    if not raw:
        return NONE
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return NONE


def _entries(value: object) -> list[dict[str, Any]]:
    # A PHP list with gaps in its numbering is encoded as an object.
    entries = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _options(kind: str, entries: object) -> list[ItemOption]:
    options = []
    for entry in _entries(entries):
        label = _text(entry.get("label"))
        # print_value is the plain form; `value` of a file option is an HTML link.
        value = _text(entry.get("print_value")) or _text(entry.get("value"))
        if label or value:
            options.append(
                ItemOption(
                    kind=kind,
                    label=label,
                    value=value,
                    option_id=_text(entry.get("option_id")) or None,
                    option_type=_text(entry.get("option_type")) or None,
                    # Of a file option it is a path on the shop's disk and a key that opens it.
                    option_value=None
                    if entry.get("option_type") == "file"
                    else _text(entry.get("option_value")) or None,
                )
            )
    return options


def _parts_of_bundle(value: object) -> list[ItemOption]:
    """What a bundle's own line says of its parts: a part each, whatever became of their lines."""
    return [
        ItemOption(
            kind=BUNDLE,
            label=_text(option.get("label")),
            value=_text(part.get("title")),
            option_id=_text(option.get("option_id")) or None,
            qty=_number(part.get("qty")),
            price=_number(part.get("price")),
        )
        for option in _entries(value)
        for part in _entries(option.get("value"))
    ]


def _part_of_bundle(value: object, name: str) -> list[ItemOption]:
    """What the line of a part says of itself."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return []
    label = _text(value.get("option_label")) if isinstance(value, dict) else ""
    if not isinstance(value, dict) or not label:
        return []
    return [
        ItemOption(
            kind=BUNDLE,
            label=label,
            value=name,
            option_id=_text(value.get("option_id")) or None,
            qty=_number(value.get("qty")),
            price=_number(value.get("price")),
        )
    ]


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(_text(value))
    except InvalidOperation:
        return None
    # A number beyond all measure is a mistake, and would be one for who reckons with it.
    return number if number.is_finite() and -12 < number.adjusted() < 12 else None


def _text(value: object, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | list):
        return ""
    if not isinstance(value, list):
        return str(value)
    return "" if depth == _DEEPEST else ", ".join(_text(part, depth + 1) for part in value)
