"""By which number an operator and the ledger know what the ERP told."""

from __future__ import annotations

import hashlib
from typing import Any

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.printable import printable

#: Characters of the column `incoming.number`.
_LONGEST = 191
_DIGEST = 16


def number_of(spec: DomainSpec, row: Any) -> str:
    """The ERP's number of a document; of a level, what it is the level of.

    What is longer than the ledger holds ends in a digest of the whole: two never share one.
    """
    if spec.tells is None:
        raise TypeError(f"the ERP tells nothing of {spec.name}")
    told = (getattr(row, field) for field in spec.tells.number)
    names = [str(name) for name in told if name not in (None, "")]
    if not spec.tells.levels:
        # The first that is there: an order is known by the ERP's number, or else by ours.
        names = names[:1]
    return fitted(" @ ".join(names))


def fitted(name: str) -> str:
    """A number as the ledger holds it."""
    number = printable(name)
    if len(number) <= _LONGEST:
        return number
    digest = hashlib.sha256(number.encode()).hexdigest()[:_DIGEST]
    return f"{number[: _LONGEST - _DIGEST - 1]}~{digest}"
