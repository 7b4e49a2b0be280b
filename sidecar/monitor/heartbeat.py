"""The dead man's switch: an address that is asked for as long as this daemon works.

Whoever is asked (healthchecks.io, Uptime Kuma, Cronitor, a script) raises the alarm when it is not
asked any more; that covers what no file and no log can tell: the machine is gone, the daemon hangs.
A daemon that stands by does not ask: the one that works does.  That the address cannot be reached
is told, and disturbs nothing.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from sidecar.host.liveness import Liveness
from sidecar.model.errors import SidecarError
from sidecar.ports import Narrator
from sidecar.settings.fields import SecretRef
from sidecar.settings.secrets import resolve

_TIMEOUT_SECONDS = 10.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The address is a secret: it is not taken elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Heartbeat:
    """Asks for the address that `url` names, while the liveness says that all is well."""

    def __init__(self, url: SecretRef, liveness: Liveness, narrator: Narrator) -> None:
        self._url = url
        self._liveness = liveness
        self._narrator = narrator
        self._opener = urllib.request.build_opener(
            _NoRedirect(), urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )
        self._failing = False

    def beat(self) -> None:
        """Ask once, unless something is amiss; never raises for what the other side does."""
        if not self._liveness.works:
            return
        obstacle = self._ask()
        if obstacle and not self._failing:
            self._narrator.tell(
                "heartbeat.failed",
                message=obstacle,
                remedy="look at what heartbeat.url names, and at the way out of this machine",
            )
        if not obstacle and self._failing:
            self._narrator.tell("heartbeat.recovered")
        self._failing = bool(obstacle)

    def _ask(self) -> str:
        """What went wrong, without the address; empty when nothing did."""
        try:
            address = resolve(self._url).secret.reveal()
            if urlsplit(address).scheme not in ("http", "https"):
                return "the address does not begin with https://"
            with self._opener.open(address, timeout=_TIMEOUT_SECONDS):
                return ""
        except SidecarError as error:
            return error.message
        except urllib.error.HTTPError as error:
            error.close()
            return f"HTTP {error.code}"
        except urllib.error.URLError as error:
            return f"not reached ({type(error.reason).__name__})"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"not reached ({type(error).__name__})"
