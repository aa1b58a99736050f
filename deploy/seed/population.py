"""The seeded customers: organisations, how many sites each has, and where those lie among all others.

- The small customer: 10 sites, however many there are in all.
- The managed organisations, up to 300 of one site each, which one user serves together.
- The chain: up to 2,000 sites, of which one user reaches 200 at most.
- Everyone else: organisations of 10 sites.
"""

import datetime as dt
import functools
import math
import uuid

import msgspec

from deploy.seed.ids import seeded_id
from services.contracts.identity.organisations import OrganisationKind
from services.identity.domain.organisation import OrganisationFacts, OrganisationRecord

FOUNDED = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
"""Since when the first customer is one; each later one, and each site, came a minute after the one before."""
_MINUTE = dt.timedelta(minutes=1)

SMALL_SITES = 10
_SMALL, _FIRST_MANAGED = 0, 1
_KINDS = tuple(OrganisationKind)


class Population(msgspec.Struct, frozen=True):
    """All that follows from the number of sites."""

    sites: int

    @property
    def managed(self) -> int:
        """How many organisations the manager serves: each has one site."""
        return min(300, self.sites * 3 // 10)

    @property
    def chain_sites(self) -> int:
        return min(2_000, self.sites * 2 // 5)

    @property
    def limited_sites(self) -> int:
        """How many of the chain's sites the limited user reaches."""
        return min(200, self.chain_sites // 2)

    @property
    def chain(self) -> int:
        """The number of the organisation that is the chain."""
        return _FIRST_MANAGED + self.managed

    @property
    def organisations(self) -> int:
        return self.chain + 1 + math.ceil(self._others / SMALL_SITES)

    @property
    def _others(self) -> int:
        """Sites of everyone else."""
        return self.sites - SMALL_SITES - self.managed - self.chain_sites

    @property
    def managed_organisations(self) -> range:
        return range(_FIRST_MANAGED, self.chain)

    @property
    def chain_site_numbers(self) -> range:
        first = SMALL_SITES + self.managed
        return range(first, first + self.chain_sites)

    def owner(self, site: int) -> int:
        """Return the number of the organisation that has a site. An organisation's sites are numbered in a row."""
        past_small = site - SMALL_SITES
        if past_small < 0:
            return _SMALL
        if past_small < self.managed:
            return _FIRST_MANAGED + past_small
        past_chain = past_small - self.managed - self.chain_sites
        return self.chain if past_chain < 0 else self.chain + 1 + past_chain // SMALL_SITES

    def place(self, site: int) -> int:
        """Return where a site stands among all: an organisation's are scattered over everything."""
        return site * _stride(self.sites) % self.sites

    def site_at(self, place: int) -> int:
        """Return the site that stands at a place."""
        return place * pow(_stride(self.sites), -1, self.sites) % self.sites


@functools.cache
def _stride(count: int) -> int:
    """Return a step, about the golden ratio's part of ``count``, with which every place is come to once."""
    stride = round(count * (math.sqrt(5) - 1) / 2)
    while math.gcd(stride, count) != 1:
        stride += 1
    return stride


def organisation_id(number: int) -> uuid.UUID:
    """Return the id of an organisation."""
    return seeded_id("organisation", number, FOUNDED + number * _MINUTE)


def customer_number(number: int) -> str:
    """Return the customer number of an organisation; no other than a seeded one begins with 71."""
    return f"71-{number:07}-00"


def organisation(number: int) -> OrganisationRecord:
    """Return an organisation."""
    facts = OrganisationFacts(
        customer_number=customer_number(number), name=f"Asiakas {number} Oy", kind=_KINDS[number % len(_KINDS)]
    )
    return OrganisationRecord(id=organisation_id(number), version=1, facts=facts)


def site_id(place: int) -> uuid.UUID:
    """Return the id of the site that stands at a place."""
    return seeded_id("site", place, FOUNDED + place * _MINUTE)


def user_id(organisation_number: int) -> uuid.UUID:
    """Return the id of the admin of an organisation."""
    return seeded_id("user", organisation_number, FOUNDED + organisation_number * _MINUTE)
