"""Odoo 19 and later over its JSON-2 interface: a file of calls and nothing else."""

from __future__ import annotations

from pathlib import Path

from adapters.rest.generic import create
from sidecar.ports import Pack

PACK = Pack(Path(__file__).parent, create)
