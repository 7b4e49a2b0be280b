from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.documents import Scalar, read_document, write_scalar
from sidecar.model.errors import ConfigurationError

scalars = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.integers(min_value=-(10**20), max_value=10**20),
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    ),
    st.booleans(),
    st.none(),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.yaml"


def test_scalars_follow_yaml_1_2_and_numbers_are_never_floats(file: Path) -> None:
    file.write_text(
        "country: no\nswitch: on\nday: 2024-01-01\ncount: 1_000\ntime: 12:30:00\n"
        "tolerance: 0.01\nhalf: .5\nthousand: 1e3\nten: 10\ntruth: true\nnothing:\nversion: 1.2.3\n"
        "expression: =order.created_at | date('%Y-%m-%d', shop.timezone)\nquoted: '007'\n"
    )
    assert read_document(file).data == {
        "country": "no",
        "switch": "on",
        "day": "2024-01-01",
        "count": "1_000",
        "time": "12:30:00",
        "tolerance": Decimal("0.01"),
        "half": Decimal("0.5"),
        "thousand": Decimal(1000),
        "ten": 10,
        "truth": True,
        "nothing": None,
        "version": "1.2.3",
        "expression": "=order.created_at | date('%Y-%m-%d', shop.timezone)",
        "quoted": "007",
    }
    assert str(read_document(file).data["tolerance"]) == "0.01"


def test_keys_are_text_as_written(file: Path) -> None:
    file.write_text("no: a\n10: b\n0010: c\n$each: item in order.items\n$do: {sku: =item.sku}\n")
    assert list(read_document(file).data) == ["no", "10", "0010", "$each", "$do"]


def test_every_value_knows_its_line(file: Path) -> None:
    file.write_text("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n\nd: {e: 3}\n")
    document = read_document(file)
    assert document.line(("a",)) == 1
    assert document.line(("a", "c", 1, "y")) == 5
    assert document.where(("d", "e")) == f"{file}:7"


def test_an_absent_key_has_the_line_of_its_nearest_parent(file: Path) -> None:
    file.write_text("\na:\n  b: 1\n")
    assert read_document(file).where(("a", "missing", "deeper")) == f"{file}:2"


def test_an_empty_file_is_an_empty_table(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert read_document(file).data == {}


def test_an_alias_repeats_its_anchor(file: Path) -> None:
    file.write_text("a: &x {k: 1}\nb: *x\n")
    document = read_document(file)
    assert document.data == {"a": {"k": 1}, "b": {"k": 1}}
    assert document.line(("b",)) == 2


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'has the key "a" a second time (first: line 1)'),
        ("a: {b: 1, b: 2}", 1, 'has the key "b" a second time'),
        ("a:\n\tb: 1", 2, "has a tab"),
        ("a: b: c", 1, "has a second ': '"),
        ("a: [1,\n2", 2, "has a { or [ of line 1 that is not closed"),
        ("a: {b: 1\nc: 2", 2, "has a { or [ of line 1 that is not closed"),
        ("a:\n  b: 1\n c: 2", 3, "is indented by 1 and line 2 by 2: the keys of one table"),
        ("a:\n   b: 1\n\n  # x\n  c: 2", 5, "is indented by 2 and line 2 by 3"),
        ("a:\n  b: 1\n    c: 2", 3, "is indented by 4 and line 2 by 2"),
        ("a:\n  b 1\n  c: 2", 2, "has no ':' after its key"),
        ("a\n# x\nb: 1", 1, "has no ':' after its key"),
        ("a:\n  b:1\n  c: 2", 2, "has no space after the ':' of its key"),
        ("a:\n  b: 1\n  - c", 3, "has a list item among the keys of the table that begins in"),
        ('a: "b\nc: 2', 1, "has a quote that is not closed"),
        ('a: "\\m"', 1, "has a backslash in double quotes"),
        ("a: 0012", 1, "has a number with a leading zero"),
        ("a: 0x1F", 1, "has a number with a leading zero"),
        ("a: .inf", 1, "is no finite number"),
        ("a: " + "9" * 50, 1, "is too long for a number"),
        ("- a", 1, "is no table"),
        ("a: 1\n---\nb: 2", 2, "begins a second document"),
        ("a: 1\n<<: {b: 2}", 2, "has a merge key"),
        ("a: &x [*x]", 1, "is an alias for a value that contains it"),
        ("a: " + "[" * 60 + "]" * 60, 1, "is nested deeper than 50 levels"),
        ("? [a]\n: b", 1, "has a key that is no plain text"),
        ("a: 1\nb: \x07", 2, "has a character that YAML does not allow"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(file: Path, text: str, line: int, what: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        read_document(file)
    assert raised.value.message.startswith(f"{file}:{line}: {what}")


@pytest.mark.parametrize(
    "value", ["*hunter2", "!hunter2", "@hunter2", "%hunter2", "{hunter2", "`hunter2"]
)
def test_an_unquoted_password_is_refused_without_being_repeated(file: Path, value: str) -> None:
    file.write_text(f"a: 1\npassword: {value}\n")
    with pytest.raises(ConfigurationError) as raised:
        read_document(file)
    assert "hunter2" not in str(raised.value)
    assert raised.value.message.startswith(f"{file}:")


def test_aliases_may_not_blow_a_file_up(file: Path) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    file.write_text("\n".join(["l0: &l0 [x]", *levels]))
    with pytest.raises(ConfigurationError, match="grows to more than 50,000 values"):
        read_document(file)


def test_aliases_may_not_nest_a_file_deeper_than_it_may_be_written(file: Path) -> None:
    file.write_text("\n".join(["l0: &l0 [x]", *(f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 80))]))
    with pytest.raises(ConfigurationError, match="nested deeper than 50 levels"):
        read_document(file)


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: \xfc\n")
    with pytest.raises(ConfigurationError, match=f"{file}:2: is not UTF-8"):
        read_document(file)


def test_a_missing_file_and_a_folder_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read_document(tmp_path / "absent.yaml")
    with pytest.raises(ConfigurationError, match="is no regular file"):
        read_document(tmp_path)


@given(scalars)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_a_written_scalar_is_read_back_as_it_was(file: Path, value: Scalar) -> None:
    file.write_text(f"key: {write_scalar(value)}\nlist: [{write_scalar(value)}]\n", "utf-8")
    read = read_document(file).data
    assert read == {"key": value, "list": [value]}
    assert type(read["key"]) is type(value) or isinstance(value, Decimal)
