"""Fetching secrets from where the configuration says they are, at the moment they are used.

They are never kept in Settings, so neither `config show` nor a crash report can hold one, and a
rotated password is picked up with the next login (the ERP's when the former one is refused:
`sidecar.app.renewing`).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sidecar.documents import open_regular
from sidecar.model.errors import ConfigurationError, PermissionDenied, SidecarError
from sidecar.model.secret import Secret, is_printable
from sidecar.settings.fields import SecretRef, Section
from sidecar.settings.origin import NOWHERE, Origin, named_by

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
# Where systemd keeps the running unit's credentials: root's commands beside the daemon find them.
UNIT_CREDENTIALS = Path("/run/credentials/erp-sidecar.service")


#: Bytes of a secret.
#: A key in PEM, as `openssl` writes it.
_KEY = re.compile(
    r"-----BEGIN ([A-Z ]{3,40})-----\r?\n(?:[A-Za-z0-9+/=]{1,80}\r?\n)+-----END \1-----"
)
_LONGEST = 64 * 1024


class Resolved(NamedTuple):
    """A secret, and what the operator should be warned of ("" for nothing)."""

    secret: Secret
    warning: str = ""


def resolve(ref: SecretRef, environ: Mapping[str, str] = os.environ) -> Resolved:
    """The secret a reference names; one trailing newline is taken off.

    Raises ConfigurationError (missing, empty, no text) or PermissionDenied (unreadable, or
    readable by others than its owner).
    """
    if ref.credential is not None:
        return Resolved(_credential(ref.credential, environ))
    if ref.env is not None:
        return _variable(ref.env, environ)
    if ref.file is not None:
        return Resolved(_file(ref.file))
    raise ConfigurationError("a secret names neither a credential nor a file nor a variable")


def with_secrets(
    section: Section,
    environ: Mapping[str, str] = os.environ,
    *,
    at: str = "",
    origin: Origin = NOWHERE,
) -> tuple[dict[str, Any], list[str]]:
    """A section as plain nested dicts with every reference replaced by its Secret, and warnings.

    `at` is the section's key, which an error names with its line.

    Keys that are not set are left out: `erp.auth` gives `{"basic": {"user": …, "password":
    Secret}}`, and `{}` for none.
    """
    values: dict[str, Any] = {}
    warnings: list[str] = []
    for key in type(section).model_fields:
        value = getattr(section, key)
        inner_key = f"{at}.{key}" if at else key
        if isinstance(value, SecretRef):
            with named_by(inner_key, origin):
                value, warning = resolve(value, environ)
            warnings += [warning] if warning else []
        elif isinstance(value, Section):
            value, inner = with_secrets(value, environ, at=inner_key, origin=origin)
            warnings += inner
        if value is not None:
            values[key] = value
    return values, warnings


def unresolved(
    section: Section, environ: Mapping[str, str] = os.environ, origin: Origin = NOWHERE
) -> list[SidecarError]:
    """Why secrets below a section cannot be had, each with its key and line; empty where all can.

    A credential of systemd is passed by while there is none at all: only the running unit has them.
    """
    has_credentials = _is_there(Path(environ.get(CREDENTIALS_VARIABLE) or UNIT_CREDENTIALS))
    problems: list[SidecarError] = []
    for key, reference in references(section):
        if reference.credential is not None and not has_credentials:
            continue
        try:
            with named_by(key, origin):
                resolve(reference, environ)
        except SidecarError as wrong:
            problems.append(wrong)
    return problems


def references(section: Section, at: str = "") -> Iterator[tuple[str, SecretRef]]:
    """Every reference below a section that is set, with its key: `erp.auth.basic.password`."""
    for key in type(section).model_fields:
        yield from _references(getattr(section, key), f"{at}.{key}" if at else key)


def _references(value: object, at: str) -> Iterator[tuple[str, SecretRef]]:
    if isinstance(value, SecretRef):
        yield at, value
    elif isinstance(value, Section):
        yield from references(value, at)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _references(one, f"{at}.{name}")


def _credential(name: str, environ: Mapping[str, str]) -> Secret:
    folder = Path(environ.get(CREDENTIALS_VARIABLE) or UNIT_CREDENTIALS)
    try:
        # systemd guards this folder itself, and gives its files modes of its own.
        return _read(folder / name, private=False)
    except FileNotFoundError:
        # The folder is there only while the unit runs.
        first = "" if _is_there(folder) else "start the unit, or "
        raise ConfigurationError(
            f"there is no credential {name} in {folder}",
            f"{first}add LoadCredential={name}:/path/to/file to the unit (systemctl edit "
            "erp-sidecar) and restart it",
        ) from None


def _is_there(credentials: Path) -> bool:
    """Whether there are credentials of systemd that this process may see.

    The unit's ExecReload is told of none, and may not look into the folder of the unit's own
    (tests/systemd: test_a_reload_takes_up_a_good_file_and_refuses_a_bad_one).
    """
    try:
        return credentials.is_dir()
    except PermissionError:
        return False


def _variable(name: str, environ: Mapping[str, str]) -> Resolved:
    value = environ.get(name, "")
    if not value:
        raise ConfigurationError(
            f"the environment variable {name} is not set or empty",
            "set it, or better: keep the secret in a systemd credential or a 0600 file",
        )
    _refuse_unprintable(f"the environment variable {name}", value)
    return Resolved(
        Secret(value),
        f"the secret in the environment variable {name} is open to this user's other processes; "
        "a systemd credential or a 0600 file keeps it better",
    )


def _file(path: Path) -> Secret:
    try:
        return _read(path, private=True)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: there is no such file, and a secret should be in it",
            f"install -m 600 -o erp-sidecar /dev/null {path}, and write the secret into it",
        ) from None


def _read(path: Path, *, private: bool) -> Secret:
    """The file's text; FileNotFoundError is the caller's to explain."""
    try:
        with open_regular(path) as file:
            # Asked of the open file: a path may point elsewhere between a look and a read.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if private and mode & 0o077:
                raise PermissionDenied(
                    f"{path}: holds a secret and has mode {mode:04o}; others than its owner may "
                    "use it",
                    f"chmod 600 {path}, and change the secret if others have had access",
                )
            content = file.read(_LONGEST + 1)
    except PermissionError:
        raise PermissionDenied(
            f"{path}: holds a secret that this user may not read",
            f"chown erp-sidecar {path}; chmod 600 {path}",
        ) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise ConfigurationError(f"{path}: is too long for a secret", "name the right file")
    return Secret(_text(path, content))


def _text(path: Path, content: bytes) -> str:
    try:
        # An editor ends the file with a newline that is no part of the password.
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: holds a secret that is not UTF-8") from None
    if not text:
        raise ConfigurationError(f"{path}: is empty", "write the secret into it")
    _refuse_unprintable(str(path), text)
    return text


def _refuse_unprintable(place: str, text: str) -> None:
    """A line feed in a secret ends the header that it is put into, and begins another.

    A private key is written on many lines, and nothing but letters of its own stands in them.
    """
    if not is_printable(text) and not _KEY.fullmatch(text):
        raise ConfigurationError(
            f"{place}: holds a secret with a control character in it (a line feed, a tab …)",
            "write the secret on one line, with nothing behind it",
        )
