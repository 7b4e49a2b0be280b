"""Odoo 14 to 18 over JSON-RPC: the file of calls of `odoo`, in an envelope."""

from __future__ import annotations

from pathlib import Path

from adapters.erps.odoo import PACK as ODOO
from adapters.erps.odoo_rpc.adapter import create
from sidecar.ports import Pack

PACK = Pack(Path(__file__).parent, create, ODOO.files_of_calls)
