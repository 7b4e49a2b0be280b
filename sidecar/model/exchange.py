"""One call to the ERP, as it was seen on the wire."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was seen on the wire, for the attempt's record: never a secret, never a whole body.

    `status` is HTTP's (None when there was no answer), `seconds` the call's duration,
    `answer` an excerpt of the reply (at most 2,000 characters).
    """

    request: str
    status: int | None
    seconds: float
    answer: str = ""
