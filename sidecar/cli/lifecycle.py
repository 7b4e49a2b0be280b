"""`erp-sidecar lifecycle`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, emit_json
from sidecar.domains.order_status.lifecycle import findings
from sidecar.model.duration import format_duration
from sidecar.model.errors import UsageError
from sidecar.settings.lifecycle import Lifecycle, State, read_lifecycle


@click.group()
def lifecycle() -> None:
    """What an ERP's order states mean in Magento, and which may follow which."""


@lifecycle.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def check(context: Context, *, file: Path | None, as_json: bool) -> int:
    """Read the lifecycle file, draw it, and find dead ends and what nothing leads to.

    Without FILE the one that the configuration names.  Exits 2 with findings, 78 for a file that
    cannot be used.

    \b
    Example:
      erp-sidecar lifecycle check lifecycle.yaml
    """
    read = read_lifecycle(file or _configured(context))
    found = findings(read)
    if as_json:
        emit_json({"lifecycle": read.model_dump(mode="json"), "findings": found})
    else:
        for line in drawn(read):
            echo(line)
        for finding in found:
            echo(f"{finding.id}: {finding.text}")
        if not found:
            echo("no dead end, and every state can be reached")
    return 2 if found else 0


def _configured(context: Context) -> Path:
    path = context.loaded.settings.domains.order_status.lifecycle
    if path is None:
        raise UsageError(
            "the configuration names no lifecycle file",
            "name one: erp-sidecar lifecycle check FILE; or domains.order_status.lifecycle",
        )
    return path


def drawn(lifecycle: Lifecycle) -> list[str]:
    """Each state with what follows it and what it does; where there is no way back, it says so."""
    width = max(map(len, lifecycle.states), default=0)
    lines = []
    for name, state in lifecycle.states.items():
        following = lifecycle.transitions.get(name, ())
        arrows = ", ".join(_arrow(lifecycle, name, one) for one in following) or "end"
        lines.append(f"{name:<{width}}  → {arrows}")
        lines.append(f"{'':<{width}}    {'; '.join(_acts(state))}")
    return lines


def _arrow(lifecycle: Lifecycle, before: str, after: str) -> str:
    comes_back = before in lifecycle.transitions.get(after, ())
    return f"{after} (and back)" if comes_back else after


def _acts(state: State) -> list[str]:
    acts = [state.meaning]
    if state.status:
        acts.append(f'status {state.status} "{state.label}"')
    acts += [act for act in state.do if act != "comment"]
    if state.comment:
        acts.append("comment")
    if state.alarm:
        acts.append("alarm")
    if state.alarm_after:
        acts.append(f"alarm after {format_duration(state.alarm_after)}")
    return acts
