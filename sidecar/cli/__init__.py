"""The command line, `erp-sidecar NOUN VERB`: no logic, commands print what the app returns."""

from __future__ import annotations

import sys

from sidecar.process import hold_signals


def main() -> None:
    """Entry point of the console script; every way out has its fixed exit code."""
    hold_signals()
    # Only now: what these import takes most of a second, in which a signal may come.
    import click

    from sidecar.cli.root import cli
    from sidecar.domain.errors import SidecarError, UsageError

    try:
        result = cli(standalone_mode=False)
    except SidecarError as error:
        click.echo(f"erp-sidecar: {error.message}", err=True)
        if error.remedy:
            click.echo(f"  remedy: {error.remedy}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(UsageError.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(UsageError.exit_code)
    except click.Abort:
        click.echo("aborted: nothing more was changed", err=True)
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)
