"""Which of the order's fields an ERP's field surely means, by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.contract.field import Field
from sidecar.documents import write_scalar

#: Stands where a person must decide; it is no name, so the file does not load before he has.
FILL_IN = "=FILL_IN"

_NO_LETTER = re.compile(r"[^a-z0-9]")
_OF_ORDER = {
    "order.increment_id": (
        "externalid externalnumber externalreference externaldocumentnumber externalordernumber "
        "otherrefnum purchaseorderbycustomer customersorderreference clientorderref ordernumber"
    ),
    "order.order_currency_code": "currency currencycode transactioncurrency ordercurrency",
    "order.created_at": "orderdate trandate salesorderdate documentdate customerpurchaseorderdate",
    "order.customer_email": "email emailaddress customeremail",
    "order.grand_total": "total grandtotal totalamount ordertotal totalamountincludingtax",
    "order.tax_amount": "tax taxtotal totaltax totaltaxamount ordertax",
    "order.shipping_amount": "shipping shippingcost shippingamount shippingcosts freight",
    "event.id": "idempotencykey",
}
_OF_LINE = {
    "item.item_id": "lineid externalitemid externallineid",
    "item.sku": "sku material itemno itemnumber itemcode product productnumber articlenumber",
    "item.name": "description itemtext salesorderitemtext itemname productname",
    "item.qty_ordered": "quantity qty requestedquantity orderedquantity orderedsalesquantity",
    "item.price": "price unitprice netprice salesprice",
    "item.discount_amount": "discount discountamount linediscount",
    "item.tax_amount": "tax taxamount linetax",
    "item.row_total": "rowtotal linetotal lineamount",
}
_OF_ADDRESS = {
    "firstname": "firstname givenname",
    "lastname": "lastname surname familyname",
    "company": "company companyname organizationname1 addressee",
    "street | join(', ')": "street streetname streetaddress addr1 address1 addressline1",
    "city": "city cityname town",
    "postcode": "zip zipcode postcode postalcode",
    "region": "state region province stateorprovince",
    "country_id": "country countrycode countryid countryregioncode",
    "telephone": "phone telephone phonenumber addrphone",
}
#: What such a record names is something else than the order.
_REFERS = ("ref", "reference", "key")
_SINCE = ("since", "changed", "modified", "updated")
_PAGES = frozenset({"page", "pageno", "pagenumber", "cursor", "skiptoken"})
_LISTS = ("line", "item", "position", "product", "row")


def _by_name(table: Mapping[str, str]) -> dict[str, str]:
    return {name: expression for expression, names in table.items() for name in names.split()}


_ORDER, _LINE, _ADDRESS = _by_name(_OF_ORDER), _by_name(_OF_LINE), _by_name(_OF_ADDRESS)


def lists_lines(field: Field) -> bool:
    """Whether a list is surely the order's lines."""
    name = _plain(field.name)
    return field.many and field.is_record and any(word in name for word in _LISTS)


def guessed(field: Field, above: tuple[str, ...], *, of_line: bool) -> str:
    """The expression for a field that stands in these records; FILL_IN where it is not clear."""
    name = _plain(field.name)
    if field.choices and len(field.choices) == 1:
        return write_scalar(field.choices[0])
    if above and _plain(above[-1]).endswith(_REFERS):
        return FILL_IN
    path = _LINE.get(name) if of_line else _ORDER.get(name)
    if path is None and (address := _address(above)) and name in _ADDRESS:
        path = f"{address}.{_ADDRESS[name]}"
    return FILL_IN if path is None or field.choices else f"={path}{_filter(path, field)}"


def asked(field: Field) -> str:
    """The expression for a field of a question for what changed; FILL_IN where it is not clear."""
    name = _plain(field.name)
    if name in _PAGES:
        return "=page"
    if any(word in name for word in _SINCE):
        return "=since" if "time" in field.takes else "=since | date('%Y-%m-%dT%H:%M:%SZ')"
    return FILL_IN


def _address(above: tuple[str, ...]) -> str:
    names = "".join(map(_plain, above))
    if "bill" in names or "invoice" in names:
        return "order.billing_address"
    return "order.shipping_address" if "ship" in names or "deliver" in names else ""


def _filter(expression: str, field: Field) -> str:
    if expression == "order.created_at":
        form = "%Y-%m-%dT00:00:00" if field.kind == "DateTime" else "%Y-%m-%d"
        return "" if "time" in field.takes else f" | date('{form}', shop.timezone)"
    if not any(word in expression for word in ("amount", "total", "price", "qty")):
        return ""
    places = f" | round({field.digits[1]})" if field.digits and 0 < field.digits[1] < 4 else ""
    if "number" not in field.takes:
        return f"{places} | string" if "text" in field.takes else f"{places} | int"
    return places


def _plain(name: str) -> str:
    return _NO_LETTER.sub("", name.lower())
