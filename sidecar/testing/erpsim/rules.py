"""Which misbehaviour strikes which request.

A rule is a misbehaviour, its parameters and a match.  Rules stand until they are cleared or have
struck `times` times; the header `X-Erpsim` is a rule for its own request only.  Nothing here knows
a wire format: a face says what the request is about and acts out the faults it gets back.
"""

from __future__ import annotations

import difflib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from sidecar.model.errors import UsageError


class Misbehaviour(StrEnum):
    """The closed set; what each does to the wire and the books: package docstring."""

    ACCEPT_THEN_DROP = "accept_then_drop"
    DROP_BEFORE = "drop_before"
    ANSWER_LATE = "answer_late"
    SLOW_BODY = "slow_body"
    TRUNCATED_BODY = "truncated_body"
    HALF_BATCH = "half_batch"
    ERROR_IN_200 = "error_in_200"
    DRAFT_ON_201 = "draft_on_201"
    DUPLICATE_ANSWER = "duplicate_answer"
    WRONG_DUPLICATE = "wrong_duplicate"
    STALE_READ = "stale_read"
    DROP_LINE = "drop_line"
    DROP_PRICE = "drop_price"
    DROP_TAX = "drop_tax"
    CUT_PRICE = "cut_price"
    ROUND_QUANTITY = "round_quantity"
    ROUNDED_TOTAL = "rounded_total"
    THROTTLE = "throttle"
    BUSY = "busy"
    CREDIT_LIMIT = "credit_limit"
    UNKNOWN_ITEM = "unknown_item"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    HTML_ERROR = "html_error"
    SCHEMA_CHANGE = "schema_change"
    NUMBER_REUSED = "number_reused"
    MALFORMED_JSON = "malformed_json"
    SERVER_ERROR_AFTER_BOOKING = "server_error_after_booking"
    CONFLICT = "conflict"
    REPEAT_ROWS = "repeat_rows"
    DISORDER = "disorder"
    SAME_PAGE = "same_page"
    ENDLESS_PAGES = "endless_pages"
    SPOIL_ROW = "spoil_row"


class Operation(StrEnum):
    """What a request wants of the ERP, in any dialect."""

    CREATE = "create"
    BULK = "bulk"
    CANCEL = "cancel"
    FIND = "find"
    LIST = "list"
    CUSTOMER = "customer"
    RECORDS = "records"
    ERASE = "erase"
    STOCK = "stock"
    PING = "ping"
    LOGIN = "login"
    LOOKUP = "lookup"  # one thing by what the shop calls it: a product, a customer, a VAT id
    AMEND = "amend"
    VALIDATE = "validate"


class Form(StrEnum):
    """What `schema_change` does to the field `number`."""

    RENAMED = "renamed"  # it is called `documentNumber`
    NESTED = "nested"  # it is `document.number`


EVERY = frozenset(Operation)
DOCUMENTS = frozenset({Operation.CREATE, Operation.BULK})
#: Several records in one call, each with a result of its own.
RECORDS = frozenset({Operation.RECORDS})
STEPS = frozenset({Operation.AMEND, Operation.VALIDATE})
WRITES = DOCUMENTS | RECORDS | STEPS | {Operation.CANCEL, Operation.CUSTOMER, Operation.ERASE}
#: What a shop does before it can send a document goes wrong like what it sends.
WORK = WRITES | {Operation.LOGIN, Operation.LOOKUP}
READS = frozenset({Operation.FIND, Operation.LIST})


@dataclass(frozen=True)
class Kind:
    """Where a misbehaviour applies.

    `per_order`: it concerns one document or record, so that in a bulk call it strikes the matching
    one alone; otherwise it strikes the whole request as soon as one in it matches.
    `refuses`: it keeps the ERP from its work, so no other misbehaviour comes to pass.
    """

    operations: frozenset[Operation]
    per_order: bool = False
    refuses: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)


