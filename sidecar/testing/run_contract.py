"""`python -m sidecar.testing.run_contract ADAPTER`: put an adapter to the test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import pytest

from sidecar.model.errors import UsageError
from sidecar.testing import named_adapter
from sidecar.testing.erpsim import SOAP_PORTS

_REWRITTEN = (
    "adapter_contract",
    "answers_contract",
    "contract_calls",
    "doubt_contract",
    "figures_contract",
    "questions_contract",
    "telling_contract",
    "wire_contract",
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("adapter")
@click.option(
    "--calls",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="The adapter's file of calls, where it has one.",
)
@click.option(
    "--erp",
    metavar="MODULE:FUNCTION",
    help="What starts the ERP to test against; without, the simulator sidecar.testing.erpsim.",
)
@click.option(
    "--soap",
    type=click.Choice(SOAP_PORTS),
    help="Test against this port of the simulator's WSDL instead of its REST face.",
)
@click.option("-k", "words", default="", help="Only the tests whose names have these words.")
@click.option("-x", "first", is_flag=True, help="Stop at the first failure.")
def main(
    adapter: str, calls: str | None, erp: str | None, soap: str | None, words: str, *, first: bool
) -> None:
    """Run the conformance kit over ADAPTER.

    ADAPTER is the name of an entry point in the group erp_sidecar.adapters, or its factory as
    module:function.  Each test plays one thing that an ERP or the wire to it does; what the adapter
    says it cannot do is skipped, a domain that it does not carry too.  Exits 0 when all passed, 1
    when one failed.

    \b
    Examples:
      python -m sidecar.testing.run_contract rest.generic --calls my-calls.yaml
      python -m sidecar.testing.run_contract soap.generic --calls my-soap.yaml --soap Document11
      python -m sidecar.testing.run_contract my_erp.adapter:create --erp my_erp.simulator:start
      python -m sidecar.testing.run_contract rest.generic --calls my-calls.yaml -k duplicate -x
      python -m sidecar.testing.run_contract rest.generic --calls my-calls.yaml -k refunds
    """
    try:
        named_adapter.adapter_factory(adapter)
        if erp:
            named_adapter.imported(erp)
    except UsageError as error:
        raise click.UsageError(f"{error.message}; {error.remedy}") from error
    os.environ[named_adapter.ADAPTER] = adapter
    os.environ[named_adapter.CALLS] = calls or ""
    os.environ[named_adapter.ERP] = erp or ""
    os.environ[named_adapter.SOAP] = soap or ""
    for module in _REWRITTEN:
        pytest.register_assert_rewrite(f"sidecar.testing.{module}")
    options = ["-ra", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir=/"]
    options += ["-k", words] if words else []
    options += ["-x"] if first else []
    file = str(Path(named_adapter.__file__))
    sys.exit(pytest.main([*options, "-c", os.devnull, file]))


if __name__ == "__main__":
    main()
