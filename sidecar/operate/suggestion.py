"""What a file of calls may say of an answer that none of its lines took: a proposal, for a person.

Only a person knows what the ERP means; nothing here is written into a file of calls.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus

from sidecar.model.body_outline import Path, expression_of, values_of
from sidecar.model.outline import Outline

#: Where the ERP's words stand beside its code.
_WORDS = ("message", "text", "description", "detail", "title", "reason", "value")
#: What a gateway gives by itself, perhaps after the ERP has booked.
_GATEWAYS = frozenset({408, 499, 502, 503, 504, *range(520, 531), 560, 561, 598, 599})
#: Codes that speak of the server's own trouble, not of what was sent.
_OF_THE_SERVER = re.compile(
    "internal|server|exception|unexpected|timeout|unavailable", re.IGNORECASE
)
_AFTER_THE_BOOKING = "a server's fault may come after the booking: it is asked for, which is right"
_BY_STATUS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "misconfigured",
    HTTPStatus.FORBIDDEN: "misconfigured",
    HTTPStatus.NOT_FOUND: "misconfigured",
    HTTPStatus.METHOD_NOT_ALLOWED: "misconfigured",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "misconfigured",
    HTTPStatus.PRECONDITION_FAILED: "conflict",
    HTTPStatus.LOCKED: "retry",
    HTTPStatus.PRECONDITION_REQUIRED: "conflict",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
}


@dataclass(frozen=True, slots=True)
class Untaken:
    """An answer that no line fits: `codes` by the path of each, `opens`: to what opens a document.

    `usual`: the outline of the answers that were accepted; `shared`: the call carried several;
    `held`: of how many the ERP, asked afterwards, held the document all the same.
    """

    status: int
    form: str
    outline: Outline | None
    codes: dict[Path, Collection[str]]
    opens: bool
    usual: Outline | None
    shared: bool
    held: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`lines` for `answer` in the file of calls (none: better without); `why` in a sentence."""

    lines: tuple[str, ...]
    why: str


def suggestion_for(untaken: Untaken) -> Suggestion:
    """What may be written, and what has to be known before."""
    status = untaken.status
    if status in _GATEWAYS:
        return Suggestion(
            (),
            f"HTTP {status} may come from a gateway after the ERP has booked: without a line it "
            "stays in doubt, and the ERP is asked, which is right",
        )
    if untaken.held:
        return Suggestion(
            (),
            f"{untaken.held} of them had been booked all the same: no line may call it a refusal",
        )
    if untaken.form == "xml":
        # A fault of SOAP has a status of its own, 500 most often.
        return _of_xml(untaken)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Suggestion(
            (),
            f"HTTP {status} may come after the booking: without a line it stays in doubt, and the "
            "ERP is asked, which is right unless its people say that nothing is booked then",
        )
    if untaken.form == "page":
        return Suggestion((), "a page for people is not what an interface answers: who gave it?")
    if status in range(200, 300):
        return _of_a_success(untaken)
    if status < HTTPStatus.BAD_REQUEST:
        return _by_code(untaken, "ask the ERP's people whether anything is booked when it says so")
    predicate = _BY_STATUS.get(status, "rejected")
    if status == HTTPStatus.CONFLICT:
        predicate = "duplicate" if untaken.opens else "conflict"
    lines = (f"{predicate}: =response.status == {status}", *_values(untaken, predicate))
    return Suggestion(lines, f"HTTP {status} says by itself that nothing was done")


def _of_a_success(untaken: Untaken) -> Suggestion:
    if untaken.codes:
        return _by_code(
            untaken, "a success with a code in it: is it an error, and is then nothing booked?"
        )
    told = "what does the ERP mean by it? Where it has booked, `accepted` and `reference` read this"
    if untaken.usual is None or untaken.outline is None:
        return Suggestion((), told)
    ours, usual = dict(values_of(untaken.outline)), dict(values_of(untaken.usual))
    gone = [expression_of(path, "response.body") for path in usual if path not in ours]
    new = [expression_of(path, "response.body") for path in ours if path not in usual]
    parts = [f"{_some(gone)} is not in it"] * bool(gone) + [f"{_some(new)} is new"] * bool(new)
    compared = (
        f"beside those that were accepted {', '.join(parts)}: has the ERP changed? "
        if parts
        else ""
    )
    return Suggestion((), f"{compared}{told}")


def _by_code(untaken: Untaken, why: str) -> Suggestion:
    """A line that looks at the ERP's own code: the status alone proves nothing."""
    for path, values in untaken.codes.items():
        if any(_OF_THE_SERVER.search(value) for value in values):
            return Suggestion((), _AFTER_THE_BOOKING)
        code = expression_of(path, "response.body")
        listed = ", ".join(f"'{value}'" for value in sorted(values))
        line = f"rejected: =response.status == {untaken.status} and {code} | string in [{listed}]"
        return Suggestion((line, *_values(untaken, "rejected")), why)
    return Suggestion((), f"{why}; without a code of its own it stays in doubt, and is asked for")


def _of_xml(untaken: Untaken) -> Suggestion:
    for path, values in untaken.codes.items():
        if path[-1].lower() != "faultcode":
            continue
        names = sorted({value.rpartition(":")[2].partition(".")[0] for value in values})
        if not {"Server", "Receiver"}.isdisjoint(names):
            return Suggestion((), _AFTER_THE_BOOKING)
        listed = ", ".join(f"'{name}'" for name in names)
        lines = (
            f"rejected: =response.fault.code in [{listed}]",
            "message: =response.fault.message",
        )
        return Suggestion(lines, "such a fault says that the message itself is refused")
    places = ", ".join("/".join(path) for path in untaken.codes)
    told = f"the code stands at {places}: " if places else ""
    return Suggestion((), f"{told}what does the ERP mean by it? docs/soap.md shows how it is read")


def _values(untaken: Untaken, predicate: str) -> tuple[str, ...]:
    """Where the code and the ERP's words are read, of a refusal of one event."""
    if predicate != "rejected" or untaken.shared:
        return ()
    kinds = dict(values_of(untaken.outline))
    for path in untaken.codes:
        words = next((w for w in _WORDS if kinds.get((*path[:-1], w)) == "text"), None)
        code = f"code: ={expression_of(path, 'response.body')}"
        if words is None:
            return (code,)
        return code, f"message: ={expression_of((*path[:-1], words), 'response.body')}"
    return ()


def _some(paths: list[str], most: int = 4) -> str:
    more = len(paths) - most
    return ", ".join(paths[:most]) + (f" and {more} more" if more > 0 else "")
