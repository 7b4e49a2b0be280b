"""Files: configuration, secrets, log, space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sidecar.app.domains import found
from sidecar.app.packages import ADAPTERS, CONTRACTS, unusable
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation, Unseen, permitted
from sidecar.model.errors import SidecarError
from sidecar.settings.origin import named_by
from sidecar.settings.secrets import references, resolve

#: Space is short when less than both is free: a twentieth of a large disk is plenty.
_FREE_SHARE = 0.05
_FREE_BYTES = 5 * 2**30
_NOTICE = timedelta(days=14)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def _configuration(examined: ExaminedInstallation) -> Iterator[Observation]:
    if error := examined.refusal("configuration"):
        yield Observation(error.message, error.remedy)


def _packages(_examined: ExaminedInstallation) -> Iterator[Observation]:
    for error in (*found().refused, *unusable(ADAPTERS), *unusable(CONTRACTS)):
        yield Observation(error.message, error.remedy)


def _secrets(examined: ExaminedInstallation) -> Iterator[Observation]:
    loaded = examined.configuration
    for key, reference in references(loaded.settings):
        try:
            with named_by(key, loaded.origin):
                resolve(reference)
        except SidecarError as error:
            yield Observation(error.message, error.remedy)


def _open_secrets(examined: ExaminedInstallation) -> Iterator[Observation]:
    for key, reference in references(examined.configuration.settings):
        try:
            warning = resolve(reference).warning
        except SidecarError:
            continue
        if warning:
            yield Observation(f"{key}: {warning}")


def _expiring(examined: ExaminedInstallation) -> Iterator[Observation]:
    today = datetime.now(UTC).date()
    for key, reference in references(examined.configuration.settings):
        if reference.expires is not None and reference.expires - today <= _NOTICE:
            days = (reference.expires - today).days
            when = f"in {days} day(s)" if days >= 0 else f"{-days} day(s) ago"
            yield Observation(f"{key}: expires on {reference.expires}, {when}")


def _shops_login(examined: ExaminedInstallation) -> Iterator[Observation]:
    if examined.configuration.settings.shop.database.magento_root is None:
        return
    if error := examined.refusal("sidecar"):
        yield Observation(error.message, error.remedy)


def _readable(examined: ExaminedInstallation) -> Iterator[Observation]:
    loaded = examined.configuration
    secrets = [ref.file for _, ref in references(loaded.settings) if ref.file is not None]
    name = examined.daemons_name
    for file in [*loaded.files, *loaded.settings.files_of_calls, *secrets]:
        if file.exists() and not permitted(file, examined.daemon, os.R_OK):
            yield Observation(
                f"{file}: the daemon's user {name} may not read it",
                f"chown {name} {file}"
                if file in secrets
                else f"chgrp {name} {file} && chmod g+r {file}",
            )


def _log(examined: ExaminedInstallation) -> Iterator[Observation]:
    file = examined.configuration.settings.logging.file
    if file is None:
        return
    name = examined.daemons_name
    if not file.parent.is_dir():
        yield Observation(
            f"logging.file: there is no folder {file.parent}",
            f"install -d -m 750 -o {name} {file.parent}",
        )
    elif not permitted(place := file if file.exists() else file.parent, examined.daemon, os.W_OK):
        yield Observation(
            f"logging.file: the daemon's user {name} may not write {place}",
            f"chown {name} {place}",
        )


def _space(examined: ExaminedInstallation) -> Iterator[Observation]:
    for what, folder in _folders(examined):
        usage = shutil.disk_usage(folder)
        if usage.free < min(_FREE_BYTES, usage.total * _FREE_SHARE):
            yield Observation(
                f"{what} {folder}: {usage.free // 2**20} MiB of {usage.total // 2**20} MiB are free"
            )


def _folders(examined: ExaminedInstallation) -> Iterator[tuple[str, Path]]:
    file = examined.configuration.settings.logging.file
    if file is not None and file.parent.is_dir():
        yield "log", file.parent
    try:
        login, variables = examined.sidecar.shop_database.login, examined.server.variables
    except Unseen:
        return
    for name in ("datadir", "tmpdir") if login.socket or login.host in _HERE else ():
        # In a container the server's folders are not ours; root only may look into them.
        folder = Path(variables.get(name, "").split(os.pathsep)[0])
        if folder.is_absolute() and folder.is_dir():
            yield f"the database's {name}", folder


CHECKS = (
    Check(
        id="configuration-invalid",
        severity="error",
        title="the configuration does not load",
        cause="A key is unknown, missing or contradicts another, or a file cannot be read.",
        symptom="`run` ends with exit code 78 (77: a file may not be read); a reload is refused.",
        remedy="`erp-sidecar config validate` names every place; correct them.",
        look=_configuration,
    ),
    Check(
        id="package-unusable",
        severity="error",
        title="a package adds something that cannot be used",
        cause="Its domain, adapter or reader of interfaces (an entry point `erp_sidecar.…`) cannot "
        "be imported, or claims a name, kind, event or trigger that another has.",
        symptom="A domain: `run` and every command that needs the domains end with exit code 78. "
        "An adapter: so does what uses it.",
        remedy="Correct or update the package, or remove it (`pip uninstall NAME`).",
        look=_packages,
    ),
    Check(
        id="secret-unreadable",
        severity="error",
        title="a secret is not where the configuration says",
        cause="The file, credential or variable is missing or empty, or others than its owner may "
        "read the file.",
        symptom="Exit code 77 or 78 at start; after a rotation the next login fails and the domain "
        "stops.",
        remedy="`chmod 600 FILE`, owned by the daemon's user; `LoadCredential=` in the unit for a "
        "credential.",
        look=_secrets,
    ),
    Check(
        id="secret-in-environment",
        severity="warning",
        title="a secret is in an environment variable",
        cause="`{env: NAME}` in the configuration.",
        symptom="Nothing fails; every process of the same user can read it.",
        remedy="Move it into a systemd credential or a file with mode 0600.",
        look=_open_secrets,
    ),
    Check(
        id="secret-expires",
        severity="warning",
        title="a secret expires soon, or has expired",
        cause="The date under `expires:`, beside the reference, is less than two weeks away.",
        symptom="From the day after, the ERP or the database refuses the login, and nothing is "
        "sent.",
        remedy="Have a new one made, write it in the old one's place, and set `expires:` to its "
        "last day.",
        look=_expiring,
    ),
    Check(
        id="env-php-unreadable",
        severity="error",
        title="Magento's login cannot be read out of app/etc/env.php",
        cause="`shop.database.magento_root` names another folder, the file is not readable, or it "
        "computes the value in PHP.",
        symptom="Exit code 77 or 78 at start.",
        remedy="Correct `magento_root`, let the daemon's group read the file "
        "(`SupplementaryGroups=`), or write the login itself.",
        look=_shops_login,
    ),
    Check(
        id="file-unreadable-for-daemon",
        severity="error",
        title="a file is readable for you and not for the daemon",
        cause="It was made by root, with root's umask.",
        symptom="Commands work for root, the unit fails with exit code 77.",
        remedy="`chgrp erp-sidecar FILE && chmod g+r FILE`; a secret: `chown erp-sidecar FILE`.",
        look=_readable,
    ),
    Check(
        id="log-not-writable",
        severity="error",
        title="the log file cannot be written",
        cause="Its folder is missing or belongs to somebody else.",
        symptom="The daemon does not start.",
        remedy="`install -d -m 750 -o erp-sidecar FOLDER`, or `logging.file: null` (the journal).",
        look=_log,
    ),
    Check(
        id="disk-low",
        severity="warning",
        title="a disk is nearly full",
        cause="Less than 5 % and less than 5 GiB are free for the log or, where the database is on "
        "this machine, for its data or its temporary files.",
        symptom="A full data disk stops the whole shop; on MySQL a trigger's error 1114 then fails "
        "checkout.",
        remedy="Make room: old binlogs (`PURGE BINARY LOGS BEFORE …`), old logs, old dumps.",
        look=_space,
    ),
)
