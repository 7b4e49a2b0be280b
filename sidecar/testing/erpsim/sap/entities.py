"""What each entity has: names, types and lengths, and what hangs on it.

Only what a shop needs; a property that is not named here does not exist in this ERP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """The types of a property."""

    TEXT = "text"
    AMOUNT = "amount"
    DAY = "day"
    MOMENT = "moment"
    TRUTH = "truth"
    TIME = "time"


@dataclass(frozen=True)
class Property:
    """`size`: characters of a text, decimal places of an amount; `given`: by SAP, never by us."""

    kind: Kind
    size: int = 0
    given: bool = False


@dataclass(frozen=True)
class Entity:
    """One type: its key, its properties, and the lists that hang on it."""

    name: str
    key: tuple[str, ...]
    properties: Mapping[str, Property]
    lists: Mapping[str, Entity] = field(default_factory=dict)


def _texts(**sizes: int) -> dict[str, Property]:
    return {name: Property(Kind.TEXT, size) for name, size in sizes.items()}


def _given(*names: str) -> dict[str, Property]:
    return {name: Property(Kind.TEXT, 1, given=True) for name in names}


def _amount(places: int, *, given: bool = False) -> Property:
    return Property(Kind.AMOUNT, places, given)


_DAY, _TRUTH = Property(Kind.DAY), Property(Kind.TRUTH)
_CHANGED = {"LastChangeDateTime": Property(Kind.MOMENT, given=True)}

_ADDRESS = Entity(
    "PartnerAddress",
    ("AddressRepresentationCode",),
    _texts(
        AddressRepresentationCode=1,
        CorrespondenceLanguage=2,
        OrganizationName1=40,
        OrganizationName2=40,
        CityName=40,
        PostalCode=10,
        StreetName=60,
        StreetSuffixName1=40,
        HouseNumber=10,
        Country=3,
        Region=3,
        EmailAddress=241,
        PhoneNumber=30,
    ),
)
_PARTNER = Entity(
    "Partner",
    ("PartnerFunction",),
    _texts(PartnerFunction=2, Customer=10, ContactPerson=10, VATRegistration=20),
    {"to_Address": _ADDRESS},
)
_NOTE = Entity("Text", ("LongTextID",), _texts(Language=2, LongTextID=4, LongText=10_000))


def _condition(rate: str, unit: str) -> Entity:
    return Entity(
        "PricingElement",
        ("ConditionType",),
        {
            **_texts(ConditionType=4, ConditionCurrency=5, **{unit: 3}),
            rate: _amount(9),
            "ConditionQuantity": _amount(0),
            "ConditionAmount": _amount(2, given=True),
        },
    )


_CONDITION = _condition("ConditionRateValue", "ConditionQuantityUnit")
_CONDITION_4 = _condition("ConditionRateAmount", "ConditionQuantitySAPUnit")

#: What stands at the head of an order and of a credit memo request alike.
_HEAD = {
    **_texts(
        SalesOrganization=4,
        DistributionChannel=2,
        OrganizationDivision=2,
        SoldToParty=10,
        PurchaseOrderByCustomer=35,
        CustomerPurchaseOrderType=4,
        TransactionCurrency=5,
        SDDocumentReason=3,
        CustomerPaymentTerms=4,
        PaymentMethod=1,
        HeaderBillingBlockReason=2,
        AssignmentReference=18,
        AccountingDocExternalReference=16,
    ),
    "CustomerPurchaseOrderDate": _DAY,
    "PricingDate": _DAY,
    "TotalNetAmount": _amount(3, given=True),
    **_given("OverallSDProcessStatus", "OverallSDDocumentRejectionSts", "TotalCreditCheckStatus"),
    **_CHANGED,
}
_ORDER = {
    **_texts(
        SalesOrder=10,
        SalesOrderType=4,
        ShippingCondition=2,
        ShippingType=2,
        DeliveryBlockReason=2,
        IncotermsClassification=3,
        IncotermsLocation1=70,
    ),
    "SalesOrderDate": _DAY,
    "RequestedDeliveryDate": _DAY,
    "CompleteDeliveryIsDefined": _TRUTH,
    **_given("TotalBlockStatus", "OverallDeliveryStatus"),
    **_HEAD,
}
_LINE = {
    **_texts(
        SalesOrderItemText=40,
        PurchaseOrderByCustomer=35,
        UnderlyingPurchaseOrderItem=6,
        SalesOrderItemCategory=4,
        StorageLocation=4,
        ShippingPoint=4,
        SalesDocumentRjcnReason=2,
        ProductTaxClassification1=1,
    ),
    "RequestedQuantity": _amount(3),
    "NetAmount": _amount(3, given=True),
    "TaxAmount": _amount(3),
    **_given("SDProcessStatus", "DeliveryStatus"),
}

ORDER = Entity(
    "A_SalesOrder",
    ("SalesOrder",),
    _ORDER,
    {
        "to_Item": Entity(
            "A_SalesOrderItem",
            ("SalesOrder", "SalesOrderItem"),
            {
                **_texts(
                    SalesOrder=10,
                    SalesOrderItem=6,
                    Material=40,
                    RequestedQuantityUnit=3,
                    ProductionPlant=4,
                ),
                **_LINE,
            },
            {"to_PricingElement": _CONDITION, "to_Text": _NOTE},
        ),
        "to_Partner": _PARTNER,
        "to_PricingElement": _CONDITION,
        "to_Text": _NOTE,
    },
)
ORDER_4 = Entity(
    "SalesOrder",
    ("SalesOrder",),
    {**_ORDER, **_given("HdrGeneralIncompletionStatus")},
    {
        "_Item": Entity(
            "SalesOrderItem",
            ("SalesOrder", "SalesOrderItem"),
            {
                **_texts(
                    SalesOrder=10,
                    SalesOrderItem=6,
                    Product=18,
                    RequestedQuantitySAPUnit=3,
                    Plant=4,
                ),
                **_LINE,
            },
            {"_ItemPricingElement": _CONDITION_4},
        ),
        "_Partner": _PARTNER,
        "_PricingElement": _CONDITION_4,
        "_Text": _NOTE,
    },
)
CREDIT_MEMO = Entity(
    "A_CreditMemoRequest",
    ("CreditMemoRequest",),
    {
        **_texts(CreditMemoRequest=10, CreditMemoRequestType=4, ReferenceSDDocument=10),
        "CreditMemoRequestDate": _DAY,
        **_HEAD,
    },
    {
        "to_Item": Entity(
            "A_CreditMemoRequestItem",
            ("CreditMemoRequest", "CreditMemoRequestItem"),
            {
                **_texts(
                    CreditMemoRequest=10,
                    CreditMemoRequestItem=6,
                    CreditMemoRequestItemText=40,
                    Material=40,
                    RequestedQuantityUnit=3,
                ),
                **_LINE,
            },
            {"to_PricingElement": _CONDITION},
        ),
        "to_Partner": _PARTNER,
        "to_PricingElement": _CONDITION,
        "to_Text": _NOTE,
    },
)
