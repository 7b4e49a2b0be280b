"""All checks, in the order in which they are made and reported."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from sidecar.doctor import (
    api,
    delivery,
    erp,
    files,
    inbound,
    ledger,
    magento,
    rights,
    server,
    triggers,
)
from sidecar.doctor.check import Check
from sidecar.model.errors import UsageError

SECTIONS: Mapping[str, Sequence[Check]] = {
    "files": files.CHECKS,
    "server": server.CHECKS,
    "rights": rights.CHECKS,
    "magento": magento.CHECKS,
    "triggers": triggers.CHECKS,
    "ledger": ledger.CHECKS,
    "delivery": delivery.CHECKS,
    "inbound": inbound.CHECKS,
    "erp": erp.CHECKS,
    "api": api.CHECKS,
}


def named(name: str) -> Check:
    """The check with this id; raises UsageError."""
    checks = {check.id: check for section in SECTIONS.values() for check in section}
    if name not in checks:
        near = difflib.get_close_matches(name, checks, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ""
        raise UsageError(
            f"there is no finding {name!r}", f"{hint}'erp-sidecar doctor explain' lists all"
        )
    return checks[name]
