"""The lifecycle file: what an ERP's order states mean in Magento, and which may follow which.

`domains.order_status.lifecycle` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from sidecar.documents import Document, read_document
from sidecar.model.errors import ConfigurationError
from sidecar.settings.fields import (
    Comment,
    Label,
    OrderStatus,
    Section,
    Switch,
    Text,
    closest,
    contradiction,
)
from sidecar.settings.problems import Problem, explain
from sidecar.settings.quantities import Duration

Act = Literal["comment", "hold", "invoice"]


class State(Section):
    """One state of an order in the ERP."""

    meaning: Text = Field(description="What it means, in words.", examples=["waits for approval"])
    status: OrderStatus | None = Field(
        default=None, description="Magento order status; null: it is left as it is."
    )
    label: Label | None = Field(default=None, description="Its name in the admin.")
    comment: Comment | None = Field(
        default=None,
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
        examples=['"Canceled in ERP: {message}"'],
    )
    do: tuple[Act, ...] = Field(
        default=(),
        description="What is done in Magento: comment (write it), hold (the order, as Magento "
        "does), invoice (what is open of the order, with its payment captured).",
        examples=["[comment, hold]"],
    )
    alarm: Switch = Field(
        default=False, description="An operator is told: the order stands in `differences`."
    )
    alarm_after: Duration | None = Field(
        default=None,
        description="An operator is told of an order that has stood in it for so long.",
        examples=["2d"],
    )

    @model_validator(mode="after")
    def _says_what_it_does(self) -> State:
        if "comment" in self.do and self.comment is None:
            raise contradiction("is missing: 'do' has comment", "comment")
        if self.status is not None and self.label is None:
            raise contradiction(f"is missing: what the admin calls {self.status}", "label")
        if self.label is not None and self.status is None:
            raise contradiction("stands without a status", "label")
        return self


class Lifecycle(Section):
    """The whole file."""

    states: Mapping[str, State] = Field(
        description="The ERP's states, as the file of calls gives them (`status`).",
        examples=["{OPEN: {meaning: final, status: erp_received, label: Received by ERP}}"],
    )
    transitions: Mapping[str, tuple[str, ...]] = Field(
        default={},
        description="State → those that may follow it; every other one is a difference of the "
        "class lifecycle, and nothing is written.",
        examples=["{DRAFT: [OPEN, CANCELED]}"],
    )
    passing: Switch = Field(
        default=False,
        description="The ERP is asked now and then: a state that it has passed in between is not "
        "seen. true: a state that can be reached by allowed steps is taken, and what the states in "
        "between do is done too.",
    )

    @model_validator(mode="after")
    def _transitions_name_states(self) -> Lifecycle:
        for before, following in self.transitions.items():
            for place, name in enumerate(("", *following)):
                state = name or before
                if state not in self.states:
                    hint = closest(state, self.states) or f"; there are {', '.join(self.states)}"
                    at = ("transitions", before, *((str(place - 1),) if name else ()))
                    raise contradiction(f"there is no state {state}{hint}", *at)
        return self

    @model_validator(mode="after")
    def _one_label_per_status(self) -> Lifecycle:
        labels: dict[str, str | None] = {}
        for name, state in self.states.items():
            if state.status is None:
                continue
            if labels.setdefault(state.status, state.label) != state.label:
                raise contradiction(
                    f'status {state.status} is called "{labels[state.status]}" elsewhere; '
                    "one status has one label",
                    "states", name, "label",
                )  # fmt: skip
        return self


def read_lifecycle(path: Path) -> Lifecycle:
    """Read and check the file.  Raises ConfigurationError with every problem, file and line."""
    document = read_document(path)
    try:
        return Lifecycle.model_validate(document.data)
    except ValidationError as error:
        problems = explain(error, Lifecycle)
    raise ConfigurationError(
        "\n".join(f"{_where(document, problem)}: {problem.text}" for problem in problems),
        "correct these places, then run: erp-sidecar lifecycle check",
    )


def _where(document: Document, problem: Problem) -> str:
    """Its file and line; of what is not there, the line above it."""
    at = problem.at
    return document.where(tuple(int(key) if key.isdigit() else key for key in at))
