"""`… diff` of a domain of levels: what a run of the ERP's word would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sidecar.cli.context import Context, table
from sidecar.cli.outlet import echo, emit_json
from sidecar.magento.applier import Plan, Refusal
from sidecar.operate.levels import all_told

Shown = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LevelDiff:
    """Of one domain; `cells` makes the `columns` of the table of one that would change."""

    domain: str
    columns: tuple[str, ...]
    cells: Callable[[Shown], Sequence[str]]

    def show(self, context: Context, skus: Sequence[str], most: int, *, as_json: bool) -> int:
        """Ask the ERP for everything, of `skus` where some are named; the exit code."""
        with context.sidecar() as sidecar:
            applier = sidecar.inbound.level_applier_of(self.domain)
            rows = all_told(sidecar.erps.adapter_of(self.domain), self.domain)
            some = (row for row in rows if not skus or getattr(row, "sku", None) in skus)
            plan = applier.plan(some, whole=not skus)
            shown = applier.shown(plan, most)
        if as_json:
            emit_json(_document(plan, shown, most))
        else:
            self._print(plan, shown, most)
        return 2 if plan.changes or plan.refused else 0

    def _print(self, plan: Plan, shown: Sequence[Shown], most: int) -> None:
        if shown:
            table([list(self.cells(row)) for row in shown], self.columns)
            _rest(len(plan.changes) - len(shown), "change(s)")
        if refused := plan.refused[:most]:
            table([_refused(one) for one in refused], ("refused", "why", "magento", "erp"))
            _rest(len(plan.refused) - len(refused), "refused row(s)")
        echo(
            f"{len(plan.changes)} of {plan.known} level(s) would change, {plan.to_zero} of them to "
            f"0; {plan.equal} equal, {len(plan.refused)} refused"
        )
        if plan.held is not None:
            echo(f"! {plan.held}")


def _document(plan: Plan, shown: Sequence[Shown], most: int) -> dict[str, object]:
    return {
        "known": plan.known,
        "equal": plan.equal,
        "changed": len(plan.changes),
        "to_zero": plan.to_zero,
        "held": plan.held,
        "changes": shown,
        "refused": len(plan.refused),
        "refusals": plan.refused[:most],
    }


def _rest(count: int, what: str) -> None:
    if count > 0:
        echo(f"… {count} more {what}")


def _refused(refused: Refusal) -> tuple[str, ...]:
    return refused.number, refused.reason, refused.ours or "-", refused.theirs or "-"
