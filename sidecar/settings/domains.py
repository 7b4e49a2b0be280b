"""The sections of the domains: what each carries, at which pace, by which rules.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from sidecar.model.reference import NUMBER
from sidecar.settings.fields import (
    Codes,
    Comment,
    Factor,
    Identifier,
    Label,
    OrderStatus,
    PaymentRule,
    ReferenceTemplate,
    Section,
    Slug,
    StateRule,
    Switch,
    Tolerance,
    contradiction,
)
from sidecar.settings.quantities import Duration, Kind, Percent


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


class Retry(Section):
    """When a failed attempt is made again."""

    first: Duration = Field(
        default=timedelta(seconds=5), description="Wait after the first failure."
    )
    factor: Factor = Field(default=2.0, description="How much longer each further wait is.")
    most: Duration = Field(default=timedelta(minutes=30), description="The longest wait.")
    give_up_after: Duration = Field(
        default=timedelta(hours=48), description="When an event is parked for an operator instead."
    )

    @model_validator(mode="after")
    def _waits_grow(self) -> Retry:
        if self.most < self.first:
            raise contradiction("is shorter than the first wait", "most")
        if self.give_up_after < self.most:
            raise contradiction("is shorter than the longest wait (most)", "give_up_after")
        return self


class InDoubt(Section):
    """What happens after a call whose answer did not come or cannot be trusted."""

    probe_after: Duration = Field(
        default=timedelta(seconds=2),
        description="When the ERP is first asked whether it has booked the order.",
    )
    trust_absence_after: Duration = Field(
        default=timedelta(seconds=60),
        description="How long after the call the ERP's 'I do not have it' is believed and the "
        "order sent again. It may still be working on a request whose answer timed out: longer "
        "than it ever takes to book.",
    )

    @model_validator(mode="after")
    def _asks_before_it_believes(self) -> InDoubt:
        if self.trust_absence_after < self.probe_after:
            raise contradiction("is shorter than probe_after", "trust_absence_after")
        return self


class Remark(Section):
    """A comment in the document's history in Magento."""

    comment: Comment | None = Field(
        default=None,
        description="The comment; may name {reference}, {status}, {code} and {message}; null: none",
        examples=['"ERP status {status}"'],
    )


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


class Compare(Section):
    """What the ERP answered against what was sent."""

    total: Tolerance = Field(
        default=Decimal("0.01"), description="Difference of the total that still counts as equal."
    )
    tax: Tolerance = Field(
        default=Decimal("0.01"), description="Difference of the tax that still counts as equal."
    )
    line: Tolerance = Field(
        default=Decimal("0.01"),
        description="Difference of a line's price, total, discount or tax that still counts as "
        "equal, where the ERP reports its lines. Quantities are compared exactly.",
    )
    lines: Literal["exact", "ignore"] = Field(
        default="exact",
        description="Number of lines: exact; or ignore, for an ERP that reports none.",
    )


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


class AcceptedRemark(Remark):
    """What is said when the ERP has taken a document."""

    comment: Comment | None = Field(
        default="ERP document {reference}",
        description="The comment; may name {reference}, {status}, {code} and {message}; null: none",
    )


class RejectedRemark(Remark):
    """What is said when the ERP has refused a document."""

    comment: Comment | None = Field(
        default="ERP refused: {message}",
        description="The comment; may name {reference}, {status}, {code} and {message}; null: none",
    )


