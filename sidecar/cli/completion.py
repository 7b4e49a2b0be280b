"""`erp-sidecar completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sidecar.cli.outlet import echo_lines


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print what lets a shell complete commands and options.

    \b
    Examples:
      erp-sidecar completion bash > /etc/bash_completion.d/erp-sidecar
      erp-sidecar completion zsh > /usr/local/share/zsh/site-functions/_erp-sidecar
      erp-sidecar completion fish > /etc/fish/completions/erp-sidecar.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows these three
    script = kind(context.find_root().command, {}, "erp-sidecar", "_ERP_SIDECAR_COMPLETE")
    # Not source(): for bash it runs the bash of this machine, to look at its version.
    echo_lines(script.source_template % script.source_vars())
