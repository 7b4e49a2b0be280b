"""The Business Central pack as tests use it: overlaid with what the simulator is set up with."""

from __future__ import annotations

from pathlib import Path

#: What the simulator's company is set up with.
TABLES = """
tables:
  business_central: {company: CRONUS}
  tax: {"0": VAT0, "7": VAT7, "8.25": VAT8.25, "19": VAT19, "20": VAT20, "21": VAT21}
  accounts:
    shipping: "8110"
    weee_tax: "8120"
    payment_fee: "8130"
    credits: "2990"
    difference: "8199"
    adjustment: "8199"
"""
#: All orders are sold to one customer of Business Central, who is there.
ONE_CUSTOMER = """
orders: {push: {first: {$without: [customer]}, call: {json: {customerNumber: "10000"}}}}
refunds: {push: {first: {$without: [customer]}, call: {json: {customerNumber: "10000"}}}}
"""


def overlay(folder: Path, *further: str) -> Path:
    """The user's own file of calls: the tables, and whatever a test lays over besides."""
    written = folder / "calls.yaml"
    written.write_text("".join((TABLES, *further)))
    return written
