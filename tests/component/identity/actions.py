"""Actions that the tests of identity share."""

import datetime as dt
from typing import TypeVar

import msgspec

from services.access.caller import Caller
from services.chassis.auth.tokens import Claims, Verifier
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import OrganisationStated
from services.contracts.identity.operations import Identity
from services.contracts.identity.partners import ClientToken, CreatePartner, PartnerCreated
from services.contracts.identity.people import Register, Registered
from services.contracts.identity.sessions import SignedIn
from services.contracts.permission import SubjectKind
from services.contracts.stats import InvoiceStated
from services.contracts.values import Conflict, Outcome, Refusal
from services.identity.store.transaction import IdentityTransaction
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[IdentityTransaction, Identity]
O = TypeVar("O", bound=Outcome)  # noqa: E741

MIRJA = "62-0000001-00"
KELTA = "62-0000002-00"
INVOICE = "1962859"
PASSWORD = "neljä märkää rukkasta"
CUSTOMERS = f"""customer_number,name,kind,business_id
{MIRJA},AS OY MIRJA,HOUSING_COMPANY,1234567-8
{KELTA},Ärjylä Kelta,HOUSEHOLD,
"""

REGISTRATION = Register(
    customer_number=MIRJA,
    invoice_number=INVOICE,
    username="mirja@example.com",
    email="mirja@example.com",
    password=PASSWORD,
    terms_version="2026-01",
)


def anonymous(address: str = "192.0.2.1") -> Caller:
    """Return the anonymous caller of an address, as the gateway states it."""
    return Caller(address=address, from_gateway=True)


def service(name: str = "support") -> Caller:
    """Return one of Kierto's services as the caller."""
    return Caller(subject_id=f"service:{name}", kind=SubjectKind.SERVICE, service=name)


def expect(kind: type[O], answer: Outcome) -> O:
    """Assert that an answer is of this type, and return it."""
    assert isinstance(answer, kind), answer
    return answer


def codes(answer: Outcome) -> list[tuple[str, str]]:
    """Return the codes of a refusal or a conflict, each with its path."""
    assert isinstance(answer, Refusal | Conflict)
    return [(problem.code, ".".join(problem.path)) for problem in answer.problems]


async def customers(harness: Harness) -> dict[str, str]:
    """Import two customers, the first with an invoice of last month and of this; return their ids by number."""
    await harness.import_file("organisations", CUSTOMERS)
    await harness.receive(invoice("1870011", dt.date(2026, 2, 1)), invoice(INVOICE, dt.date(2026, 3, 1)))
    return {
        stated.customer_number: stated.organisation_id for stated in await harness.emitted_events(OrganisationStated)
    }


def invoice(
    number: str, date: dt.date, customer_number: str = MIRJA, version: int = 1, invoice_id: str = ""
) -> InvoiceStated:
    """Return the event of an invoice."""
    return InvoiceStated(
        invoice_id=invoice_id or write_id("invoice", new_uuid()),
        organisation_id=write_id("org", new_uuid()),
        customer_number=customer_number,
        invoice_number=number,
        invoice_date=date,
        version=version,
    )


async def register(harness: Harness, address: str = "192.0.2.1", **different: str | None) -> Outcome:
    """Register Mirja, with ``different`` values."""
    return await harness.api(anonymous(address)).register(msgspec.structs.replace(REGISTRATION, **different))


async def registered(harness: Harness, **different: str) -> str:
    """Register with success and return the user's id."""
    return expect(Registered, await register(harness, **different)).user_id


async def sign_in(
    harness: Harness,
    username: str = "mirja@example.com",
    password: str = PASSWORD,
    *,
    device: str = "",
    address: str = "192.0.2.1",
) -> Outcome:
    """Sign in."""
    return await harness.api(anonymous(address)).sign_in(username, password, device)


async def signed_in(
    harness: Harness, username: str = "mirja@example.com", *, device: str = "", address: str = "192.0.2.1"
) -> SignedIn:
    """Sign in with success."""
    return expect(SignedIn, await sign_in(harness, username, device=device, address=address))


async def claims(harness: Harness, token: str) -> Claims:
    """Return the claims of a token, verified with the published keys as every service does."""

    async def published() -> str:
        return (await harness.api(anonymous()).public_keys()).jwks

    return await Verifier(published, harness.clock).verify(token)


async def caller_of(harness: Harness, token: str) -> Caller:
    """Return the caller of a token."""
    token_claims = await claims(harness, token)
    return Caller(
        subject_id=token_claims.sub,
        kind=SubjectKind(token_claims.kind),
        session_id=token_claims.sid,
        scopes=frozenset(token_claims.scope.split()),
    )


async def staff(harness: Harness) -> Caller:
    """Return a staff user as the caller."""
    return await harness.caller(kind=SubjectKind.STAFF)


def partner_command(**different: object) -> CreatePartner:
    """Return the command of a partner that reads orders, with ``different`` values."""
    command = CreatePartner(idempotency_key="one", name="Routes Oy", scopes=["orders:read", "pickups:report"])
    return msgspec.structs.replace(command, **different)


async def partner(harness: Harness, **different: object) -> PartnerCreated:
    """Create a partner with success."""
    api = harness.api(await staff(harness))
    return expect(PartnerCreated, await api.create_partner(partner_command(**different)))


async def token_for(
    harness: Harness, client_id: str, secret: str | None, scope: str = "", subject: str = "", address: str = "192.0.2.1"
) -> Outcome:
    """Request a client's token."""
    return await harness.api(anonymous(address)).client_token(client_id, secret or "", scope, subject)


async def client_claims(
    harness: Harness, client_id: str, secret: str | None, scope: str = "", subject: str = ""
) -> Claims:
    """Return the claims of a client's token."""
    answer = expect(ClientToken, await token_for(harness, client_id, secret, scope, subject))
    return await claims(harness, answer.access_token)
