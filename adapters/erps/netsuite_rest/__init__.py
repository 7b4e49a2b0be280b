"""NetSuite over its REST record service and SuiteQL (docs/netsuite-rest.md).

A file of calls, and NetSuite's two ways to log in.
"""

from __future__ import annotations

from pathlib import Path

from adapters.erps.netsuite_rest.adapter import create
from sidecar.ports import Pack

PACK = Pack(Path(__file__).parent, create)
