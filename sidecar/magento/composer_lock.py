"""Which release of Magento a folder holds: composer.lock knows, the database does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sidecar.documents import open_regular
from sidecar.model.errors import ConfigurationError

_PRODUCTS = (
    "magento/product-enterprise-edition",
    "magento/product-community-edition",
    "mage-os/product-community-edition",
)


def release(magento_root: Path) -> tuple[str, str] | None:
    """Product and version (`2.4.7-p6`); None where composer.lock is missing or names none."""
    try:
        with open_regular(magento_root / "composer.lock") as opened:
            lock = json.load(opened)
        versions = {str(package["name"]): str(package["version"]) for package in lock["packages"]}
    except (ConfigurationError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return next(((name, versions[name]) for name in _PRODUCTS if name in versions), None)


def numbers(version: str) -> tuple[int, ...]:
    """`2.4.7-p6` as (2, 4, 7)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))
