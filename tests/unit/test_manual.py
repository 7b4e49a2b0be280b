"""The manual's pages are what the command tree and the models say, and formatters take them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from sidecar.cli.manual import pages
from sidecar.cli.root import cli
from sidecar.settings import manual

FOLDER = Path(__file__).parents[2] / "docs" / "man"
REMEDY = "write them anew: make man"


def made() -> dict[str, str]:
    return {**pages(cli), manual.NAME: manual.page()}


def test_the_committed_pages_are_what_the_commands_and_the_models_say() -> None:
    committed = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir()}
    assert committed.keys() == made().keys(), REMEDY
    assert committed == made(), REMEDY


@pytest.mark.parametrize("name", sorted(made()))
def test_a_formatter_takes_a_page_without_a_warning(name: str) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_reads_as_the_help_does() -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-P-cbou", str(FOLDER / "erp-sidecar-queue.1")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in (
        "erp-sidecar queue edit [OPTIONS] NUMBER|EVENT_ID",
        "erp-sidecar queue requeue --status parked --dry-run",
        "--set /shipping_address/city=Köln",
        "--reason TEXT",
    ):
        assert line in " ".join(shown.split()), shown


def test_a_group_that_does_something_itself_has_its_call_and_options_too() -> None:
    @click.group()
    def program() -> None:
        """Try."""

    @program.group(invoke_without_command=True)
    @click.option("--only", help="This alone.")
    def look() -> None:
        """Look for what is wrong."""

    @look.command()
    def explain() -> None:
        """Tell more."""

    page = pages(program)["erp-sidecar-look.1"]
    assert "erp\\-sidecar look [OPTIONS] " in page
    assert "erp\\-sidecar look explain [OPTIONS]" in page
    assert page.count("Look for what is wrong.") == 1
    assert "This alone." in page


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for stale in FOLDER.iterdir():
        stale.unlink()
    for page_name, text in made().items():
        (FOLDER / page_name).write_text(text, encoding="utf-8")
