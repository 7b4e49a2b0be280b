"""Microsoft Dynamics 365 Business Central over its API v2.0 (docs/business-central.md): a file of
calls and nothing else."""

from __future__ import annotations

from pathlib import Path

from adapters.rest.generic import create
from sidecar.ports import Pack

PACK = Pack(Path(__file__).parent, create)
