"""The NetSuite pack as tests use it: overlaid with what is the simulator's and the shop's."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from sidecar.ports import ShopContext

SHOP = ShopContext("main", ZoneInfo("Europe/Berlin"))
#: What the simulator's account is set up with.
TABLES = """
tables:
  currency: {EUR: "4", USD: "1", PLN: "9"}
  currency_of: {"4": EUR, "1": USD, "9": PLN}
  tax_code: {"19": "5", "20": "3", "21": "4", "7": "6", "8.25": "8"}
  stock: {locations: "MAIN,SOUTH"}
  location: {MAIN: default, SOUTH: south}
  tax_type: {"19": "1", "20": "1", "21": "1", "7": "1", "8.25": "2"}
"""
#: All orders are sold to one customer of NetSuite, who is there.
ONE_CUSTOMER = """
orders:
  push:
    first: {$without: [customer]}
    call: {json: {entity: {externalId: GUEST, $without: [id]}}}
refunds:
  push:
    first: {$without: [customer]}
    call: {json: {entity: {externalId: GUEST, $without: [id]}}}
"""


def overlay(folder: Path, *further: str) -> Path:
    """The user's own file of calls: the tables, and whatever a test lays over besides."""
    written = folder / "calls.yaml"
    written.write_text("".join((TABLES, *further)))
    return written
