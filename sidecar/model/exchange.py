"""One call to the ERP, as it was seen on the wire and as its answer was read."""

from __future__ import annotations

from dataclasses import dataclass

#: In place of a predicate: no line of the answer fits.
NONE_FITS = "none"
#: In place of a predicate: the answer to a question, and it was understood.
UNDERSTOOD = "ok"
#: In place of a predicate: the answer to a call that is made before the event's own, or after it.
BEFORE, AFTER = "first", "then"
#: In place of a predicate: the protocol says it by itself, whatever the file of calls does.
PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was seen on the wire, for the attempt's record: never a secret, never a whole body.

    `status` is HTTP's (None when there was no answer), `seconds` the call's duration,
    `answer` an excerpt of the reply (at most 2,000 characters); `timed_out`: the time that we give
    it ran out, for the connection or for the answer.
    """

    request: str
    status: int | None
    seconds: float
    answer: str = ""
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What of the file of calls took an answer, in words of which none is the ERP's.

    `predicate` is the line that was true (`accepted`, `rejected` …), else one of the words above;
    `doubt` why it was not believed or, where none fits, which could not be asked, and why.
    """

    predicate: str
    doubt: str = ""
