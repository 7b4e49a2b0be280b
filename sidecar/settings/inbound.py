"""The sections of what the ERP may own: its word comes into Magento.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from sidecar.model.reference import NUMBER
from sidecar.settings.domain import Answered, Carried, Domain, WrittenIsEnabled
from sidecar.settings.fields import (
    Factor,
    FilePath,
    ReferenceTemplate,
    Section,
    Switch,
    Tolerance,
    contradiction,
)
from sidecar.settings.quantities import Duration, Percent

_EVERY = (
    "How often the ERP is asked what is new; or, where Magento owns it, the shortest time between "
    "two sendings."
)


class Told(WrittenIsEnabled):
    """What a domain has that the ERP tells of by itself."""

    overlap: Duration = Field(
        default=timedelta(minutes=10),
        description="Each question for changes goes back so far before the last one: what the ERP "
        "wrote down late is not missed. What is repeated does no harm.",
    )
    full_every: Duration | None = Field(
        default=None,
        description="How often everything is asked for (`list` of the file of calls) instead of "
        "what has changed; null: never.",
        examples=["6h"],
    )
    give_up_after: Duration = Field(
        default=timedelta(days=7),
        description="How long news of the ERP waits for what it needs (an order that is not in "
        "Magento yet, say) before it is parked for an operator.",
    )

    @model_validator(mode="before")
    @classmethod
    def _asks_less_often_than_it_sends(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {"every": "1m", **given} if given.get("owner") == "erp" else given


class OrderStatuses(Carried, Told):
    """What becomes of an order in the ERP after it was accepted."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["erp"] = Field(
        default="erp", description="The ERP: only its word comes this way."
    )
    every: Duration = Field(default=timedelta(minutes=1), description=_EVERY)
    lifecycle: FilePath | None = Field(
        default=None,
        description="The file that says what the ERP's statuses mean in Magento and which may "
        "follow which (docs/lifecycle.md).",
        examples=["lifecycle.yaml"],
    )

    @model_validator(mode="after")
    def _has_a_lifecycle(self) -> OrderStatuses:
        if self.enabled and self.lifecycle is None:
            raise contradiction(
                "is missing: the file that says what the ERP's statuses mean", "lifecycle"
            )
        return self


class Calendar(Carried, Told):
    """Which months the ERP has closed for posting."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["erp"] = Field(
        default="erp", description="The ERP: only its word comes this way."
    )
    every: Duration = Field(default=timedelta(minutes=5), description=_EVERY)


class Refunds(Answered, Told):
    """Credit memos: Magento's go to the ERP, or the ERP's are made in Magento."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    ref: ReferenceTemplate = Field(
        default="CM" + NUMBER,
        description="The external reference: what the ERP calls a refund of ours and is asked for. "
        "Magento counts credit memos from 000000001 as it does orders: CM keeps the two apart.",
    )
    tolerance: Tolerance = Field(
        default=Decimal("0.01"),
        description="How far a refund's amounts may be off its total.",
    )


class InvoiceGateRules(Section):
    """What an invoice must have before it may go."""

    payment: Literal["always", "paid"] = Field(
        default="always",
        description="always: an invoice goes when it is issued, and `invoice.paid` follows when it "
        "is paid. paid: it waits until then. Most are paid when they are issued.",
    )


class Invoices(Answered, Told):
    """Invoices: Magento's go to the ERP, or the ERP's are made in Magento."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    ref: ReferenceTemplate = Field(
        default="IN" + NUMBER,
        description="The external reference: what the ERP calls an invoice of ours and is asked "
        "for. Magento counts invoices from 000000001 as it does orders: IN keeps the two apart.",
    )
    tolerance: Tolerance = Field(
        default=Decimal("0.01"),
        description="How far an invoice's amounts may be off its total.",
    )
    gate: InvoiceGateRules = Field(
        default=InvoiceGateRules(),
        description="What an invoice must have before it may go, where Magento owns them.",
    )
    capture: Switch = Field(
        default=True,
        description="Where the ERP makes the invoices: the payment is captured with each.",
    )


class Shipments(Answered, Told):
    """Shipments: the warehouse's are made in Magento, or Magento's go to the ERP."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        default="erp",
        description="Which side's word counts: what it owns goes to the other one.",
    )
    every: Duration = Field(default=timedelta(minutes=1), description=_EVERY)
    ref: ReferenceTemplate = Field(
        default="SH" + NUMBER,
        description="The external reference: what the ERP calls a shipment of ours and is asked "
        "for. Magento counts shipments from 000000001 as it does orders: SH keeps the two apart.",
    )
    notify: Switch = Field(
        default=False,
        description="Where the ERP makes the shipments: Magento sends its e-mail, unless the file "
        "of calls says otherwise (`notify` of a row).",
    )


