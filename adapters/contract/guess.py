"""Which of the order's fields an ERP's field surely means, by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from adapters.contract.field import Field
from sidecar.documents import write_scalar

#: Stands where a person must decide; it is no name, so the file does not load before he has.
FILL_IN = "=FILL_IN"

_NO_LETTER = re.compile(r"[^a-z0-9]")
_OF_ORDER = {
    "order.increment_id": (
        "externalid externalnumber externalreference externaldocumentnumber externalordernumber "
        "otherrefnum purchaseorderbycustomer customersorderreference clientorderref ordernumber "
        "sourcetransactionnumber"
    ),
    "order.order_currency_code": (
        "currency currencycode transactioncurrency ordercurrency transactionalcurrencycode"
    ),
    "order.created_at": (
        "orderdate trandate salesorderdate documentdate customerpurchaseorderdate dateorder"
    ),
    "order.customer_email": "email emailaddress customeremail contactemail",
    "order.grand_total": "total grandtotal totalamount ordertotal totalamountincludingtax",
    "order.tax_amount": "tax taxtotal totaltax totaltaxamount ordertax",
    "order.shipping_amount": "shipping shippingcost shippingamount shippingcosts freight",
    "event.id": "idempotencykey",
}
_OF_LINE = {
    "item.item_id": "lineid externalitemid externallineid",
    "item.sku": "sku material itemno itemnumber itemcode product productnumber articlenumber",
    "item.name": (
        "name description itemtext salesorderitemtext itemname productname linedescription"
    ),
    "item.qty_ordered": (
        "quantity qty requestedquantity orderedquantity orderedsalesquantity productuomqty"
    ),
    "item.price": "price unitprice netprice salesprice priceunit",
    "item.discount_amount": "discount discountamount linediscount linediscountamount",
    "item.tax_amount": "tax taxamount linetax",
    "item.row_total": "rowtotal linetotal lineamount",
}
#: `{a}`: the address.
_OF_ADDRESS = {
    "{a}.firstname": "firstname givenname",
    "{a}.lastname": "lastname surname familyname",
    "{a}.firstname ~ ' ' ~ {a}.lastname": "name fullname contact",
    "{a}.company": "company companyname organizationname1 addressee",
    "{a}.street | join(', ')": (
        "street streetname streetaddress addr1 address1 addressline1 addressstreet"
    ),
    "{a}.city": "city cityname town",
    "{a}.postcode": "zip zipcode postcode postalcode",
    "{a}.region": "state region province stateorprovince",
    "{a}.country_id": "country countrycode countryid countryregioncode countryregionid",
    "{a}.telephone": "phone telephone phonenumber addrphone",
}
#: An address whose fields stand beside the order's own: shipToCity, DeliveryAddressCity.
_PREFIXED = re.compile(
    r"(deliveryaddress|shipto|shippingaddress|billto|billingaddress|invoiceaddress)(.+)"
)
#: What such a record names is something else than the order.
_REFERS = ("ref", "reference", "key")
_SINCE = ("since", "changed", "modified", "updated")
_PAGES = frozenset({"page", "pageno", "pagenumber", "cursor", "skiptoken"})
_LISTS = re.compile(r"(?:line|item|position|product|row)s?(?:list)?")
_QUESTION = "order.increment_id"


def _by_name(table: Mapping[str, str]) -> dict[str, str]:
    return {name: expression for expression, names in table.items() for name in names.split()}


_ORDER, _LINE, _ADDRESS = _by_name(_OF_ORDER), _by_name(_OF_LINE), _by_name(_OF_ADDRESS)


def lists_lines(field: Field) -> bool:
    """Whether a list is surely the order's lines."""
    return field.many and field.is_record and means_lines(field.name)


def means_lines(name: str) -> bool:
    """Whether a list of this name is surely the order's lines."""
    plain = _plain(name)
    return any(match.end() == len(plain) for match in _LISTS.finditer(plain))


def named_by_us(fields: Iterable[Field]) -> Field | None:
    """The field that holds our number: by it the ERP is asked for a document."""
    names = _OF_ORDER[_QUESTION].split()
    ours = [field for field in fields if not field.is_record and _plain(field.name) in names]
    return min(ours, key=lambda field: names.index(_plain(field.name)), default=None)


def guessed(field: Field, above: tuple[str, ...], *, of_line: bool) -> str:
    """The expression for a field that stands in these records; FILL_IN where it is not clear."""
    name = _plain(field.name)
    if field.hint:
        return field.hint
    if field.choices and len(field.choices) == 1:
        return write_scalar(field.choices[0])
    if above and _plain(above[-1]).endswith(_REFERS):
        return FILL_IN
    path = _LINE.get(name) if of_line else _ORDER.get(name)
    path = path or _of_address(name, above, of_line=of_line)
    if path is None or field.choices or not _may_be(path, field):
        return FILL_IN
    return f"={path}{_filter(path, field)}"


def _of_address(name: str, above: tuple[str, ...], *, of_line: bool) -> str | None:
    address = _address(above)
    prefixed = None if address or of_line else _PREFIXED.fullmatch(name)
    if prefixed is not None:
        address, name = _address((prefixed[1],)), prefixed[2]
    template = _ADDRESS.get(name) if address else None
    return None if template is None else template.replace("{a}", address)


def _may_be(path: str, field: Field) -> bool:
    """Whether the field's type can hold it: what is called `currency` may be an id."""
    if not field.takes:
        return True
    if any(word in path for word in ("amount", "total", "price", "qty", "item_id")):
        return bool(field.takes - {"truth value", "time"})
    return "text" in field.takes or ("time" in field.takes and path == "order.created_at")


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
