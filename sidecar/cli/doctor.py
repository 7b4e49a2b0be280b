"""`erp-sidecar doctor`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.install import installer_options
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.doctor.catalogue import SECTIONS, named
from sidecar.doctor.examination import Report, examine
from sidecar.doctor.examined import ExaminedInstallation
from sidecar.doctor.pages import page
from sidecar.model.secret import Secret
from sidecar.settings.fields import SecretRef
from sidecar.settings.secrets import resolve

#: The daemon's user on this machine (systemd/erp-sidecar.sysusers).
SERVICE_USER = "erp-sidecar"


@click.group(invoke_without_command=True)
@installer_options
@click.option("--only", multiple=True, metavar="ID", help="Make this check alone (repeatable).")
@as_json
@click.pass_context
def doctor(
    click_context: click.Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    only: tuple[str, ...],
    as_json: bool,
) -> int:
    """Look for what is wrong, and say how to fix it.  Changes nothing.

    Works as far as it can when a part is missing.  Exits 2 when it finds an error or a warning.
    An account that sees other sessions and other accounts (--user) sees more.

    \b
    Examples:
      erp-sidecar doctor
      erp-sidecar doctor --user root --password-file /root/.db-password
      erp-sidecar doctor --only setup-upgrade-fails --json
      erp-sidecar doctor explain definer-gone
    """
    if click_context.invoked_subcommand is not None:
        return 0
    context: Context = click_context.obj
    password = resolve(SecretRef(file=password_file)).secret if password_file else Secret("")
    examined = ExaminedInstallation(
        lambda: context.loaded,
        service_user=SERVICE_USER,
        user=user,
        password=password,
        magento_root=magento_root,
        socket=socket,
    )
    with closing(examined):
        report = examine(examined, only)
    if as_json:
        emit_json(report)
    else:
        _print(report)
    return 2 if report.needs_somebody else 0


@doctor.command()
@click.argument("id_", metavar="[ID]", required=False)
@as_json
def explain(*, id_: str | None, as_json: bool) -> None:
    """Tell what a finding means: cause, symptom, remedy.  Without ID: list them all.

    \b
    Example:
      erp-sidecar doctor explain definer-gone
    """
    checks = [named(id_)] if id_ else [check for section in SECTIONS.values() for check in section]
    if as_json:
        told = ("id", "severity", "title", "cause", "symptom", "remedy")
        emit_json([{name: getattr(check, name) for name in told} for check in checks])
    elif id_:
        echo_lines(page(checks[0]))
    else:
        for check in checks:
            echo(f"{check.id:<30} {check.severity:<8} {check.title}")


def _print(report: Report) -> None:
    for finding in report.findings:
        echo_lines(f"{finding.severity:<8} {finding.id}: {finding.found}")
        echo(f"  cause: {finding.cause}")
        echo(f"  remedy: {finding.remedy}")
    unseen: dict[str, list[str]] = {}
    for one in report.unseen:
        unseen.setdefault(one.why, []).append(one.id)
    for why, ids in unseen.items():
        echo(f"not seen {', '.join(ids)}")
        echo_lines(f"  {why}")
    echo(
        f"{report.checks} check(s), {len(report.findings)} finding(s), "
        f"{len(report.unseen)} not seen"
    )
