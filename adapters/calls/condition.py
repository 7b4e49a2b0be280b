"""A question about one event, outside the file of calls: the `when` of an exception."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.calls.names import names_of_event
from adapters.language.expression import Expression, InvalidExpression, compile_expression
from adapters.language.filters import ExpressionError, truth
from adapters.language.rounds import ROUNDS, Rounds
from adapters.language.scope import Scope, Values
from adapters.language.shape import shape_of
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.ports import Delivery, ShopContext


@dataclass(frozen=True, slots=True)
class Condition:
    """`values`: what expressions know of a delivery."""

    ask: Expression
    values: Callable[[Delivery], Values]

    def __call__(self, delivery: Delivery) -> bool:
        """Whether it is true of this event.  Raises ExpressionError where that cannot be said."""
        try:
            answer = self.ask({**self.values(delivery), ROUNDS: Rounds()})
            return truth(answer, self.ask.source)
        except ExpressionError as error:
            raise ExpressionError(f"'{self.ask.source}' cannot be told: {error.message}") from error


def read_condition(
    when: str,
    domain: str,
    domains: Sequence[DomainSpec],
    values: Callable[[Delivery], Values],
) -> Condition:
    """Read an expression over the payload that opens the domain's documents.

    Raises ConfigurationError with everything that is wrong with it.
    """
    spec = next(one for one in domains if one.name == domain)
    payload = shape_of(spec.event(spec.opening or spec.types[0]).payload)
    names = names_of_event(spec, payload, domains)
    scope = Scope({"shop": shape_of(ShopContext), **names})
    try:
        ask = compile_expression(when.removeprefix("="), scope, question=True)
    except InvalidExpression as error:
        raise ConfigurationError(
            "; ".join(error.problems), "correct the expression (docs/mapping.md)"
        ) from error
    return Condition(ask, values)
