"""What an ERP's pack gives to begin with: `config generate --erp`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidecar.documents import read_document
from sidecar.ports import Pack


@dataclass(frozen=True, slots=True)
class Beginning:
    """`configuration`: its keys as the file has them; `beside`: files that it names, and texts."""

    configuration: Mapping[str, Any]
    beside: Mapping[str, str]


def begin_with(pack: Pack) -> Beginning:
    """Of a pack.  Raises ConfigurationError for one whose files cannot be read."""
    configuration = read_document(pack.folder / "sidecar.yaml").data
    beside = {configuration["erp"]["calls"]: pack.folder / "overlay.yaml"}
    if lifecycle := configuration.get("domains", {}).get("order_status", {}).get("lifecycle"):
        beside[lifecycle] = pack.folder / "lifecycle.yaml"
    return Beginning(
        configuration, {name: file.read_text("utf-8") for name, file in beside.items()}
    )
