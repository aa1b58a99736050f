"""Personal data stays in the columns that are declared for it.

A code is planted in every sensitive column by the operations of people, partners and files, some of which fail. No
column that is declared plain, no event in the log or in Kafka, no kept answer and no line of a log has one.
"""

import asyncio
import io
import json
import logging as standard_logging
import random
import string
import sys
from collections.abc import Iterator, Sequence

import msgspec
import pytest
import structlog
from starlette.requests import Request

from services.access.caller import Caller
from services.chassis.audit.chain import chain_audit
from services.chassis.audit.entry import AuditEntry, PersonalFields
from services.chassis.http.client.origin import Origin
from services.chassis.ids import read_id, write_id
from services.chassis.jobs.job import JobHandler, JobRun
from services.chassis.mail import MailOwner, MailSender, SendMail
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.server import routes
from services.chassis.runtime.settings import SocketAddress
from services.chassis.telemetry import logging
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.accounts import AccountChanged, ChangeEmail, RecoveryRequested
from services.contracts.identity.invitations import InvitedMember, InviteMembers, MembersInvited
from services.contracts.identity.members import MemberAccess
from services.contracts.identity.people import Contact
from services.contracts.identity.sessions import SignedIn
from services.contracts.orders.reports import PickupsReported, ReportKind
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.operations import Support
from services.contracts.support.tickets import (
    Channel,
    ContactFormReceived,
    ContactLogged,
    ContactPreference,
    LogContact,
    PublicFormReceived,
    SendPublicForm,
)
from services.contracts.ticket_requests import Topic
from services.contracts.values import Refusal
from services.support.messaging.jobs import messages_job
from tests.component.identity import actions
from tests.component.identity.mailbox import verify
from tests.component.orders.scenario import AGREEMENTS, ARTICLES, HOLIDAYS, ROUTES, RULES, report
from tests.component.personal_data.declarations import columns, sensitive_columns
from tests.component.support.forms import form
from tests.component.support.message_sources import FakeOwners, set_last_restore
from tests.integration.chassis.events.publish.published_records import read_topic
from tests.integration.copies.services_fixture import SERVICES, ServicesFixture
from tests.support.http_server import serve_routes
from tests.support.job_runner import running_jobs
from tests.support.owner import execute_as_owner
from tests.support.polling import until
from tests.support.servers import Servers

NOT_PLANTED = {
    ("sites", "postal_code"): "five digits, which other texts have, too",
    ("users", "password_hash"): "a digest",
    ("chassis.mail", "subject"): "names the ticket by its number",
    ("chassis.import_rows", "reason"): "earlier builds wrote it",
    ("chassis.files", "name"): "staff name the files of imports by their kinds",
}
SITE_HEADER = (
    "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to,"
    "contact_name,contact_phone,contact_email\n"
)
INVOICES = f"""\
invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency
{actions.INVOICE},{actions.MIRJA},2026-03-01,2026-03-31,2026/3,1000,255,EUR
"""


