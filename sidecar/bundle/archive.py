"""Writing the parts into one archive that only its owner can read."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

from sidecar.model.errors import SidecarError, UsageError
from sidecar.model.printable import printable_json, printable_lines


def write(path: Path, parts: Mapping[str, str]) -> None:
    """A gzipped tar with one folder, never over an existing file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists already", "choose another --output") from None
    except OSError as error:
        raise SidecarError(
            f"{path}: cannot be written: {error.strerror}", "choose another --output"
        ) from None
    folder = path.name.removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar")
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in parts.items():
            content = _shown(name, text).encode()
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(content), int(time.time()), 0o600
            archive.addfile(member, io.BytesIO(content))


def _shown(name: str, text: str) -> str:
    """What a pager may show: its reader opens it in a terminal."""
    return printable_json(text) if ".json" in name else printable_lines(text)
