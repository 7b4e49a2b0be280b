"""A posting period as the ERP tells of it: one row of `calendar`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sidecar.model.news import NewsSpec


class PostingPeriod(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A month that is closed for posting, or open.

    `period`: the month, `2026-11`; `reason`: why, in the ERP's words; `at`: when it became so
    (UTC).
    """

    period: str
    closed: bool
    reason: str | None = None
    at: datetime | None = None


NEWS = NewsSpec(PostingPeriod, ("period",), levels=True)
