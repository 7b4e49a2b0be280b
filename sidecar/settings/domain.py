"""What the sections of all domains have in common.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sidecar.model.reference import NUMBER
from sidecar.settings.fields import (
    Comment,
    Factor,
    ReferenceTemplate,
    Section,
    Slug,
    Switch,
    Tolerance,
    contradiction,
)
from sidecar.settings.quantities import Duration, Kind, Percent


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


class Remark(Section):
    """A comment in the document's history in Magento."""

    comment: Comment | None = Field(
        default=None,
        description="The comment; may name {reference}, {status}, {code} and {message}; null: none",
        examples=['"ERP status {status}"'],
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


class AnsweredBy(Section):
    """Who answers for a domain: names under owners."""

    technical: Slug | None = Field(
        default=None,
        description="For the connection: pauses, stops, calls that fail.",
        examples=["shop"],
    )
    business: Slug | None = Field(
        default=None,
        description="For what is carried: refusals, differences.",
        examples=["finance"],
    )
    erp: Slug | None = Field(
        default=None, description="For the ERP's side of it.", examples=["erp-team"]
    )


class Carried(Section):
    """What every domain has, whichever way it goes."""

    enabled: Switch = Field(default=True, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        default="magento",
        description="Which side's word counts: what it owns goes to the other one.",
    )
    erp: Slug | None = Field(
        default=None,
        description="The ERP account that it goes to, by its name under erps; null: the only one, "
        "or main.",
        examples=["wms"],
    )
    every: Duration = Field(
        default=timedelta(milliseconds=250),
        description="The shortest time between two sendings. What comes alone is sent at "
        "once; what comes within this time after it goes together.",
    )
    priority: Annotated[int, Field(strict=True, ge=1, le=9), Kind("whole number")] | None = Field(
        default=None,
        description="Whose calls go first where several domains wait for the ERP: the smallest "
        "number's, 1 to 9; null: the domain's own (orders 1, refunds 2, invoices and shipments 3, "
        "the others 5).",
        examples=["3"],
    )
    share: Percent = Field(
        default=Decimal("0.1"),
        description="Share of the calls that a domain is promised while it waits and others go "
        "before it, 0% to 50%. Where these come to more than half, they are cut in proportion.",
    )
    answers: AnsweredBy = Field(
        default=AnsweredBy(),
        description="Who answers for it. They are named with every alarm, finding and refusal of "
        "this domain, and in the blueprint.",
    )
    risk: Literal["low", "normal", "high"] = Field(
        default="normal",
        description="What a fault in it would cost. high makes it compulsory that what the ERP "
        "took can be compared (its total is told, lines are not ignored) and that the ERP's own "
        "list can be asked for (`list` of the file of calls): docs/blueprint.md.",
    )
    pause_alarm: Duration = Field(
        default=timedelta(hours=4),
        description="A pause that lasts longer, or has no end, is reported every hour by the "
        "daemon, and by status.",
    )

    @property
    def writes_tables(self) -> bool:
        """Whether what the ERP tells of it is written into Magento's tables, not by its API."""
        return True

    @model_validator(mode="after")
    def _leaves_half_to_what_goes_first(self) -> Carried:
        if self.share > Decimal("0.5"):
            raise contradiction("is more than half; write 0% … 50%", "share")
        return self


class Posting(Section):
    """What becomes of a document whose posting period is closed."""

    when_closed: Literal["wait", "next_open", "send"] = Field(
        default="wait",
        description="A document whose month (of the day on which Magento made it, in "
        "shop.timezone) was closed by 'erp-sidecar calendar close' before the ERP had it: wait "
        "until it is opened · next_open: goes, and posting_date of the expressions is the first "
        "day that is open · send: goes as it is.",
    )


class Domain(Carried):
    """What every domain that goes to the ERP has."""

    ref: ReferenceTemplate = Field(
        default=NUMBER,
        description="The external reference: what the ERP calls a document of ours, and is asked "
        "for. {increment_id}, {store_id} and {entity_id} may stand in it. Where stores share "
        "numbers, '{store_id}-{increment_id}' keeps them apart (doctor says so). A document "
        "keeps the one it was booked under. Expressions have it as ref.",
    )
    needs: Annotated[tuple[Slug, ...], Kind("list of kinds")] = Field(
        default=(),
        description="Kinds of what must be in the ERP first, beside the document that it belongs "
        "to: orders may need their customer. Until the ERP has that, it waits, and says so.",
        examples=["[customer]"],
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
    retry: Retry = Field(default=Retry(), description="When a failed attempt is made again.")
    unknown: InDoubt = Field(
        default=InDoubt(), description="What happens after a call whose answer did not come."
    )
    compare: Compare = Field(
        default=Compare(),
        description="What the ERP answered against what was sent; more is a difference at once.",
    )
    posting: Posting = Field(
        default=Posting(), description="Closed posting periods (docs/calendar.md)."
    )

    @model_validator(mode="after")
    def _high_risk_compares_lines(self) -> Domain:
        if self.enabled and self.risk == "high" and self.compare.lines == "ignore":
            raise contradiction(
                "is ignore, and the risk of this domain is high: a line that the ERP dropped would "
                "not be noticed; write exact, or risk: normal",
                "compare",
                "lines",
            )
        return self


class Answered(Domain):
    """A domain of which Magento hears in comments."""

    acknowledge: Answers = Field(
        default=Answers(), description="How the ERP's answer comes back to the Magento document."
    )


class WrittenIsEnabled(Section):
    """A domain that is carried where its section is written."""

    @model_validator(mode="before")
    @classmethod
    def _written_is_enabled(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "enabled" not in given:
            return {"enabled": True, **given}
        return given
