"""Magento's own REST API (`shop.api`): whether it answers, what we may do, which shop it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation, Unseen, listed
from sidecar.magento.base_urls import base_urls
from sidecar.magento.composer_lock import numbers, release
from sidecar.magento.rest.errors import MagentoUnknown, NotAuthorised
from sidecar.magento.rest.survey import Survey
from sidecar.model.errors import NotReached, SidecarError
from sidecar.model.identity import bare_url

_MAINTENANCE = 503
#: Magento refuses a signature whose time is ten minutes ahead.
_SKEW = timedelta(minutes=1)
#: The releases whose answers the client's rules were held against.
_TRIED_SINCE, _TRIED_UNTIL = (2, 4, 7), (2, 4, 9)
_INVENTORY = "Magento_InventoryApi"


def _failure(examined: ExaminedInstallation) -> SidecarError | None:
    """Why the API cannot be looked at; None where it can, or where there is none."""
    seen = examined.api
    return seen if isinstance(seen, SidecarError) else None


def _survey(examined: ExaminedInstallation) -> Survey | None:
    """What was seen of it; None where there is none."""
    seen = examined.api
    if isinstance(seen, SidecarError):
        raise Unseen(seen.message)
    return seen


def _is_maintenance(error: SidecarError) -> bool:
    return isinstance(error, MagentoUnknown) and error.status == _MAINTENANCE


def _gave_no_answer(error: SidecarError) -> bool:
    return isinstance(error, NotReached) or (
        isinstance(error, MagentoUnknown) and error.status is None
    )


def _reachable(examined: ExaminedInstallation) -> Iterator[Observation]:
    error = _failure(examined)
    if error is not None and _gave_no_answer(error):
        yield Observation(error.message, error.remedy)


def _maintenance(examined: ExaminedInstallation) -> Iterator[Observation]:
    error = _failure(examined)
    if error is not None and _is_maintenance(error):
        yield Observation(error.message)


def _login(examined: ExaminedInstallation) -> Iterator[Observation]:
    seen = examined.api
    if isinstance(seen, NotAuthorised):
        yield Observation(seen.message)
    elif isinstance(seen, Survey) and seen.nothing_is_granted:
        yield Observation("every call is answered 401, as for a login that is not known")


def _answers(examined: ExaminedInstallation) -> Iterator[Observation]:
    error = _failure(examined)
    if error is None or isinstance(error, NotAuthorised):
        return
    if not _gave_no_answer(error) and not _is_maintenance(error):
        yield Observation(error.message, error.remedy)


def _rights(examined: ExaminedInstallation) -> Iterator[Observation]:
    seen = _survey(examined)
    if seen is None or seen.nothing_is_granted:
        return
    for right, purpose in seen.missing.items():
        yield Observation(f"{right} is missing: {purpose}")


def _wrong_shop(examined: ExaminedInstallation) -> Iterator[Observation]:
    seen = _survey(examined)
    if seen is None:
        return
    if seen.stores is None:
        raise Unseen("Magento_Backend::store is missing: the API does not say which shop it is")
    told = {
        address
        for store in seen.stores
        for url in (store.base_url, store.secure_base_url)
        if (address := bare_url(url))
    }
    with examined.database.transaction("looking at the shop's addresses") as connection:
        kept = base_urls(connection, examined.magento)
    if told and kept and not told & kept:
        yield Observation(
            f"the API answers for {listed(sorted(told))}, the database is that of "
            f"{listed(sorted(kept))}"
        )


def _skew(examined: ExaminedInstallation) -> Iterator[Observation]:
    seen = _survey(examined)
    if seen is None or seen.ahead is None or abs(seen.ahead) <= _SKEW:
        return
    side = "ahead of" if seen.ahead > timedelta() else "behind"
    yield Observation(
        f"the shop's clock is {abs(seen.ahead).total_seconds():.0f} s {side} this machine's"
    )


def _inventory(examined: ExaminedInstallation) -> Iterator[Observation]:
    seen = _survey(examined)
    if seen is None:
        return
    if seen.modules is None:
        raise Unseen("the API does not tell its modules to this login")
    if _INVENTORY not in seen.modules:
        yield Observation(f"the module {_INVENTORY} is not enabled")


def _release(examined: ExaminedInstallation) -> Iterator[Observation]:
    settings = examined.configuration.settings
    root: Path | None = settings.shop.database.magento_root or examined.magento_root
    found = release(root) if root is not None and settings.shop.api is not None else None
    if found is not None and not _TRIED_SINCE <= numbers(found[1]) < _TRIED_UNTIL:
        yield Observation(f"{found[0]} is {found[1]}")


CHECKS = (
    Check(
        id="api-unreachable",
        severity="error",
        title="the shop's REST API does not answer",
        cause="The web server is down, `shop.api.url` is wrong, a firewall or a certificate is in "
        "the way.",
        symptom="What goes through Magento's business logic (shipments, invoices, credit memos, "
        "prices) waits.",
        remedy="`curl -v ADDRESS/rest/V1/modules` from this machine; a certificate of your own is "
        "named by `shop.api.tls.ca_file`.",
        look=_reachable,
    ),
    Check(
        id="api-maintenance",
        severity="warning",
        title="the shop is in maintenance mode, or overloaded (503)",
        cause="A deploy is under way, was not ended, or PHP has no worker left.",
        symptom="Every call is unknown; each is asked about before it is made again.",
        remedy="`bin/magento maintenance:status`, `bin/magento maintenance:disable`",
        look=_maintenance,
    ),
    Check(
        id="api-login-refused",
        severity="error",
        title="Magento refuses the login of `shop.api`",
        cause="The integration was deactivated or its tokens were renewed; the admin's account is "
        "locked, has another password or two-factor authentication; `token` is written and "
        "`oauth/consumer/enable_integration_as_bearer` is off; the clocks differ by more than ten "
        "minutes.",
        symptom="HTTP 401 on every call.",
        remedy="System > Integrations: activate it, copy its four values anew "
        "([how](magento-api.md)).",
        look=_login,
    ),
    Check(
        id="api-answer-unfit",
        severity="error",
        title="what answers at `shop.api.url` is not Magento's REST API, or it fails",
        cause="The address is that of something else (a redirection, a sign-in page, another "
        "path), the store code is unknown, or Magento has a fault.",
        symptom="HTTP 404, 500, a page of HTML.",
        remedy="Correct `shop.api.url` and `shop.api.store`; look into Magento's `var/log`.",
        look=_answers,
    ),
    Check(
        id="api-right-missing",
        severity="warning",
        title="the login of `shop.api` lacks a right",
        cause="The integration, or the role of the admin's account, was not given this resource.",
        symptom="HTTP 401 on the calls that need it; the domain that makes them stops.",
        remedy="System > Integrations > API: give it the resource, save, and reauthorise "
        "([which are needed](magento-api.md)).",
        look=_rights,
    ),
    Check(
        id="api-wrong-shop",
        severity="error",
        title="the API is that of another shop than the database",
        cause="One of `shop.api.url` and `shop.database` was copied from another system (live and "
        "test, say).",
        symptom="Documents, stock and prices are written into the wrong shop.",
        remedy="Correct `shop.api.url` or `shop.database`. Where Magento's app/etc/env.php sets "
        "the base URLs, set them in the database too.",
        look=_wrong_shop,
    ),
    Check(
        id="api-clock-skew",
        severity="warning",
        title="the web server's clock and this machine's differ",
        cause="One of them does not keep time.",
        symptom="From ten minutes on Magento refuses the signatures of an integration.",
        remedy="`timedatectl set-ntp true` on both machines; look with `timedatectl`.",
        look=_skew,
    ),
    Check(
        id="api-without-inventory",
        severity="info",
        title="the shop has no Multi Source Inventory",
        cause="Its modules were disabled.",
        symptom="Stock by source cannot be written through the API.",
        remedy="None, where stock does not go through the sidecar.",
        look=_inventory,
    ),
    Check(
        id="api-release-untried",
        severity="info",
        title="the shop's release is none whose REST API was tried",
        cause="The client's rules were recorded on Magento 2.4.7 and read in 2.4.8.",
        symptom="An answer may be judged otherwise than it is meant; what is not understood is "
        "asked about, never sent again.",
        remedy="Try shipments, invoices and refunds on a test system first.",
        look=_release,
    ),
)
