"""The column product_options of an order line: JSON since Magento 2.2.

It is written by Magento and by every module that adds something to a cart line, so nothing about
its shape is certain, and lines from before an upgrade to 2.2 may still hold PHP's serialisation.
Whatever cannot be read counts as absent: an engraving that is not shown is a smaller harm than an
order that does not go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sidecar.domain.order import ItemOption

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

    @property
    def price_is_at_children(self) -> bool | None:
        """Where a bundle's price is (AbstractType::CALCULATE_CHILD); None when it is not said."""
        said = str(self.product_calculations)
        if said == _PRICE_AT_CHILDREN:
            return True
        return False if said == _PRICE_AT_PARENT else None

    def chosen(self, name: str) -> tuple[ItemOption, ...]:
        """What the customer chose, in the order in which Magento's admin shows it.

        `name` is the line's own name: for a part of a bundle it is the choice.
        """
        entries = (
            *_entries(self.options),
            *_entries(self.additional_options),
            *_entries(self.attributes_info),
        )
        chosen = tuple(option for entry in entries if (option := _option(entry)) is not None)
        part = _text(_bundle_part(self.bundle_selection_attributes).get("option_label"))
        return (*chosen, ItemOption(label=part, value=name)) if part else chosen


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


def _entries(found: object) -> list[dict[str, Any]]:
    # A PHP list with gaps in its numbering is encoded as an object.
    entries = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _option(entry: dict[str, Any]) -> ItemOption | None:
    label = _text(entry.get("label"))
    # print_value is the plain form; `value` of a file option is an HTML link.
    value = _text(entry.get("print_value")) or _text(entry.get("value"))
    return ItemOption(label=label, value=value) if label or value else None


def _bundle_part(found: object) -> dict[str, Any]:
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, RecursionError):
            return {}
    return found if isinstance(found, dict) else {}


def _text(found: object, depth: int = 0) -> str:
    if isinstance(found, str):
        return found
    if isinstance(found, bool) or not isinstance(found, int | float | list):
        return ""
    if not isinstance(found, list):
        return str(found)
    return "" if depth == _DEEPEST else ", ".join(_text(part, depth + 1) for part in found)
