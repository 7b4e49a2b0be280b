from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.magento.composer_lock import release
from sidecar.magento.env_php import read_env_php
from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.model.secret import Secret

TYPICAL = """<?php
return [
    'backend' => ['frontName' => 'admin_1x'],
    'crypt' => ['key' => 'abc'],  // a comment with ' in it
    'db' => [
        'table_prefix' => 'm2_',
        'connection' => [
            'default' => [
                'host' => 'db.example.com',
                'dbname' => 'magento',
                'username' => 'shop',
                'password' => 'hun\\'ter\\\\2',
                'driver_options' => [1014 => false, \\PDO::MYSQL_ATTR_INIT_COMMAND => 'SET NAMES'],
                'engine' => 'innodb',
                'initStatements' => 'SET NAMES utf8;',
                'active' => '1',
            ]
        ]
    ],
    'resource' => ['default_setup' => ['connection' => 'default']],
    'MAGE_MODE' => getenv('MODE') ?: 'production',
    'numbers' => [-1, 2.5, 0x1F, true, null, ],
];
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app" / "etc").mkdir(parents=True)
    return tmp_path


def write(root: Path, text: str) -> Path:
    file = root / "app" / "etc" / "env.php"
    file.write_text(text, "utf-8")
    return file


def with_connection(entries: str) -> str:
    return f"<?php\nreturn ['db' => ['connection' => ['default' => [\n{entries}\n]]]];\n"


def test_a_typical_file_is_read(root: Path) -> None:
    file = write(root, TYPICAL)
    login = read_env_php(root)
    assert (login.file, login.host, login.port, login.socket) == (
        file,
        "db.example.com",
        3306,
        None,
    )
    assert (login.name, login.user, login.table_prefix) == ("magento", "shop", "m2_")
    assert login.password == Secret("hun'ter\\2")
    assert "ter" not in repr(login.password)


def test_the_old_array_notation_and_code_before_the_return_are_read(root: Path) -> None:
    write(
        root,
        "<?php\ndeclare(strict_types=1);\n# return 1;\n$f = function () { return ['db' => 1]; };\n"
        "return array('db' => array('connection' => array('default' => array(\n"
        "'dbname' => \"m\", 'username' => 'u', 'password' => null))), ) ;\n?>\n",
    )
    login = read_env_php(root)
    assert (login.host, login.name, login.password) == ("localhost", "m", Secret(""))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", ("localhost", 3306, None)),
        ("localhost:3307", ("localhost", 3307, None)),
        ("10.0.0.5:3310", ("10.0.0.5", 3310, None)),
        ("/run/mysqld/mysqld.sock", ("localhost", 3306, Path("/run/mysqld/mysqld.sock"))),
    ],
)
def test_a_host_is_read_as_magento_reads_it(
    root: Path, host: str, expected: tuple[str, int, Path | None]
) -> None:
    write(root, with_connection(f"'host' => '{host}', 'dbname' => 'm', 'username' => 'u'"))
    login = read_env_php(root)
    assert (login.host, login.port, login.socket) == expected


@pytest.mark.parametrize(
    ("entries", "line", "said"),
    [
        ("'dbname' => 'm',\n'username' => getenv('U')", 4, "username is computed by PHP"),
        ("'dbname' => 'm',\n'username' => 'a' . 'b'", 4, "username is computed by PHP"),
        ("'dbname' => \"m$x\", 'username' => 'u'", 3, "dbname is computed by PHP"),
        ("'dbname' => 'm'", 2, "username is missing"),
        ("'dbname' => [], 'username' => 'u'", 3, "dbname is an array"),
        ("'dbname' => 'm', 'username' => 'u',\n'host' => 'h:port'", 4, "has a port that is no"),
    ],
)
def test_a_value_that_cannot_be_had_is_named_with_its_line(
    root: Path, entries: str, line: int, said: str
) -> None:
    file = write(root, with_connection(entries))
    with pytest.raises(ConfigurationError) as raised:
        read_env_php(root)
    assert raised.value.message.startswith(f"{file}:{line}: db.connection.default.")
    assert said in raised.value.message
    assert "shop.database" in raised.value.remedy


LOGIN = "'host' => 'db', 'dbname' => 'm', 'username' => 'u'"
SALES = "'host' => 'db', 'dbname' => 'm_sales', 'username' => 'u'"


def with_db(db: str, beside: str = "") -> str:
    return f"<?php\nreturn ['db' => [\n{db}\n],\n{beside}];\n"


@pytest.mark.parametrize(
    ("db", "beside", "named"),
    [
        (f"'connection' => ['default' => [{LOGIN}], 'sales' => [{SALES}]]", "", "sales"),
        (f"'connection' => ['default' => [{LOGIN}], 'checkout' => [{SALES}]]", "", "checkout"),
        (
            f"'connection' => ['default' => [{LOGIN}], 'orders' => [{SALES}]]",
            "'resource' => ['sales' => ['connection' => 'orders']]",
            "orders",
        ),
        (
            f"'connection' => ['default' => [{LOGIN}], 'sales' => ['host' => 'db2'] + $x]",
            "",
            "sales is computed",
        ),
    ],
)
def test_a_database_of_its_own_for_orders_is_refused(
    root: Path, db: str, beside: str, named: str
) -> None:
    write(root, with_db(db, beside))
    with pytest.raises(ConfigurationError, match=f"env.php:3: db.connection.{named}"):
        read_env_php(root)


def test_a_second_connection_to_the_same_database_or_of_another_module_is_no_matter(
    root: Path,
) -> None:
    write(
        root,
        with_db(
            f"'connection' => ['default' => [{LOGIN}], 'indexer' => [{LOGIN}], "
            f"'sales' => [{LOGIN}], 'wordpress' => [{SALES}]], 'slave_connection' => []",
            "'resource' => ['default_setup' => ['connection' => 'default'], "
            "'sales' => ['connection' => 'default']]",
        ),
    )
    assert read_env_php(root).name == "m"


@pytest.mark.parametrize(
    "entry",
    [
        "'port' => '3307'",
        "'unix_socket' => '/run/db.sock'",
        "'ssl_ca' => '/ca.pem'",
        "'active' => '0'",
        "'driver_options' => [PDO::MYSQL_ATTR_SSL_CA => '/ca.pem']",
        "'driver_options' => [1009 => '/ca.pem']",
        "'driver_options' => [1014 => true]",
        "'driver_options' => options()",
        "'somebody' => 'knows'",
    ],
)
def test_a_key_of_the_connection_that_is_not_understood_is_refused_by_its_line(
    root: Path, entry: str
) -> None:
    file = write(root, with_connection(f"{LOGIN},\n{entry}"))
    with pytest.raises(ConfigurationError) as raised:
        read_env_php(root)
    assert raised.value.message.startswith(f"{file}:4: db.connection.default.")
    assert "shop.database" in raised.value.remedy


@pytest.mark.parametrize("key", ["slave_connection", "something"])
def test_a_part_of_the_db_section_that_is_not_understood_is_refused(root: Path, key: str) -> None:
    write(
        root, with_db(f"'connection' => ['default' => [{LOGIN}]],\n'{key}' => ['x' => [{SALES}]]")
    )
    with pytest.raises(ConfigurationError, match=f"env.php:4: db.{key}"):
        read_env_php(root)


def test_another_main_connection_is_refused(root: Path) -> None:
    write(
        root,
        with_db(
            f"'connection' => ['default' => [{LOGIN}], 'shop' => [{SALES}]]",
            "'resource' => ['default_setup' => ['connection' => 'shop']]",
        ),
    )
    with pytest.raises(ConfigurationError, match=r"default_setup\.connection is 'shop'"):
        read_env_php(root)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "returns nothing"),
        ("<?php\n$x = 1;\n", 3, "returns nothing"),
        ("<?php\nreturn array_merge([1], [2]);", 2, "does not return a written-out array"),
        ("<?php\nreturn ['a' => 'b", 2, "opens a quote that is never closed"),
        ("<?php\nreturn ['a' => 'b'", 2, "is no array"),
        ("<?php\nreturn ['a' => foo(1;", 2, "opens a bracket that is never closed"),
        ("<?php\nreturn [\n'a' => ];", 3, "has no value where one is due"),
        ("<?php\nreturn " + "[" * 200, 2, "nests arrays deeper than 100 levels"),
        ("<?php\nreturn ['a' => <<<X\nX];", 2, "has a heredoc"),
    ],
)
def test_a_file_that_is_not_understood_is_named_with_its_line(
    root: Path, text: str, line: int, said: str
) -> None:
    file = write(root, text)
    with pytest.raises(ConfigurationError) as raised:
        read_env_php(root)
    assert raised.value.message.startswith(f"{file}:{line}: {said}")


def test_a_folder_without_magento_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as raised:
        read_env_php(tmp_path)
    assert "magento_root" in raised.value.remedy


def test_what_is_no_regular_file_keeps_nobody_waiting(root: Path) -> None:
    file = write(root, TYPICAL)
    file.unlink()
    os.mkfifo(file)
    os.mkfifo(root / "composer.lock")

    with pytest.raises(ConfigurationError, match="no regular file"):
        read_env_php(root)
    assert release(root) is None


@pytest.mark.parametrize("text", ["", "null", "[]", '{"packages": 1}', "[" * 100_000, "\xff"])
def test_a_lock_file_that_cannot_be_read_names_no_release(tmp_path: Path, text: str) -> None:
    (tmp_path / "composer.lock").write_text(text, "latin-1")

    assert release(tmp_path) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_a_matter_of_permission(root: Path) -> None:
    write(root, TYPICAL).chmod(0o000)
    with pytest.raises(PermissionDenied, match="may not be read"):
        read_env_php(root)


def single_quoted(text: str) -> str:
    """As PHP's var_export writes it, which is what Magento uses."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def double_quoted(text: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\\": "\\\\", '"': '\\"', "$": "\\$", "\x1b": "\\e"}
    return (
        '"' + "".join(named.get(c, c if c.isalnum() else f"\\u{{{ord(c):x}}}") for c in text) + '"'
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_password_survives_either_quoting(root: Path, password: str) -> None:
    for quoted in (single_quoted(password), double_quoted(password)):
        entries = f"'dbname' => 'm', 'username' => 'u', 'password' => {quoted}"
        file = root / "app" / "etc" / "env.php"
        file.write_bytes(with_connection(entries).encode())
        assert read_env_php(root).password == Secret(password)


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        (r'"\x41\102\u{e4}\xc3\xa4"', "ABää"),
        (r'"\q\$x\\"', "\\q$x\\"),
        (r"'\n\$'", r"\n\$"),
        ("'$notavariable'", "$notavariable"),
        ('"100$"', "100$"),
    ],
)
def test_escapes_mean_what_they_mean_in_php(root: Path, quoted: str, text: str) -> None:
    write(root, with_connection(f"'dbname' => {quoted}, 'username' => 'u'"))
    assert read_env_php(root).name == text
