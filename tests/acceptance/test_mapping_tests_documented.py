"""The example of docs/mapping-tests.md plays as it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.acceptance.test_adapter_test import alone, edit
from tests.acceptance.test_json_schemas import closed, schema

TEXT = (Path(__file__).parents[2] / "docs" / "mapping-tests.md").read_text("utf-8")


def files(folder: Path) -> None:
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", TEXT, re.DOTALL)
    assert [name for name, _ in blocks] == ["shop.yaml", "shop.tests.yaml"]
    for name, text in blocks:
        (folder / name).write_text(text, encoding="utf-8")


def test_the_example_plays(tmp_path: Path) -> None:
    files(tmp_path)

    done = alone(tmp_path, "--calls", "shop.yaml")

    assert (done.stdout, done.returncode) == (
        "customer 7: ok\ncustomer 7 is refused: ok\n2 case(s), 0 differ(s)\n",
        0,
    ), done.stderr


def test_a_predicate_that_is_changed_shows(tmp_path: Path) -> None:
    files(tmp_path)
    edit(
        tmp_path, "shop.yaml", ("rejected: =response.status == 422", "retry: =response.status > 1")
    )

    done = alone(tmp_path, "--calls", "shop.yaml", "customer 7 is refused")

    assert done.returncode == 2
    told = json.loads(alone(tmp_path, "--calls", "shop.yaml", "--json").stdout)
    Draft202012Validator(closed(schema("adapter-test"))).validate(told)
    assert [one["ok"] for one in told["cases"]] == [True, False]
    assert '- comes_to.outcome: "rejected"\n    + comes_to.outcome: "retry"' in done.stdout
