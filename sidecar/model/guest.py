"""Guests: people who order without an account, and what the ERP is to book their orders to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

#: The kind of person that a guest's order names where no customer is made of him: nothing waits for
#: it and nothing is sent of it, but his orders are found by it when he is to be erased.
GUEST = "guest"
#: Ids from here on are guests': Magento's own customer ids have 32 bits.
GUESTS_FROM = 1 << 62


@dataclass(frozen=True, slots=True)
class Guests:
    """The policy (`domains.customers.guests`); `account`: the one that all guests share."""

    policy: Literal["one_time", "catch_all", "create", "never"] = "never"
    account: str | None = None

    def account_of(self, increment_id: str) -> str | None:
        """The ERP's account for a guest's order; None where the policy names none."""
        match self.policy:
            case "one_time":
                return f"GU{increment_id}"
            case "catch_all":
                return self.account
            case _:
                return None


def guest_id(email: str, website_code: str) -> int:
    """The id of a guest: of an e-mail address within a website, whatever its case.

    Reckoned from the address, so that nothing need be looked up to know a guest again; 62 bits, so
    that two people share one only once in a shop of thousands of millions.
    """
    name = f"{email.strip().casefold()}\0{website_code}".encode()
    digest = hashlib.blake2b(name, digest_size=8, person=b"erp-sidecar guest"[:16]).digest()
    return GUESTS_FROM | (int.from_bytes(digest, "big") >> 2)
