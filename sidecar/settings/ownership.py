"""The sections of who answers for what, and of the special cases that stand apart.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from pydantic import Field

from sidecar.settings.fields import Date, FilePath, Section, Slug, Text


class Owner(Section):
    """A person or a team that answers for something."""

    name: Text = Field(description="What people call them.", examples=["Finance"])
    contact: Text = Field(
        description="How they are reached: an address, a telephone number, a channel.",
        examples=["finance@example.com"],
    )


class SpecialCase(Section):
    """Documents of one domain that go to the ERP by another file of calls, until a day."""

    domain: Slug = Field(description="The domain that it is an exception of.", examples=["orders"])
    when: Text = Field(
        description="Which of its events: an expression in the language of the file of calls, over "
        "the payload of the domain (docs/blueprint.md). The first exception that applies takes it.",
        examples=["\"order.customer_group_code == 'B2B-EXPORT'\""],
    )
    calls: FilePath = Field(
        description="The file of calls that sends them: of the same adapter, to the same account.",
        examples=["export-rest.yaml"],
    )
    owner: Slug = Field(description="Who answers for it: a name under owners.", examples=["shop"])
    reason: Text = Field(description="Why it is there.", examples=["Export needs a customs number"])
    expires: Date = Field(
        description="Its last day, in the shop's time zone. Two weeks before, `config validate` "
        "and `doctor` say so; from the day after, what it would take is parked, and goes no other "
        "way.",
        examples=["2027-06-30"],
    )
