"""Which kind of Magento's entities each domain is about."""

from __future__ import annotations

from collections.abc import Mapping

KIND_OF: Mapping[str, str] = {"orders": "order"}
_DOMAIN_OF = {kind: domain for domain, kind in KIND_OF.items()}


def domain_of(kind: str) -> str:
    """The domain of a kind; empty for one that no domain is about."""
    return _DOMAIN_OF.get(kind, "")
