"""The section of the orders: when they may go, and what becomes of them in Magento.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from sidecar.settings.domain import Domain
from sidecar.settings.fields import (
    Codes,
    Comment,
    Identifier,
    Label,
    OrderStatus,
    PaymentRule,
    Section,
    StateRule,
    Switch,
    Tolerance,
    contradiction,
)


class GateRules(Section):
    """What an order must have before it may go."""

    payment: Mapping[str, PaymentRule] = Field(
        default={"default": "authorized"},
        description="Payment method → when its orders may go: always · authorized (or paid) · paid "
        "· never. `default` is for every method that is not named. A method whose money comes "
        "later (checkmo, banktransfer) waits by default until it is there.",
        examples=["{checkmo: always, banktransfer: paid, default: authorized}"],
    )
    states: Mapping[str, StateRule] = Field(
        default={"pending_payment": "wait", "payment_review": "wait", "fraud": "wait"},
        description="Magento state or status → what its orders do whatever their payment: wait · "
        "go. By default those wait whose customer is still paying, or that somebody must look at.",
        examples=["{fraud: go, to_be_checked: wait}"],
    )

    @field_validator("payment")
    @classmethod
    def _default_is_there(cls, rules: Mapping[str, PaymentRule]) -> Mapping[str, PaymentRule]:
        return {"default": "authorized", **rules}

    @field_validator("states")
    @classmethod
    def _known_states_wait(cls, rules: Mapping[str, StateRule]) -> Mapping[str, StateRule]:
        known: Mapping[str, StateRule] = cls.model_fields["states"].default
        return {**known, **rules}

    @property
    def waiting_states(self) -> frozenset[str]:
        """States and statuses in which orders wait."""
        return frozenset(name for name, rule in self.states.items() if rule == "wait")

    def payment_rule(self, method: str) -> PaymentRule:
        """The rule for Magento's payment method code `method`."""
        return self.payment.get(method, self.payment["default"])


class StatusMapping(Section):
    """What an order becomes in Magento. Its state stays what it is."""

    status: OrderStatus = Field(description="Magento order status.", examples=["erp_posted"])
    label: Label = Field(description="Its name in the admin.", examples=["Posted in ERP"])
    comment: Comment | None = Field(
        default=None,
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
        examples=['"ERP status {status}"'],
    )


class Accepted(StatusMapping):
    """What an order becomes when the ERP has taken it."""

    status: OrderStatus = Field(default="erp_received", description="Magento order status.")
    label: Label = Field(default="Received by ERP", description="Its name in the admin.")
    comment: Comment | None = Field(
        default="ERP order {reference}",
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
    )


class Rejected(StatusMapping):
    """What an order becomes when the ERP has refused it."""

    hold: Switch = Field(
        default=True, description="Hold the order the way Magento does, so that Unhold releases it."
    )
    status: OrderStatus = Field(default="erp_rejected", description="Magento order status.")
    label: Label = Field(default="Rejected by ERP", description="Its name in the admin.")
    released: OrderStatus | None = Field(
        default="erp_released",
        description="Magento order status that Unhold gives the order, until the ERP has answered "
        "again. It distinguishes a person's Unhold from a save of Magento that took our hold away "
        "unseen; null: Unhold gives back the status from before, and every hold that is gone "
        "counts as a person's Unhold.",
    )
    released_label: Label = Field(default="Goes to ERP again", description="Its name in the admin.")
    comment: Comment | None = Field(
        default="ERP refused: {message}",
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
    )


class Acknowledge(Section):
    """How the ERP's answer comes back into the Magento order."""

    number: Literal["ext_order_id", "none"] = Field(
        default="ext_order_id",
        description="Column of Magento's order that takes the ERP's number: ext_order_id; or none, "
        "where it belongs to another module (a payment module keeps its charge there). One that "
        "holds something else is never overwritten, and what does not fit is never cut: the number "
        "then stands in the comment only.",
    )
    accepted: Accepted = Field(default=Accepted(), description="The ERP has taken the order.")
    rejected: Rejected = Field(default=Rejected(), description="The ERP has refused the order.")
    statuses: Mapping[str, StatusMapping] = Field(
        default={},
        description="ERP status, as the adapter gives it → what the order becomes in Magento.",
        examples=['{POSTED: {status: erp_posted, label: "Posted in ERP"}}'],
    )

    @model_validator(mode="after")
    def _one_label_per_status(self) -> Acknowledge:
        labels = {self.accepted.status: self.accepted.label}
        rejected = self.rejected
        named: list[tuple[str, str, tuple[str, ...]]] = [
            (rejected.status, rejected.label, ("rejected", "label"))
        ]
        if rejected.released is not None:
            where = ("rejected", "released_label")
            named.append((rejected.released, rejected.released_label, where))
        named += [
            (mapping.status, mapping.label, ("statuses", code, "label"))
            for code, mapping in self.statuses.items()
        ]
        for status, label, at in named:
            if labels.setdefault(status, label) != label:
                raise contradiction(
                    f'status {status} is called "{labels[status]}" elsewhere; '
                    "one status has one label",
                    *at,
                )
        return self


class Total(Section):
    """An amount of an order that Magento does not have of itself."""

    counts: Literal["plus", "minus", "no"] = Field(
        default="plus",
        description="Whether the grand total has it: plus (a fee), minus (a discount), or no (it "
        "is in another amount already, and only to be read).",
    )
    base: Identifier | None = Field(
        default=None,
        description="The column of the same amount in the base currency (default: base_ and the "
        "column, where the shop has it).",
        examples=["gw_base_price"],
    )
    of: Literal["order", "items"] = Field(
        default="order", description="Its table: sales_order, or sales_order_item (a line's own)."
    )


class Only(Section):
    """The stores whose documents are carried: those named, and those of the websites named.

    What is of another store is left alone, even when it is named later.
    """

    stores: Codes = Field(
        default=(), description="Codes of stores; none: all.", examples=["[de_b2b]"]
    )
    websites: Codes = Field(
        default=(), description="Codes of websites; none: all.", examples=["[base]"]
    )


class Orders(Domain):
    """Orders, from Magento to the ERP."""

    owner: Literal["magento"] = Field(
        default="magento", description="Magento: only its word goes this way."
    )
    only: Only = Field(
        default=Only(),
        description="Which stores' orders are carried, and with them what belongs to an order "
        "(refunds); by default all stores'.",
    )
    gate: GateRules = Field(
        default=GateRules(), description="What an order must have before it may go."
    )
    totals: Mapping[Identifier, Total] = Field(
        default={},
        description="Further columns of amounts, by name: payment fees, surcharges of modules. "
        "They come into the arithmetic, and into the mapping as order.extra.NAME, item.extra.NAME "
        "and order.charges. Adobe Commerce's own are known without being named.",
        examples=["{mollie_payment_fee: {}, line_surcharge: {of: items}}"],
    )
    tolerance: Tolerance = Field(
        default=Decimal("0.01"),
        description="How far an order's amounts may be off its total. Magento's own roundings and "
        "its modules' leave a cent now and then; what is within it is sent, and logged.",
    )
    acknowledge: Acknowledge = Field(
        default=Acknowledge(), description="How the ERP's answer comes back into the Magento order."
    )