class Codes:
    """Texts that occur nowhere by chance."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def word(self) -> str:
        """Return a new code of small letters, which sorting and searching leave as they are."""
        return self._add("".join(random.choices(string.ascii_lowercase, k=14)))

    def number(self) -> str:
        """Return a new code of digits."""
        return self._add("".join(random.choices("123456789", k=15)))

    def within(self, text: str) -> list[str]:
        """Return the codes that a text has."""
        return [code for code in self.all if code in text.lower()]

    def _add(self, code: str) -> str:
        self.all.append(code)
        return code


class IdentityContacts:
    """The recipients of receipts, read from identity. The first call fails with an error that quotes the address."""

    def __init__(self, identity: actions.Harness, quoted: str) -> None:
        self._identity = identity
        self._quoted: str | None = quoted

    async def contact_of(self, user_id: str) -> Contact | None:
        if self._quoted is not None:
            quoted, self._quoted = self._quoted, None
            raise ValueError(f"no mail to {quoted}")
        (contact,) = await self._identity.api(actions.service()).contacts([user_id])
        return contact


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """The log of this process, configured as that of a service, with the lines of level DEBUG."""
    written = io.BytesIO()
    root = standard_logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: standard_logging.getLogger(name).level for name in logging._LIBRARY_LEVELS}
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", io.TextIOWrapper(written, "utf-8", write_through=True))
        for attribute in ("name", "lines"):
            patched.setattr(logging._ProcessLog, attribute, getattr(logging._ProcessLog, attribute))
        logging.configure("test", "DEBUG")
        yield written
        logging.flush()
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level
    for name, library_level in levels.items():
        standard_logging.getLogger(name).setLevel(library_level)


async def test_personal_data_is_in_its_columns_and_nowhere_else(
    stopped_services: ServicesFixture, server_addresses: Servers, log: io.BytesIO
) -> None:
    services, codes = stopped_services, Codes()
    async with services.run():
        await plant(services, codes, log)
        await until(lambda: everything_is_published(services))
    logging.flush()

    planted = set[tuple[str, str]]()
    for blueprint in SERVICES:
        pool, sensitive = services.harnesses[blueprint.name].pool, sensitive_columns(blueprint)
        for table, column in await columns(pool):
            values = [row[column] for row in await pool.fetch(f"SELECT {column} FROM {table}")]
            if codes.within(readable(values)):
                assert (table, column) in sensitive, f"{blueprint.name}: {table}.{column} has personal data"
                planted.add((table, column))
    expected = {column for blueprint in SERVICES for column in sensitive_columns(blueprint)}
    assert planted == expected - NOT_PLANTED.keys(), "an operation of this test writes personal data to each column"

    for blueprint in SERVICES:
        for record in await read_topic(services.topic(blueprint.name), server_addresses.kafka):
            assert codes.within(readable([record.key, record.value, record.headers])) == [], record.topic
    logged = log.getvalue().decode()
    assert {"unexpected", "import failed", "job failed", "mail rejected"} <= {
        json.loads(line)["event"] for line in logged.splitlines()
    }
    assert codes.within(logged) == []


async def plant(services: ServicesFixture, codes: Codes, log: io.BytesIO) -> None:
    """Write a code to every sensitive column by operations as they happen, and let some of them fail."""
    await plant_in_sites_and_orders(services, codes)
    user_id = await register(services, codes)
    await add_audit_entry(services.harnesses["identity"], codes, user_id)
    await invite(services.harnesses["identity"], codes, user_id)
    await send_forms(services, codes, user_id)
    support = services.harnesses["support"]
    recipients = IdentityContacts(services.harnesses["identity"], codes.word())
    mails = MailSender(
        support.pool, SocketAddress("127.0.0.1", 1), "Kierto <kierto@example.fi>", support.clock, MailOwner()
    )
    await set_last_restore(support.pool, None)
    sources = msgspec.structs.replace(FakeOwners().sources, recipients=recipients)
    handlers = messages_job(support.work, sources), JobHandler(SendMail, mails.send)
    async with running_jobs(support.pool, *handlers):
        await until(lambda: asyncio.sleep(0, b"mail rejected" in log.getvalue()))


async def invite(identity: actions.Harness, codes: Codes, user_id: str) -> None:
    """Invite someone to the organisation of its admin."""
    (organisation_id,) = [
        row["organisation_id"]
        for row in await identity.pool.fetch(
            "SELECT organisation_id FROM memberships WHERE user_id = $1", read_id("user", user_id)
        )
    ]
    command = InviteMembers(
        idempotency_key="1",
        organisation_id=write_id("org", organisation_id),
        members=[InvitedMember(email=f"{codes.word()}@example.fi", access=MemberAccess(role=Role.VIEWER))],
    )
    caller = Caller(subject_id=user_id, kind=SubjectKind.USER)
    actions.expect(MembersInvited, await identity.api(caller).invite_members(command))


async def plant_in_sites_and_orders(services: ServicesFixture, codes: Codes) -> None:
    identity, sites, orders = (services.harnesses[name] for name in ("identity", "sites", "orders"))
    organisation = f"{actions.MIRJA},{codes.word()},HOUSEHOLD,{codes.word()}\n"
    bad_organisation = f"{actions.KELTA},{codes.word()},NONE,{codes.word()}\n"
    _, bad = await identity.import_file(
        "organisations", "customer_number,name,kind,business_id\n" + organisation + bad_organisation
    )
    assert [row.field for row in bad] == ["kind"]
    await until(lambda: sites.pool.fetchval("SELECT count(*) > 0 FROM organisations"))
    await until(lambda: services.harnesses["stats"].pool.fetchval("SELECT count(*) > 0 FROM organisations"))
    await services.import_files("stats", invoices=INVOICES)

    site = (
        f"50,{actions.MIRJA},{codes.word()},45100,{codes.word()},KOUVOLA,KELTAKANGAS,HOUSE,1,"
        f"{codes.word()},{codes.word()},{codes.number()},{codes.word()}@example.fi\n"
    )
    unknown = f"51,{codes.word()},{codes.word()},45100,A,KOUVOLA,KELTAKANGAS,HOUSE,1,{codes.word()},,,\n"
    _, bad = await sites.import_file("sites", SITE_HEADER + site + unknown)
    assert [(row.field, row.code) for row in bad] == [("customer_number", "UNKNOWN")]
    await execute_as_owner(sites.pool, "ALTER TABLE sites ADD CHECK (site_number <> '52')")
    failed, _ = await sites.import_file("sites", SITE_HEADER + site.replace("50,", "52,", 1))
    assert failed.state is BulkOperationState.FAILED
    await services.import_files(
        "sites", containers="container_number,site_number,fraction,litres,count\nC1,50,RESIDUAL,360,1\n"
    )
    await until(lambda: orders.pool.fetchval("SELECT count(*) > 0 FROM containers"))
    header, agreement = AGREEMENTS.splitlines()[:2]
    files = {"articles": ARTICLES, "routes": ROUTES, "holidays": HOLIDAYS, "rules": RULES}
    await services.import_files("orders", **files, agreements=f"{header}\n{agreement}\n")
    agreement_id = write_id("agreement", await orders.pool.fetchval("SELECT id FROM agreements"))
    answer = await orders.api(await orders.caller(kind=SubjectKind.STAFF)).report_pickups(
        [report(ReportKind.FAILED, agreement_id=agreement_id, date="5.3.", reason=codes.word())]
    )
    assert isinstance(answer, PickupsReported)
    assert answer.outcomes[0].accepted, answer


async def register(services: ServicesFixture, codes: Codes) -> str:
    """Register a user, with a second try and a mistyped password, whose address is to change; return the user's id."""
    identity = services.harnesses["identity"]
    await until(lambda: identity.pool.fetchval("SELECT count(*) > 0 FROM invoices"))
    username, password = codes.word(), f"{codes.word()} {codes.word()}"
    different = {"username": username, "email": f"{codes.word()}@example.fi", "password": password}
    user_id = await actions.registered(identity, **different)
    assert isinstance(await actions.register(identity, **different), Refusal)
    assert isinstance(await actions.sign_in(identity, username, codes.word()), Refusal)
    signed_in = actions.expect(SignedIn, await actions.sign_in(identity, username, password))
    await verify(identity, user_id)
    user = identity.api(await actions.caller_of(identity, signed_in.access_token))
    change = ChangeEmail(idempotency_key="one", version=1, email=f"{codes.word()}@example.fi")
    assert isinstance(await user.change_email(change), AccountChanged)
    assert isinstance(await identity.api(actions.anonymous()).request_password_reset(codes.word()), RecoveryRequested)
    return user_id


