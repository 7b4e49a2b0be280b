"""What every command owes its reader."""

from __future__ import annotations

import click
import pytest

from sidecar.cli.manual import commands_of, help_of, leaves
from sidecar.cli.root import cli

LEAVES = {" ".join(path): command for path, command in leaves(cli)}
#: What prints something that is itself made for a program, or nothing at all.
WITHOUT_JSON = {"run", "config generate", "events schema", "completion"}


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_shows_examples_that_call_it(name: str) -> None:
    title, _, examples = help_of(LEAVES[name]).partition("\b\nExample")
    assert title, f"{name}: says nothing"
    assert f"erp-sidecar {name}" in examples.replace(" --config /etc/erp-sidecar/sidecar.yaml", "")


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_explains_each_of_its_options(name: str) -> None:
    options = [one for one in LEAVES[name].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - WITHOUT_JSON))
def test_a_command_that_prints_can_print_json(name: str) -> None:
    assert "--json" in [option for one in LEAVES[name].params for option in one.opts]


def test_every_group_says_what_it_is_for() -> None:
    groups = [one for one in commands_of(cli).values() if isinstance(one, click.Group)]
    assert [one.name for one in groups if not one.help] == []
