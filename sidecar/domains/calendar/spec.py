"""The domain of the posting calendar; it changes no document, but when documents may go."""

from __future__ import annotations

from sidecar.domains.calendar.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="calendar",
    kind="period",
    noun="posting period",
    payload="period",
    events=(),
    tells=NEWS,
)