async def add_audit_entry(identity: actions.Harness, codes: Codes, user_id: str) -> None:
    """Add an entry with personal fields to identity's audit log, and chain it."""
    personal = PersonalFields(person_id=user_id, fields={"address": codes.word()})
    async with identity.work() as tx:
        tx.audit(AuditEntry(actor=user_id, action="SIGNED_IN", subject=user_id, personal=personal))
    await chain_audit(identity.pool, JobRun(1, asyncio.Event()))


async def send_forms(services: ServicesFixture, codes: Codes, user_id: str) -> None:
    """Send a contact form over HTTP twice, and another one that the database refuses."""
    support = services.harnesses["support"]
    access = "SELECT count(*) > 0 FROM access.subjects WHERE subject_id = $1"
    await until(lambda: support.pool.fetchval(access, user_id))
    await until(lambda: support.pool.fetchval("SELECT count(*) > 0 FROM sites"))
    site_id = write_id("site", await support.pool.fetchval("SELECT id FROM sites"))
    await execute_as_owner(support.pool, "ALTER TABLE tickets ADD CHECK (topic <> 'OTHER')")
    caller = Caller(subject_id=user_id, kind=SubjectKind.USER, access_version=1)

    async def the_user(_: Request) -> Caller:
        return caller

    command = msgspec.structs.replace(
        form(site_id, codes.word()), contact_preference=ContactPreference.PHONE, phone=f"+{codes.number()}"
    )
    async with (
        serve_routes(routes(Support, support.bind_api, the_user, the_user, support.authorization)) as url,
        Origin(url) as origin,
    ):
        api = client(Support, ServiceChannel("support", origin), {})
        for _ in range(2):
            assert isinstance(await api.send_contact_form(command), ContactFormReceived)
        refused = msgspec.structs.replace(form(site_id, codes.word(), key="other"), topic=Topic.OTHER)
        with pytest.raises(CallFailed):
            await api.send_contact_form(refused)
    await send_forms_of_others(services, codes, site_id)


async def send_forms_of_others(services: ServicesFixture, codes: Codes, site_id: str) -> None:
    """Send a public form, and write down a call."""
    support = services.harnesses["support"]
    public = SendPublicForm(
        idempotency_key="public",
        name=codes.word(),
        email=f"{codes.word()}@example.fi",
        phone=f"+{codes.number()}",
        address=codes.word(),
        customer_number=codes.word(),
        topic=Topic.PICKUP,
        message=codes.word(),
    )
    stranger = Caller(from_gateway=True, address=codes.word())
    assert isinstance(await support.api(stranger).send_public_form(public), PublicFormReceived)
    call = LogContact(
        idempotency_key="call",
        site_id=site_id,
        channel=Channel.PHONE,
        identified_by=codes.word(),
        topic=Topic.PICKUP,
        message=codes.word(),
    )
    staff = await support.caller(kind=SubjectKind.STAFF)
    assert isinstance(await support.api(staff).log_contact(call), ContactLogged)


async def everything_is_published(services: ServicesFixture) -> bool:
    """Return whether each event of the five logs is in Kafka."""
    published = """
        SELECT NOT EXISTS (SELECT FROM chassis.outbox WHERE sequence IS NULL)
            AND coalesce((SELECT min(sequence) FROM chassis.published_up_to), 0) >= last_sequence
        FROM chassis.leader
    """
    return all([await harness.pool.fetchval(published) for harness in services.harnesses.values()])


def readable(values: Sequence[object]) -> str:
    """Return the text of columns' values."""
    return "\n".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values)
