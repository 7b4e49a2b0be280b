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
    """One type: its key, its properties, and what hangs on it, one (`singles`) or several."""

    name: str
    key: tuple[str, ...]
    properties: Mapping[str, Property]
    lists: Mapping[str, Entity] = field(default_factory=dict)
    singles: Mapping[str, Entity] = field(default_factory=dict)


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
        SalesOrderItemCategory=4,
        StorageLocation=4,
        ShippingPoint=4,
        SalesDocumentRjcnReason=2,
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
                    UnderlyingPurchaseOrderItem=6,
                    ProductTaxClassification1=1,
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

STOCK = Entity(
    "A_MaterialStock",
    ("Material",),
    _texts(Material=40, MaterialBaseUnit=3),
    {
        "to_MatlStkInAcctMod": Entity(
            "A_MatlStkInAcctMod",
            ("Material", "Plant", "StorageLocation", "Batch"),
            {
                **_texts(
                    Material=40,
                    Plant=4,
                    StorageLocation=4,
                    Batch=10,
                    InventoryStockType=2,
                    InventorySpecialStockType=1,
                    MaterialBaseUnit=3,
                ),
                "MatlWrhsStkQtyInMatlBaseUnit": _amount(14),
            },
        )
    },
)
DELIVERY = Entity(
    "A_OutbDeliveryHeader",
    ("DeliveryDocument",),
    {
        **_texts(DeliveryDocument=10, OverallGoodsMovementStatus=1, BillOfLading=35),
        "ActualGoodsMovementDate": _DAY,
    },
    {
        "to_DeliveryDocumentItem": Entity(
            "A_OutbDeliveryItem",
            ("DeliveryDocument", "DeliveryDocumentItem"),
            {
                **_texts(
                    DeliveryDocument=10,
                    DeliveryDocumentItem=6,
                    Material=40,
                    Plant=4,
                    ReferenceSDDocument=10,
                    ReferenceSDDocumentItem=6,
                ),
                "ActualDeliveryQuantity": _amount(3),
            },
        ),
        "to_HandlingUnitHeaderDelivery": Entity(
            "A_HandlingUnitHeaderDelivery",
            ("HandlingUnitInternalId",),
            _texts(
                HandlingUnitInternalId=10,
                HandlingUnitExternalId=20,
                HandlingUnitSecondExternalId=20,
            ),
        ),
    },
)
_BP_ADDRESS = Entity(
    "A_BusinessPartnerAddress",
    ("BusinessPartner", "AddressID"),
    _texts(
        BusinessPartner=10,
        AddressID=10,
        StreetName=60,
        StreetSuffixName=40,
        HouseNumber=10,
        CityName=40,
        PostalCode=10,
        Country=3,
        Region=3,
        Language=2,
    ),
    {
        "to_EmailAddress": Entity(
            "A_AddressEmailAddress", ("AddressID",), _texts(AddressID=10, EmailAddress=241)
        ),
        "to_PhoneNumber": Entity(
            "A_AddressPhoneNumber", ("AddressID",), _texts(AddressID=10, PhoneNumber=30)
        ),
    },
)
_BP_SALES_AREA = Entity(
    "A_CustomerSalesArea",
    ("Customer",),
    _texts(
        Customer=10,
        SalesOrganization=4,
        DistributionChannel=2,
        Division=2,
        Currency=5,
        CustomerPaymentTerms=4,
    ),
)
_BP_CUSTOMER = Entity(
    "A_Customer", ("Customer",), _texts(Customer=10), {"to_CustomerSalesArea": _BP_SALES_AREA}
)
_BP_TAX = Entity(
    "A_BusinessPartnerTaxNumber",
    ("BusinessPartner", "BPTaxType"),
    _texts(BusinessPartner=10, BPTaxType=4, BPTaxNumber=20),
)
PARTNER = Entity(
    "A_BusinessPartner",
    ("BusinessPartner",),
    {
        **_texts(
            BusinessPartner=10,
            BusinessPartnerCategory=1,
            BusinessPartnerGrouping=4,
            BusinessPartnerIDByExtSystem=20,
            FirstName=40,
            LastName=40,
            OrganizationBPName1=40,
            CorrespondenceLanguage=2,
            SearchTerm1=20,
        ),
        "BusinessPartnerIsBlocked": _TRUTH,
        "IsMarkedForArchiving": _TRUTH,
    },
    {
        "to_BusinessPartnerAddress": _BP_ADDRESS,
        "to_BusinessPartnerRole": Entity(
            "A_BusinessPartnerRole",
            ("BusinessPartner", "BusinessPartnerRole"),
            _texts(BusinessPartner=10, BusinessPartnerRole=6),
        ),
        "to_BusinessPartnerTax": _BP_TAX,
    },
    {"to_Customer": _BP_CUSTOMER},
)