_PER_ORDER = Kind(DOCUMENTS, per_order=True)
_PER_ORDER_REFUSAL = Kind(DOCUMENTS, per_order=True, refuses=True)
_PER_RECORD_REFUSAL = Kind(DOCUMENTS | RECORDS, per_order=True, refuses=True)
_OF_LISTS = Kind(frozenset({Operation.LIST}))
KINDS: Mapping[Misbehaviour, Kind] = {
    Misbehaviour.ACCEPT_THEN_DROP: Kind(WORK),
    Misbehaviour.DROP_BEFORE: Kind(EVERY, refuses=True),
    Misbehaviour.ANSWER_LATE: Kind(EVERY, defaults={"seconds": 30.0}),
    Misbehaviour.SLOW_BODY: Kind(EVERY, defaults={"seconds": 5.0}),
    Misbehaviour.TRUNCATED_BODY: Kind(EVERY),
    Misbehaviour.HALF_BATCH: Kind(RECORDS | {Operation.BULK}),
    Misbehaviour.ERROR_IN_200: Kind(WORK, refuses=True, defaults={"status": 200}),
    Misbehaviour.DRAFT_ON_201: _PER_ORDER,
    Misbehaviour.DUPLICATE_ANSWER: Kind(DOCUMENTS | RECORDS, per_order=True),
    Misbehaviour.WRONG_DUPLICATE: _PER_ORDER_REFUSAL,
    Misbehaviour.STALE_READ: Kind(READS, defaults={"seconds": 0.0, "requests": 1}),
    Misbehaviour.DROP_LINE: _PER_ORDER,
    Misbehaviour.DROP_PRICE: _PER_ORDER,
    Misbehaviour.DROP_TAX: _PER_ORDER,
    Misbehaviour.CUT_PRICE: Kind(DOCUMENTS, per_order=True, defaults={"places": 2}),
    Misbehaviour.ROUND_QUANTITY: Kind(DOCUMENTS, per_order=True, defaults={"places": 2}),
    Misbehaviour.ROUNDED_TOTAL: _PER_ORDER,
    Misbehaviour.THROTTLE: Kind(EVERY, refuses=True, defaults={"after": 1, "limit": 0, "per": 1.0}),
    Misbehaviour.BUSY: Kind(EVERY, refuses=True),
    Misbehaviour.CREDIT_LIMIT: _PER_RECORD_REFUSAL,
    Misbehaviour.UNKNOWN_ITEM: _PER_RECORD_REFUSAL,
    Misbehaviour.UNAUTHORISED: Kind(EVERY, refuses=True),
    Misbehaviour.NOT_FOUND: Kind(EVERY, refuses=True),
    Misbehaviour.HTML_ERROR: Kind(EVERY, refuses=True, defaults={"status": 500}),
    Misbehaviour.SCHEMA_CHANGE: Kind(EVERY, defaults={"form": Form.RENAMED}),
    Misbehaviour.NUMBER_REUSED: Kind(DOCUMENTS | RECORDS, per_order=True),
    Misbehaviour.MALFORMED_JSON: Kind(EVERY),
    Misbehaviour.SERVER_ERROR_AFTER_BOOKING: Kind(WORK),
    Misbehaviour.CONFLICT: Kind(WRITES, refuses=True),
    Misbehaviour.REPEAT_ROWS: _OF_LISTS,
    Misbehaviour.DISORDER: _OF_LISTS,
    Misbehaviour.SAME_PAGE: _OF_LISTS,
    Misbehaviour.ENDLESS_PAGES: _OF_LISTS,
    Misbehaviour.SPOIL_ROW: Kind(
        frozenset({Operation.LIST}), defaults={"field": "number", "row": "*"}
    ),
}


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule strikes; an empty field matches everything.

    `external`, `sku` and `path` are shell patterns (`path` without the base path, as in
    `/sales-orders/*/cancel`, and in SOAP by the operation, as in `/soap/CancelOrder`).  `nth`
    strikes only the nth match, `times` the first so many, and `probability` each with that chance,
    by a generator of its own that `seed` starts.  What another rule refused is no match.
    """

    external: str = ""
    sku: str = ""
    path: str = ""
    method: str = ""
    nth: int = 0
    times: int = 0
    probability: float = 1.0
    seed: int | None = None


@dataclass(frozen=True)
class Subject:
    """A document (or customer) that a request is about."""

    external: str
    skus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Enquiry:
    """What a face knows of a request before anything was done."""

    operation: Operation
    method: str
    path: str
    subjects: tuple[Subject, ...]
    header: str = ""


@dataclass(frozen=True)
class Strike:
    """A misbehaviour that strikes now; `sku` is the pattern of the rule, for line faults."""

    name: Misbehaviour
    parameters: Mapping[str, Any]
    sku: str = ""


Strikes = Mapping[Misbehaviour, Strike]
"""The faults that strike, by name."""


class Rule:
    """One rule and its memory of how often it matched and struck."""

    def __init__(self, name: Misbehaviour, parameters: Mapping[str, Any], match: Match, seed: int):
        self.name = name
        self.kind = KINDS[name]
        self.parameters = {**self.kind.defaults, **parameters}
        self.match = match
        self._random = random.Random(seed if match.seed is None else match.seed)
        self._matched = 0
        self.struck = 0
        self._admitted: deque[float] = deque()

    def strike(self, enquiry: Enquiry, subjects: Iterable[Subject], now: float) -> Strike | None:
        """The fault, if the rule strikes these subjects of the enquiry."""
        if not self._matches(enquiry, subjects):
            return None
        self._matched += 1
        if self.match.nth and self._matched != self.match.nth:
            return None
        if self.match.times and self.struck >= self.match.times:
            return None
        if self.match.probability < 1 and self._random.random() >= self.match.probability:
            return None
        parameters = self.parameters
        if self.parameters.get("limit"):
            wait = self._window(now)
            if not wait:
                return None
            parameters = {**self.parameters, "after": wait}
        self.struck += 1
        return Strike(self.name, parameters, self.match.sku)

    def describe(self) -> dict[str, Any]:
        match = {key: value for key, value in msgspec.structs.asdict(self.match).items() if value}
        return {"name": self.name, **self.parameters, **match, "struck": self.struck}

    def _matches(self, enquiry: Enquiry, subjects: Iterable[Subject]) -> bool:
        match = self.match
        if enquiry.operation not in self.kind.operations:
            return False
        if match.method and match.method != enquiry.method:
            return False
        if match.path and not fnmatchcase(enquiry.path, match.path):
            return False
        if not match.external and not match.sku:
            return True
        return any(
            (not match.external or fnmatchcase(subject.external, match.external))
            and (not match.sku or any(fnmatchcase(sku, match.sku) for sku in subject.skus))
            for subject in subjects
        )

    def _window(self, now: float) -> float:
        """Seconds until the sliding window has room; 0 admits the request."""
        admitted, per = self._admitted, self.parameters["per"]
        while admitted and admitted[0] <= now - per:
            admitted.popleft()
        if len(admitted) < self.parameters["limit"]:
            admitted.append(now)
            return 0
        return float(admitted[0] + per - now)


class RuleBook:
    """The standing rules; every method may be called from any thread."""

    def __init__(self, seed: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seed = seed
        self._clock = clock
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, settings: Mapping[str, Any]) -> Rule:
        """Add a rule given as one flat mapping: `name`, parameters and match fields together."""
        rule = parse_rule(settings, self._seed)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.describe() for rule in self._rules]

    def for_request(self, enquiry: Enquiry) -> dict[Misbehaviour, Strike]:
        """The faults that strike the request as a whole."""
        return self._strike(enquiry, enquiry.subjects, per_order=False)

    def for_order(self, enquiry: Enquiry, subject: Subject) -> dict[Misbehaviour, Strike]:
        """The faults that strike one order of the request."""
        return self._strike(enquiry, (subject,), per_order=True)

    def _strike(
        self, enquiry: Enquiry, subjects: tuple[Subject, ...], *, per_order: bool
    ) -> dict[Misbehaviour, Strike]:
        if not self._rules and not enquiry.header:
            return {}
        rules = parse_header(enquiry.header, self._seed)
        with self._lock:
            rules += self._rules
            # Refusals first, and alone: a rule with `times` or `nth` must not be used up by a
            # request that never came so far.
            rules.sort(key=lambda rule: not rule.kind.refuses)
            faults: dict[Misbehaviour, Strike] = {}
            for rule in rules:
                if rule.kind.per_order is not per_order or rule.name in faults:
                    continue
                if fault := rule.strike(enquiry, subjects, self._clock()):
                    faults[rule.name] = fault
                    if rule.kind.refuses:
                        break
        return faults


def parse_rule(settings: Mapping[str, Any], seed: int = 0) -> Rule:
    """A rule from a flat mapping; values may be strings, as in a header.

    Raises UsageError for a name, key or value that does not exist.
    """
    given = dict(settings)
    name = _misbehaviour(str(given.pop("name", "")))
    defaults = KINDS[name].defaults
    allowed = {*defaults, *Match.__struct_fields__}
    for key in given:
        if key not in allowed:
            raise UsageError(f"{name} has no setting {key!r}", _meant(key, allowed))
    try:
        parameters = {
            key: msgspec.convert(given.pop(key), type(default), strict=False)
            for key, default in defaults.items()
            if key in given
        }
        match = msgspec.convert(given, Match, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(f"{name}: {error}", "see the table of misbehaviours in --help") from error
    return Rule(name, parameters, match, seed)


def parse_text(text: str) -> dict[str, str]:
    """`name;key=value;key=value` as a flat mapping."""
    name, *settings = (part.strip() for part in text.split(";"))
    pairs = (setting.partition("=")[::2] for setting in settings if setting)
    return {"name": name, **{key.strip(): value.strip() for key, value in pairs}}


def parse_header(header: str, seed: int = 0) -> list[Rule]:
    """The rules in an `X-Erpsim` header; several are separated by commas."""
    return [parse_rule(parse_text(part), seed) for part in header.split(",") if part.strip()]


def _misbehaviour(name: str) -> Misbehaviour:
    try:
        return Misbehaviour(name)
    except ValueError as unknown:
        names = [str(known) for known in Misbehaviour]
        raise UsageError(f"there is no misbehaviour {name!r}", _meant(name, names)) from unknown


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
