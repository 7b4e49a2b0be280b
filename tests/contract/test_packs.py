"""Every pack that is shipped: its files are right, and what `config generate` writes works."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sidecar.app.domains import specs
from sidecar.app.erp_adapters import check_adapters, installed, pack_named
from sidecar.app.pack_files import begin_with
from sidecar.domains.order_status.lifecycle import findings
from sidecar.model.errors import ConfigurationError, UsageError
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, Advising, Pack, Previewing, ShopContext
from sidecar.settings.generate import generate
from sidecar.settings.lifecycle import read_lifecycle
from sidecar.settings.load import load
from sidecar.testing.sample_order import placed, simple_order

PACKS = [one.name for one in installed() if one.factory.endswith(":PACK")]


@pytest.fixture(params=PACKS)
def pack(request: pytest.FixtureRequest) -> Pack:
    return pack_named(request.param)


def settings_of(pack: Pack) -> AdapterSettings:
    """What the pack's own `sidecar.yaml` comes to, with secrets that are none."""
    erp = begin_with(pack).configuration["erp"]
    return AdapterSettings(
        url="http://127.0.0.1:9",
        connect_timeout=1,
        read_timeout=1,
        shop=ShopContext("main", UTC),
        calls=pack.folder / "overlay.yaml",
        secrets={name: Secret("not known to anybody") for name in erp.get("secrets", {})},
        domains=specs(),
    )


def test_its_calls_with_the_users_beginning_are_read_without_a_word(pack: Pack) -> None:
    with closing(pack(settings_of(pack))) as adapter:
        assert isinstance(adapter, Advising)
        assert list(adapter.warnings()) == []
        assert "order.placed" in adapter.capabilities("orders").subscriptions


def test_its_lifecycle_has_no_dead_end(pack: Pack) -> None:
    assert findings(read_lifecycle(pack.folder / "lifecycle.yaml")) == []


def test_what_is_generated_of_it_is_valid(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("not known to anybody", "utf-8")
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    begun = begin_with(pack)
    text = generate(of_the_erp=begun.configuration)
    text = re.sub(r"private_key: \{credential: [^}]*\}", f"private_key: {{file: {key}}}", text)
    for name in _credentials(text):
        text = text.replace(f"{{credential: {name}}}", f"{{file: {secret}}}")
    text = text.replace("/etc/erp-sidecar/shop.password", str(secret))
    (tmp_path / "sidecar.yaml").write_text(text, "utf-8")
    for name, content in begun.beside.items():
        (tmp_path / name).write_text(content, "utf-8")

    loaded = load(tmp_path / "sidecar.yaml")

    assert check_adapters(loaded.settings, origin=loaded.origin).warnings == []


def test_an_order_can_be_shown_before_anything_is_asked(pack: Pack) -> None:
    with closing(pack(settings_of(pack))) as adapter:
        assert isinstance(adapter, Previewing)
        shown = adapter.preview(placed(simple_order()))

    assert "not known to anybody" not in repr(shown)
    assert any("000000042" in (one.body or "") for one in shown)


def test_a_mistake_in_the_users_file_is_told_with_its_line(pack: Pack, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    begun = (pack.folder / "overlay.yaml").read_text("utf-8")
    own.write_text(f"{begun}orders:\n  push:\n    anser: {{}}\n", "utf-8")

    with pytest.raises(ConfigurationError) as raised:
        pack(replace(settings_of(pack), calls=own))

    line = len(begun.splitlines()) + 3
    assert raised.value.message.startswith(f"{own}:{line}: orders.push.anser: ")
    assert "\n" not in raised.value.message


def test_a_pack_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="did you mean") as raised:
        pack_named("odo")

    assert "odoo" in (raised.value.remedy or "")


def _credentials(text: str) -> set[str]:
    parts = text.split("{credential: ")[1:]
    return {part.partition("}")[0] for part in parts}
