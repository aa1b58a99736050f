"""The operations of identity, for one caller: each calls its query or use case."""

from collections.abc import Mapping

import msgspec

from services.access.caller import Caller
from services.chassis.auth.tokens import Signer
from services.chassis.problems import Unauthenticated
from services.contracts.identity.actors import PartnerActor, StaffActor, UserActor
from services.contracts.identity.events import AccessStated
from services.contracts.identity.organisations import Organisation, OrganisationFilter, OrganisationOrder
from services.contracts.identity.partners import (
    ClientToken,
    CreatePartner,
    Partner,
    PartnerCreated,
    PartnerFilter,
    PartnerOrder,
    PartnerRevoked,
)
from services.contracts.identity.people import Contact, Me, Register, Registered, RegistrationSettings
from services.contracts.identity.sessions import PublicKeys, SignedIn, SignedOut
from services.contracts.values import Conflict, Connection, Id, Page, Refusal
from services.hosting.blueprint import ServiceRuntime
from services.hosting.imports_api import ImportsApi
from services.identity.domain.registration import RegistrationRules
from services.identity.hashing.queue import HashingQueue
from services.identity.mapping.registration_settings import registration_settings
from services.identity.queries import directory, organisations, partners
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.create_partner import create_partner
from services.identity.usecases.end_session import sign_out, sign_out_with
from services.identity.usecases.issue_client_token import SERVICE_PREFIX, issue_client_token
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.refresh_session import refresh_session
from services.identity.usecases.register_user import register_user
from services.identity.usecases.revoke_partner import revoke_partner
from services.identity.usecases.sign_in import sign_in


class IdentityDependencies(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the operations, made once a process."""

    runtime: ServiceRuntime[IdentityTransaction]
    passwords: Passwords
    hashing_queue: HashingQueue
    """The queue of everything that hashes a password for an anonymous caller."""
    signer: Signer
    pepper: bytes
    """The key of every digest."""
    service_secrets: Mapping[str, str]
    """The services' own client secrets by their names."""
    rules: RegistrationRules


class IdentityApi(ImportsApi):
    """``services.contracts.identity.Identity`` for one caller."""

    def __init__(self, dependencies: IdentityDependencies, caller: Caller) -> None:
        super().__init__(dependencies.runtime.imports, caller)
        self._dependencies = dependencies
        self._runtime = dependencies.runtime

    async def register(self, command: Register) -> Registered | Refusal:
        dependencies, address = self._dependencies, self._caller.address
        return await dependencies.hashing_queue.run(
            address,
            lambda: register_user(
                self._runtime.work, dependencies.passwords, dependencies.pepper, dependencies.rules, command, address
            ),
        )

    async def sign_in(self, username: str, password: str, device_token: str = "") -> SignedIn | Refusal:
        dependencies, address = self._dependencies, self._caller.address
        return await dependencies.hashing_queue.run(
            address,
            lambda: sign_in(
                self._runtime.work,
                dependencies.passwords,
                dependencies.signer,
                dependencies.pepper,
                username,
                password,
                device_token,
                address,
            ),
        )

    async def refresh(self, refresh_token: str) -> SignedIn | Refusal:
        return await refresh_session(
            self._runtime.work, self._dependencies.signer, self._dependencies.pepper, refresh_token
        )

    async def sign_out(self) -> SignedOut | Refusal:
        return await sign_out(self._runtime.work, self._caller.subject_id, self._caller.session_id)

    async def sign_out_with(self, refresh_token: str) -> SignedOut | Refusal:
        return await sign_out_with(self._runtime.work, self._dependencies.pepper, refresh_token)

    async def client_token(
        self, client_id: str, client_secret: str, scope: str = "", subject: str = ""
    ) -> ClientToken | Refusal:
        if not (client_id.startswith(SERVICE_PREFIX) or self._caller.from_gateway):
            raise Unauthenticated
        dependencies = self._dependencies
        return await issue_client_token(
            self._runtime.work,
            dependencies.signer,
            dependencies.pepper,
            dependencies.service_secrets,
            client_id,
            client_secret,
            scope,
            subject,
            self._caller.address,
        )

    async def public_keys(self) -> PublicKeys:
        return PublicKeys(jwks=self._dependencies.signer.public_keys())

    async def settings(self) -> RegistrationSettings:
        return registration_settings(self._dependencies.rules)

    async def me(self) -> Me | None:
        async with self._runtime.pool.acquire() as connection:
            return await directory.me(connection, self._caller, self._runtime.clock.today())

    async def organisations(
        self, page: Page, filter: OrganisationFilter | None = None, order: OrganisationOrder | None = None
    ) -> Connection[Organisation]:
        async with self._runtime.pool.acquire() as connection:
            return await organisations.organisations(
                connection, self._caller, self._runtime.clock.today(), page, filter, order
            )

    async def organisations_by_id(self, ids: list[Id]) -> list[Organisation | None]:
        async with self._runtime.pool.acquire() as connection:
            return await organisations.organisations_by_id(connection, self._caller, self._runtime.clock.today(), ids)

    async def access_of(self, subject_id: Id) -> AccessStated | None:
        async with self._runtime.pool.acquire() as connection:
            return await directory.access_of(connection, subject_id)

    async def contacts(self, user_ids: list[Id]) -> list[Contact | None]:
        async with self._runtime.pool.acquire() as connection:
            return await directory.contacts(connection, user_ids)

    async def actors(self, ids: list[Id]) -> list[UserActor | StaffActor | PartnerActor | None]:
        async with self._runtime.pool.acquire() as connection:
            return await directory.actors(connection, self._caller, self._runtime.clock.today(), ids)

    async def partners(
        self, page: Page, filter: PartnerFilter | None = None, order: PartnerOrder | None = None
    ) -> Connection[Partner]:
        async with self._runtime.pool.acquire() as connection:
            return await partners.partners(connection, page, filter, order)

    async def partners_by_id(self, ids: list[Id]) -> list[Partner | None]:
        async with self._runtime.pool.acquire() as connection:
            return await partners.partners_by_id(connection, ids)

    async def organisations_of_partners(
        self,
        partner_ids: list[Id],
        page: Page,
        filter: OrganisationFilter | None = None,
        order: OrganisationOrder | None = None,
    ) -> list[Connection[Organisation]]:
        async with self._runtime.pool.acquire() as connection:
            return await organisations.organisations_of_partners(connection, partner_ids, page, filter, order)

    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        return await create_partner(self._runtime.work, self._dependencies.pepper, self._caller.subject_id, command)

    async def revoke_partner(self, id: Id, version: int) -> PartnerRevoked | Conflict | Refusal:
        return await revoke_partner(self._runtime.work, self._caller.subject_id, id, version)
