"""An adapter for the NetSuite of the tests: by its own WSDL where that is here, else by ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.erps.netsuite.adapter import create
from sidecar.domains import SPECS
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from tests.contract.netsuite_server import OWN_WSDL, TOKEN

EXAMPLE = Path(__file__).parents[2] / "config" / "mappings" / "netsuite-soap.yaml"

#: One order a call, no customers.
SINGLE = """
orders:
  place:
    on: [order.placed]
    call:
      operation: upsert
      body:
        record:
          $type: SalesOrder
          externalId: =ref
          entity: {externalId: GUEST}
          itemList:
            item:
              - $each: item in order.sellable_items
                $do:
                  item: {externalId: =item.sku}
                  quantity: =item.qty_ordered
                  price: {internalId: "-1"}
                  rate: =item.price
                  taxCode: {internalId: "5"}
  probe:
    batch: 10
    call:
      operation: getList
      body:
        baseRef: {$each: ref in refs, $do: {$type: RecordRef, type: salesOrder, externalId: =ref}}
"""


def without_customers(folder: Path) -> Path:
    """The example without the calls for customers."""
    text = EXAMPLE.read_text("utf-8")
    begin, end = text.index("    # The customer must be there"), text.index("    call:\n      op")
    return written(folder, text[:begin] + text[end:])


def written(folder: Path, calls: str) -> Path:
    """A file of calls."""
    path = folder / "netsuite.yaml"
    path.write_text(calls, "utf-8")
    return path


def make_adapter(
    calls: Path,
    url: str = "",
    wsdl: Path = OWN_WSDL,
    token: Mapping[str, Any] = TOKEN,
    **further: Any,
) -> ErpAdapter:
    """The adapter for the server at `url`; `further` are fields of AdapterSettings."""
    auth = {"netsuite_token": token} if token else {}
    return create(adapter_settings(calls, url=url, wsdl=str(wsdl), auth=auth, **further))


def adapter_settings(calls: Path, **further: Any) -> AdapterSettings:
    """What `app` would hand to the adapter's factory."""
    given: dict[str, Any] = {
        "url": "",
        "connect_timeout": 5.0,
        "read_timeout": 20.0,
        "shop": ShopContext("main", ZoneInfo("Europe/Berlin")),
        **further,
    }
    return AdapterSettings(calls=calls, **given, domains=SPECS)
