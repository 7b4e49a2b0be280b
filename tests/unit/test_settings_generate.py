from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sidecar.settings.generate import generate, reference
from sidecar.settings.load import Loaded, load
from sidecar.settings.show import as_json, as_text, rows

PROJECT = Path(__file__).parents[2]
REMEDY = "generate it again: python -m tests.unit.test_settings_generate"
GENERATED = {"config/sidecar.yaml": generate, "docs/configuration.md": reference}


def loaded_from(folder: Path, text: str) -> Loaded:
    path = folder / "sidecar.yaml"
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize("name", GENERATED)
def test_a_committed_file_is_what_the_models_say(name: str) -> None:
    assert (PROJECT / name).read_text() == GENERATED[name](), REMEDY


def test_the_generated_file_loads_and_says_the_defaults(tmp_path: Path) -> None:
    short = (
        "version: 1\nshop: {timezone: UTC, database: {password: {env: P}}}\n"
        "erp: {adapter: x, url: 'https://x'}\n"
    )
    generated = loaded_from(tmp_path, generate()).settings
    defaults = loaded_from(tmp_path, short).settings
    assert generated.capture == defaults.capture
    assert generated.ledger == defaults.ledger
    assert generated.domains == defaults.domains
    assert generated.logging == defaults.logging
    assert generated.accounts["main"].throttle == defaults.accounts["main"].throttle


def test_with_a_magento_root_no_login_is_written(tmp_path: Path) -> None:
    database = loaded_from(tmp_path, generate(Path("/srv/my shop"))).settings.shop.database
    assert database.magento_root == Path("/srv/my shop")
    assert database.password is None


def section_of(text: str, line: str) -> str:
    """The table of the first level that the line stands in."""
    (section,) = [one for one in re.split(r"\n(?=[a-z])", text) if line in one.splitlines()]
    return section


def test_every_commented_example_is_valid_too(tmp_path: Path) -> None:
    text = generate()
    for line in text.splitlines():
        key = line.strip().removeprefix("# ")
        if line.strip().startswith("# ") and key.split(":")[0].isidentifier() and ": {" in key:
            name = key.split(":")[0]
            section = section_of(text, line)
            plain = text.replace(
                section,
                "\n".join(
                    other
                    for other in section.splitlines()
                    if not other.strip().startswith(f"{name}: ")
                ),
            )
            if name == "erps":  # the other form of the same
                plain = plain.replace(section_of(text, "erp:"), "")
            loaded_from(tmp_path, plain.replace(line, line.replace("# ", "", 1)))


def test_each_value_is_shown_with_its_line_or_as_a_default(tmp_path: Path) -> None:
    loaded = loaded_from(
        tmp_path,
        "version: 1\nshop:\n  timezone: UTC\n  database: {password: {credential: shop}}\n"
        "erp:\n  adapter: x\n  url: https://x\n",
    )
    text = as_text(loaded)
    file = tmp_path / "sidecar.yaml"
    shown = {row.key: row for row in rows(loaded)}
    assert shown["shop.timezone"] == ("shop.timezone", "UTC", f"{file}:3")
    assert shown["shop.database.password.credential"].value == "shop"
    assert "shop.database.password.file" not in shown
    assert shown["erp.auth"].value == "none"
    assert shown["erp.throttle.requests"] == ("erp.throttle.requests", "120/min", "default")
    assert f"# {file}:3\n" in text
    assert "domains.orders.compare.total = 0.01 " in text
    values = json.loads(json.dumps(as_json(loaded)))
    assert values["values"]["domains.orders.compare.total"] == {
        "value": "0.01",
        "origin": "default",
    }
    assert values["files"] == [str(file)]


if __name__ == "__main__":
    for committed, make in GENERATED.items():
        (PROJECT / committed).write_text(make())
