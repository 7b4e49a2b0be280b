"""The root command with what all commands share."""

from __future__ import annotations

from importlib.metadata import version

import click

from sidecar.app.domains import specs
from sidecar.cli import (
    adapter,
    audit,
    bundle,
    check,
    completion,
    config,
    demo,
    differences,
    doctor,
    domain,
    events,
    grants,
    identity,
    incoming,
    install,
    lifecycle,
    migrate,
    nagios,
    prices,
    queue,
    rejections,
    run,
    show,
    status,
    stock,
    top,
    triggers,
)
from sidecar.cli.context import Context
from sidecar.host.process import release_signals


class Commands(click.Group):
    """The commands, and behind them a noun for each domain, which a command's name hides.

    The nouns are made when one is asked for or all are listed, and not before: the package that
    brings a domain may be broken, and everything else has to work.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, sorted."""
        return sorted({*super().list_commands(ctx), *show.nouns()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Raises ConfigurationError where a domain cannot be had, whose noun this may be."""
        found = super().get_command(ctx, cmd_name) or show.nouns().get(cmd_name)
        if found is None and not ctx.resilient_parsing:  # which is how a shell completes
            specs()
        return found


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(version("magento-erp-sidecar"), prog_name="erp-sidecar")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=str),
    metavar="FILE",
    help="Configuration file; else $ERP_SIDECAR_CONFIG, else /etc/erp-sidecar/sidecar.yaml.",
)
@click.pass_context
def cli(context: click.Context, config_file: str | None) -> None:
    """Carry Magento 2 orders to the ERP and the ERP's answers back, with proof.

    \b
    First steps:
      erp-sidecar demo                       see it work, nothing is touched
      erp-sidecar config generate            write a configuration to fill in
      erp-sidecar install --dry-run          see what would be put into the database
      erp-sidecar install
      erp-sidecar doctor                     what is wrong, and how to fix it
      erp-sidecar run                        (systemd does this)
      erp-sidecar status
      erp-sidecar top                        watch it
      erp-sidecar order show 000000042       one order's whole story

    Exit codes: 0 ok, 1 failure, 2 findings, 64 usage, 65 bad data, 69 database or ERP unavailable,
    75 try again, 77 permission, 78 configuration.
    """
    context.obj = Context(config_file)
    if context.invoked_subcommand != run.run.name:  # which first says what becomes of them
        release_signals()


for command in (
    adapter.adapter,
    audit.audit,
    bundle.bundle,
    completion.completion,
    check.check,
    config.config,
    demo.demo,
    differences.differences,
    doctor.doctor,
    domain.domain,
    events.events,
    identity.identity,
    grants.grants,
    incoming.incoming,
    lifecycle.lifecycle,
    install.install,
    install.uninstall,
    migrate.migrate,
    nagios.nagios,
    queue.queue,
    rejections.rejections,
    run.run,
    show.show,
    status.status,
    stock.stock,
    prices.prices,
    top.top,
    triggers.triggers,
):
    cli.add_command(command)
