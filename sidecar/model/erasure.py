"""What of a document is a person's, and what stands there when the person is erased.

Numbers, amounts, SKUs, countries and times stay: what was sent is counted and adds up as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: In the place of a text.
ERASED = "[erased]"

_NAMES = ("prefix", "firstname", "middlename", "lastname", "suffix")
_OF_ORDERS = ("email", *_NAMES, "taxvat", "dob", "gender", "note")
#: Keys of payloads, at any depth, that hold something of a person; Magento's names.
PERSONAL = frozenset(
    {
        "email", *_NAMES, "taxvat", "dob", "gender", "company", "street", "city", "region",
        "region_id", "postcode", "telephone", "fax", "vat_id", "po_number",
        *(f"customer_{name}" for name in _OF_ORDERS),
        # What people write: to the shop, to whom a present goes to, onto a cup.
        "comment", "sender", "recipient", "message", "value", "option_value",
        "track_number",
    }
)  # fmt: skip
#: Their values have a form of their own: a mark would not be one.
_FORMED = frozenset({"dob", "customer_dob"})
#: By these a person is found in what others wrote: an ERP's answer to a batch, an operator's edit.
_TELLING = frozenset(
    {"email", "customer_email", "telephone", "fax", "taxvat", "customer_taxvat", "vat_id"}
)
#: Shorter ones would be found in everything.
_LEAST = 5


def erased(document: Any) -> Any:
    """The JSON document without the person."""
    if isinstance(document, dict):
        return {
            key: _gone(key, value) if key in PERSONAL else erased(value)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [erased(value) for value in document]
    return document


def without(document: Any, values: frozenset[str]) -> Any:
    """The JSON document with a mark for every text that holds one of the values."""
    if isinstance(document, dict):
        return {key: without(value, values) for key, value in document.items()}
    if isinstance(document, list):
        return [without(value, values) for value in document]
    return ERASED if isinstance(document, str) and names_one(document, values) else document


def names_one(text: str, values: frozenset[str]) -> bool:
    """Whether a text holds one of the values, in whatever case."""
    folded = text.casefold()
    return any(value.casefold() in folded for value in values)


def telling_values(document: Any) -> Iterator[str]:
    """What tells the person of this document from others, wherever it is written."""
    if isinstance(document, list):
        for value in document:
            yield from telling_values(value)
    if not isinstance(document, dict):
        return
    for prefix in ("", "customer_"):
        first, last = document.get(f"{prefix}firstname"), document.get(f"{prefix}lastname")
        if first and last and ERASED not in (first, last):
            yield f"{first} {last}"
    for key, value in document.items():
        if key in _TELLING and _tells(value):
            yield value
        elif key == "street" and isinstance(value, list):
            yield from filter(_tells, value)
        else:
            yield from telling_values(value)


def emails(document: Any) -> Iterator[str]:
    """The e-mail addresses in a document."""
    if isinstance(document, list):
        for value in document:
            yield from emails(value)
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("email", "customer_email") and isinstance(value, str) and "@" in value:
                yield value
            else:
                yield from emails(value)


def _tells(value: object) -> bool:
    return isinstance(value, str) and len(value) >= _LEAST and value != ERASED


def _gone(key: str, value: Any) -> Any:
    if isinstance(value, str) and value and key not in _FORMED:
        return ERASED
    if isinstance(value, list):
        return []
    return "" if value == "" else None
