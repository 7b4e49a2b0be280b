"""People out of a payload: each of their values replaced by a stand-in of the same kind.

A letter stays a letter (vowel, consonant, capital, umlaut), a digit a digit, everything between
them stays where it is, and so does the length: what a mapping does wrong with such a text still
shows.  The same value is the same stand-in wherever it stands, in whatever case.  Who has the
stand-ins cannot find the values again: they are made with a key that nobody keeps.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from itertools import count
from secrets import token_bytes
from typing import Any

import msgspec

from sidecar.model.domain_spec import DomainSpec, EventSpec
from sidecar.model.erasure import PERSONAL, names_one, telling_values
from sidecar.model.event import decode_payload
from sidecar.ports import Delivery

#: Of a person, and no name of one: tables of a file of calls may be asked for these.
_KEPT = frozenset({"prefix", "suffix", "customer_prefix", "customer_suffix", "gender",
                   "customer_gender", "region", "region_id"})  # fmt: skip
#: By these, others find the person.
_FURTHER = frozenset(
    {"last_trans_id", "txn_id", "transaction_id", "ext_customer_id", "customer_note"}
)
_REPLACED = (PERSONAL - _KEPT) | _FURTHER
_VAT_IDS = frozenset({"vat_id", "taxvat", "customer_taxvat"})
_DATES = frozenset({"dob", "customer_dob"})
#: What a customer chose of a list is the shop's own word; what he wrote is his.
_CHOSEN = frozenset({"drop_down", "radio", "checkbox", "multiple"})
_WRITTEN = frozenset({"option", "additional"})
_COUNTRY = re.compile(r"[A-Za-z]{2}(?=[0-9A-Za-z])")
_DAY = re.compile(r"(?<=^\d{4}-)\d\d-\d\d")
_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"
#: Of letters that are not ASCII, so many of the same alphabet stand together.
_ROW = 16
_JSON = msgspec.json.Encoder(decimal_format="number")


class StandIns:
    """Of one recording: all its payloads share their stand-ins."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = token_bytes(32) if key is None else key

    def of_delivery(self, delivery: Delivery, domains: Sequence[DomainSpec]) -> Delivery:
        """What is sent, and what it belongs to, without the person."""
        event = delivery.event
        spec = next(one for one in domains if event.type in one.types)
        data = self.of(spec.event(event.type), event.data)
        above = next((one for one in domains if one.kind == spec.parent), None)
        parent = delivery.parent
        if parent is not None and above is not None and above.opening is not None:
            payload = self.of(above.event(above.opening), parent.payload)
            parent = dataclasses.replace(parent, payload=payload)
        anonymous = msgspec.structs.replace(event, data=data)
        return dataclasses.replace(delivery, event=anonymous, parent=parent)

    def of(self, event: EventSpec, payload: msgspec.Struct) -> msgspec.Struct:
        """The payload without the person."""
        tree = msgspec.to_builtins(payload, builtin_types=(Decimal,))
        telling = frozenset(telling_values(tree))
        return decode_payload(event, _JSON.encode(self._tree(tree, telling)))

    def _tree(self, tree: Any, telling: frozenset[str]) -> Any:
        match tree:
            case dict():
                return {key: self._field(key, value, tree, telling) for key, value in tree.items()}
            case list() | tuple():
                return [self._tree(value, telling) for value in tree]
            case str() if names_one(tree, telling):
                return self.text(tree)
            case _:
                return tree

    def _field(
        self, key: str, value: Any, beside: Mapping[str, Any], telling: frozenset[str]
    ) -> Any:
        if not _is_personal(key, beside):
            return self._tree(value, telling)
        return _replaced(value, self._replacement(key))

    def _replacement(self, key: str) -> Callable[[str], str]:
        if key in _DATES:
            return lambda text: _DAY.sub("01-01", text)
        if key in _VAT_IDS:
            return self._vat_id
        return self.text

    def _vat_id(self, text: str) -> str:
        country = _COUNTRY.match(text)
        begin = country[0] if country else ""
        return begin + self.text(text[len(begin) :])

    def text(self, text: str) -> str:
        """An e-mail address under a top-level domain that does not exist, or any other text."""
        name, at, domain = text.rpartition("@")
        if not at or "." not in domain:
            return self._letters(text)
        host, _, top = domain.rpartition(".")
        return f"{self._letters(name)}@{self._letters(host)}.{'z' * len(top)}"

    def _letters(self, text: str) -> str:
        if len(text.split()) > 1:
            # Word by word: "Max Mustermann" has the same names in it as the two fields.
            return "".join(map(self._word, re.split(r"(\s+)", text)))
        return self._word(text)

    def _word(self, word: str) -> str:
        """The same in any case; zeros that lead stay, and so do marks."""
        folded = word.casefold()
        draw = self._draws(folded)
        leading = len(word) - len(word.lstrip("0")) if word.strip("0").isdecimal() else 0
        made = "".join(_like(letter, next(draw)) for letter in word[leading:])
        return word[:leading] + made

    def _draws(self, seed: str) -> Iterator[int]:
        for block in count():
            salted = f"{block}:{seed}".encode("utf-8", "surrogatepass")
            yield from blake2b(salted, key=self._key).digest()


def _is_personal(key: str, beside: Mapping[str, Any]) -> bool:
    if key in ("value", "option_value"):
        # Of a product's attribute it is the catalogue's word.
        return beside.get("kind") in _WRITTEN and beside.get("option_type") not in _CHOSEN
    return key in _REPLACED


def _replaced(value: Any, replacement: Callable[[str], str]) -> Any:
    if isinstance(value, list | tuple):
        return [_replaced(one, replacement) for one in value]
    return replacement(value) if isinstance(value, str) else value


def _like(letter: str, draw: int) -> str:
    """Another letter of the same kind; what is no letter and no digit stays."""
    if letter.isascii():
        return _ascii(letter, draw)
    kind = unicodedata.category(letter)
    if kind[0] not in "LN":
        return letter
    first = ord(letter) // _ROW * _ROW
    row = [chr(code) for code in range(first, first + _ROW)]
    others = [one for one in row if unicodedata.category(one) == kind and one != letter]
    return others[draw % len(others)] if others else letter


def _ascii(letter: str, draw: int) -> str:
    if letter.isdecimal():
        # None but a zero becomes one: at the front it would be another kind of number.
        return str(1 + draw % 9 if letter != "0" else draw % 10)
    low = letter.lower()
    for letters in (_VOWELS, _CONSONANTS):
        if low in letters:
            made = letters[draw % len(letters)]
            return made.upper() if letter.isupper() else made
    return letter