class RowBoundsOfStock(Section):
    """What the quantity of one SKU may become without a person."""

    below_zero: Literal["refuse", "zero"] = Field(
        default="refuse", description="A quantity below 0: it is refused, or taken as 0."
    )
    factor: Factor | None = Field(
        default=100.0,
        description="A quantity that is so many times the present one, or more, is refused, "
        "where the present one is at least 1; null: none is.",
    )
    fraction: Literal["refuse", "cut"] = Field(
        default="refuse",
        description="A fraction of what Magento sells by the piece: it is refused, or cut off.",
    )


class RunBoundsOfStock(Section):
    """What one run may change; beyond it the whole run waits for `incoming apply`."""

    changed: Percent = Field(
        default=Decimal("0.3"),
        description="The most that change, of the levels at the sources that the run speaks of.",
    )
    to_zero: Percent = Field(default=Decimal("0.1"), description="The most that fall to 0.")


class BoundsOfStock(Section):
    """What goes beyond waits for a person."""

    row: RowBoundsOfStock = Field(
        default=RowBoundsOfStock(), description="For the quantity of one SKU at one source."
    )
    run: RunBoundsOfStock = Field(
        default=RunBoundsOfStock(), description="For all that one run changes."
    )


class Stock(Domain, Told):
    """Stock: the ERP's quantities come into Magento, or Magento's go to the ERP."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        default="erp",
        description="Which side's word counts: what it owns goes to the other one.",
    )
    every: Duration = Field(default=timedelta(minutes=1), description=_EVERY)
    ref: ReferenceTemplate = Field(
        default="ST{entity_id}",
        description="The external reference: what the ERP calls a stock message of ours.",
    )
    basis: Literal["on_hand", "available"] = Field(
        default="on_hand",
        description="What the ERP's quantity is: on_hand (what lies in the warehouse, as Magento "
        "keeps it), or available (what is free to sell: what is reserved in Magento for orders "
        "that the ERP has is added to it, as Magento subtracts it again; not where a stock has "
        "several sources). docs/stock.md has an example.",
    )
    write: Literal["auto", "sql", "rest"] = Field(
        default="auto",
        description="How quantities are written: sql (fast; where Magento's inventory index is on "
        "schedule and its own triggers feed it), rest (Magento's own API), or auto: sql where "
        "that is so, else rest.",
    )
    bounds: BoundsOfStock = Field(
        default=BoundsOfStock(), description="What goes beyond waits for a person."
    )
    freshness: Duration | None = Field(
        default=None,
        description="The ERP's answer must be no older: where nothing was heard of it for longer, "
        "`doctor` and `nagios` say so; null: whatever its age.",
        examples=["5m"],
    )
    window: Duration = Field(
        default=timedelta(minutes=5),
        description="Where Magento owns it: reservations of so long go to the ERP as one sum for "
        "each SKU and stock.",
    )

    @model_validator(mode="after")
    def _each_message_has_a_name(self) -> Stock:
        # Messages of one SKU have one number: by that alone a sum would be taken for another one.
        if self.owner == "magento" and "{entity_id}" not in self.ref:
            raise contradiction("must name {entity_id}: many messages are of one SKU", "ref")
        return self

    @property
    def writes_tables(self) -> bool:
        """Not where Magento's API alone may be used."""
        return self.write != "rest"


class RowBoundsOfPrices(Section):
    """What a price may become without a person."""

    change: Percent | None = Field(
        default=Decimal("0.5"),
        description="The most that a price may change by, and that a special or tier price may lie "
        "below the price; null: whatever it is.",
    )
    zero: Literal["refuse", "allow"] = Field(
        default="refuse", description="A price of 0: it is refused, or taken."
    )


class RunBoundsOfPrices(Section):
    """What one run may change; beyond it the whole run waits for `incoming apply`."""

    changed: Percent = Field(
        default=Decimal("0.25"),
        description="The most that change, of the products that have a price, once for each "
        "website that the run speaks of.",
    )


class BoundsOfPrices(Section):
    """What goes beyond waits for a person."""

    row: RowBoundsOfPrices = Field(
        default=RowBoundsOfPrices(), description="For one price of one SKU."
    )
    run: RunBoundsOfPrices = Field(
        default=RunBoundsOfPrices(), description="For all that one run changes."
    )


class Prices(Domain, Told):
    """Prices: the ERP's come into Magento, or Magento's go to the ERP."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        default="erp",
        description="Which side's word counts: what it owns goes to the other one.",
    )
    every: Duration = Field(default=timedelta(minutes=1), description=_EVERY)
    ref: ReferenceTemplate = Field(
        default="PR{entity_id}",
        description="The external reference: what the ERP calls a price message of ours.",
    )
    bounds: BoundsOfPrices = Field(
        default=BoundsOfPrices(), description="What goes beyond waits for a person."
    )