class Answers(Section):
    """What the ERP's answers say in Magento, as comments on the document."""

    accepted: AcceptedRemark = Field(
        default=AcceptedRemark(), description="The ERP has taken the document."
    )
    rejected: RejectedRemark = Field(
        default=RejectedRemark(), description="The ERP has refused the document."
    )
    statuses: Mapping[str, Remark] = Field(
        default={},
        description="ERP status, as the adapter gives it → what is said of it.",
        examples=['{POSTED: {comment: "Posted as {reference}"}}'],
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


class Domain(Section):
    """What every domain that goes to the ERP has."""

    enabled: Switch = Field(default=True, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        default="magento", description="Which side's word counts where they differ."
    )
    erp: Slug | None = Field(
        default=None,
        description="The ERP account that it goes to, by its name under erps; null: the only one, "
        "or main.",
        examples=["wms"],
    )
    ref: ReferenceTemplate = Field(
        default=NUMBER,
        description="The external reference: what the ERP calls a document of ours, and is asked "
        "for. {increment_id}, {store_id} and {entity_id} may stand in it. Where stores share "
        "numbers, '{store_id}-{increment_id}' keeps them apart (doctor says so). A document "
        "keeps the one it was booked under. Expressions have it as ref.",
    )
    every: Duration = Field(
        default=timedelta(milliseconds=250),
        description="The shortest time between two sendings. What comes alone is sent at "
        "once; what comes within this time after it goes together.",
    )
    priority: Annotated[int, Field(strict=True, ge=1, le=9), Kind("whole number")] | None = Field(
        default=None,
        description="Whose calls go first where several domains wait for the ERP: the smallest "
        "number's, 1 to 9; null: the domain's own (orders 1, refunds 2, of other packages 5).",
        examples=["3"],
    )
    share: Percent = Field(
        default=Decimal("0.1"),
        description="Share of the calls that a domain is promised while it waits and others go "
        "before it, 0% to 50%. Where these come to more than half, they are cut in proportion.",
    )
    batch: Annotated[int, Field(strict=True, ge=1, le=1000), Kind("whole number")] = Field(
        default=50,
        description="Events claimed at a time, and sent in one call where the ERP takes several.",
    )
    lease: Duration = Field(
        default=timedelta(seconds=60),
        description="How long a claim holds. What is not settled by then counts as unknown. Must "
        "be longer than a call may take.",
    )
    pause_alarm: Duration = Field(
        default=timedelta(hours=4),
        description="A pause that lasts longer, or has no end, is reported every hour by the "
        "daemon, and by status.",
    )
    retry: Retry = Field(default=Retry(), description="When a failed attempt is made again.")
    unknown: InDoubt = Field(
        default=InDoubt(), description="What happens after a call whose answer did not come."
    )
    compare: Compare = Field(
        default=Compare(),
        description="What the ERP answered against what was sent; more is a difference at once.",
    )

    @model_validator(mode="after")
    def _leaves_half_to_what_goes_first(self) -> Domain:
        if self.share > Decimal("0.5"):
            raise contradiction("is more than half; write 0% … 50%", "share")
        return self


class Answered(Domain):
    """A domain of which Magento hears in comments."""

    acknowledge: Answers = Field(
        default=Answers(), description="How the ERP's answer comes back to the Magento document."
    )


class Orders(Domain):
    """Orders, from Magento to the ERP."""

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


class Refunds(Answered):
    """Credit memos, from Magento to the ERP."""

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

    @model_validator(mode="before")
    @classmethod
    def _written_is_enabled(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "enabled" not in given:
            return {"enabled": True, **given}
        return given


class Domains(Section):
    """What is carried. Each domain has its own owner, pace and rules."""

    orders: Orders = Field(default=Orders(), description="Orders, from Magento to the ERP.")
    refunds: Refunds = Field(
        default=Refunds(enabled=False),
        description="Refunds (credit memos), from Magento to the ERP, each after its order. They "
        "are carried where this section is written.",
    )
    further: Mapping[Slug, Answered] = Field(
        default={},
        description="Domains of other packages (entry points erp_sidecar.domains), by name.",
        examples=["{warranties: {batch: 10}}"],
    )

    def section(self, name: str) -> Orders | Answered | None:
        """A domain's section; None for one that is not carried."""
        own = getattr(self, name) if name in type(self).model_fields and name != "further" else None
        return own if isinstance(own, Orders | Answered) else self.further.get(name)

    def path(self, name: str) -> tuple[str, ...]:
        """Where a domain's section stands in the file."""
        return ("domains", "further", name) if name in self.further else ("domains", name)

    def carried(self) -> Mapping[str, Orders | Answered]:
        """The enabled domains' sections, by name."""
        own = {name: self.section(name) for name in type(self).model_fields if name != "further"}
        sections = {**own, **self.further}
        return {name: one for name, one in sections.items() if one is not None and one.enabled}
