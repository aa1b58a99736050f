"""Services that answer by heart, behind real routes made from their contracts, and keep what they were asked."""

import base64
import datetime as dt
import uuid
from typing import Any, cast

import msgspec
from joserfc.jwk import OKPKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from services.chassis.ids import new_uuid, write_id
from services.chassis.log import START, Cursor
from services.chassis.problems import Forbidden, Unauthenticated
from services.chassis.rpc.server import routes
from services.chassis.tokens import AUDIENCE, ISSUER, LIFETIME, Claims, Signer
from services.contracts.identity import (
    AccessStated,
    ClientToken,
    CreatePartner,
    Grant,
    Identity,
    Language,
    Me,
    Membership,
    Organisation,
    OrganisationKind,
    Partner,
    PartnerCreated,
    PartnerRevoked,
    PublicKeys,
    Register,
    Registered,
    Role,
    SignedIn,
    SignedOut,
    SubjectKind,
)
from services.contracts.imports import BadRow, Import, ImportStarted, ImportState
from services.contracts.orders import (
    Agreement,
    Article,
    Calendar,
    CursorExpired,
    EventPage,
    Offer,
    Offers,
    Order,
    Ordered,
    OrderEvent,
    OrderExtraPickup,
    OrderKind,
    Orders,
    OrderState,
    PickupReport,
    PickupsReported,
    ReportOutcome,
    Step,
)
from services.contracts.sites import Address, Container, Fraction, Person, PropertyType, Site, SiteOrder, Sites
from services.contracts.stats import Period, Stats, Volume, Volumes
from services.contracts.support import ContactFormReceived, SendContactForm, Support, Ticket, TicketState
from services.contracts.values import Connection, Edge, Money, Page, PageInfo, Refusal, refuse

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
ORGANISATION = write_id("org", uuid.UUID(int=1))
OTHER_ORGANISATION = write_id("org", uuid.UUID(int=2))
USER = write_id("user", uuid.UUID(int=1))
STAFF = write_id("user", uuid.UUID(int=2))
PARTNER = write_id("partner", uuid.UUID(int=1))


def site_id(number: int) -> str:
    return write_id("site", uuid.UUID(int=number))


def agreement_id(number: int) -> str:
    return write_id("agreement", uuid.UUID(int=number))


def order_id(number: int) -> str:
    return write_id("order", uuid.UUID(int=number))


def number_of(any_id: str) -> int:
    """The number that an id was made from."""
    prefix = any_id.rpartition("_")[0]
    return next(n for n in range(10_000) if write_id(prefix, uuid.UUID(int=n)) == any_id)


ARTICLE = Article(
    id=write_id("article", uuid.UUID(int=1)),
    article_number="240-RES",
    name="Sekajäteastian tyhjennys",
    fraction=Fraction.RESIDUAL,
    waste_code="20 03 01",
    unit="pcs",
    price=Money(minor=823, currency="EUR", vat_rate=255),
)


def site(number: int) -> Site:
    return Site(
        id=site_id(number),
        organisation_id=ORGANISATION,
        site_number=f"S{number}",
        address=Address(street=f"Ekokaari {number}", postal_code="46860", city="Keltakangas"),
        municipality="Kouvola",
        area="A1",
        property_type=PropertyType.HOUSING_COMPANY,
        dwellings=12,
        billed_to="As Oy Mirja",
        contact_person=Person(name="Maija", phone=None, email=None),
        version=1,
        containers=[
            Container(
                id=write_id("container", uuid.UUID(int=number)),
                container_number=f"C{number}",
                fraction=Fraction.RESIDUAL,
                litres=240,
                count=1,
                version=1,
            )
        ],
    )


def agreement(number: int) -> Agreement:
    return Agreement(
        id=agreement_id(number),
        agreement_number=f"A{number}",
        organisation_id=ORGANISATION,
        site_id=site_id(number),
        container_number=f"C{number}",
        article=ARTICLE,
        fraction=Fraction.RESIDUAL,
        litres=240,
        count=1,
        interval_weeks=2,
        ordered_on=dt.date(2019, 8, 13),
        ended_on=None,
        next_pickup=dt.date(2026, 3, 9),
        version=1,
    )


def order(number: int) -> Order:
    return Order(
        id=order_id(number),
        kind=OrderKind.EXTRA_PICKUP,
        state=OrderState.CONFIRMED,
        organisation_id=ORGANISATION,
        site_id=site_id(1),
        agreement_id=agreement_id(number),
        article=ARTICLE,
        date=dt.date(2026, 3, 10),
        price=None,
        placed_at=NOW,
        timeline=[Step(state=OrderState.RECEIVED, at=NOW, by=USER, reason=None)],
        version=1,
    )


def page_of(nodes: list[Any], page: Page) -> Connection[Any]:
    """A page whose cursors are places."""
    start = int(page.after) + 1 if page.after else 0
    edges = [Edge(cursor=str(place), node=node) for place, node in enumerate(nodes)][start : start + page.first]
    info = PageInfo(
        has_next_page=start + page.first < len(nodes),
        has_previous_page=start > 0,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info, total_count=len(nodes))


class Importer:
    """What every service with imports answers."""

    service = ""

    async def start_import(self, id: str) -> ImportStarted | Refusal:
        return ImportStarted(imported=self._import(id))

    async def imports(self, ids: list[str]) -> list[Import | None]:
        return [self._import(one) for one in ids]

    async def bad_rows(self, id: str, page: Page) -> Connection[BadRow]:
        row = BadRow(file="sites.csv", line=3, field="litres", code="MALFORMED", reason="Expected `int`, got `str`")
        return page_of([row], page)

    def _import(self, id: str) -> Import:
        return Import(
            id=id,
            kind="sites",
            file_name="sites.csv",
            state=ImportState.DONE,
            total=3,
            done=3,
            added=2,
            changed=0,
            unchanged=0,
            failed=1,
        )


class IdentityActor(Importer):
    service = "identity"

    def __init__(self) -> None:
        self.signer = Signer(_new_key())
        self.access: dict[str, AccessStated] = {}

    def token(self, subject: str, kind: SubjectKind, **given: Any) -> str:
        """An access token."""
        return self.signer.sign(self.claims(subject, kind, **given))

    def claims(
        self,
        subject: str,
        kind: SubjectKind,
        *,
        scope: str = "",
        session: str = "",
        valid_for: dt.timedelta = LIFETIME,
    ) -> Claims:
        """What a token says."""
        now = dt.datetime.now(dt.UTC)
        return Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=subject,
            client_id="portal",
            jti=new_uuid().hex,
            iat=int(now.timestamp()) - 60,
            exp=int((now + valid_for).timestamp()),
            kind=kind.value,
            av=1,
            sid=session,
            scope=scope,
        )

    async def public_keys(self) -> PublicKeys:
        return PublicKeys(jwks=self.signer.public_keys())

    async def client_token(
        self, client_id: str, client_secret: str, scope: str = "", subject: str = ""
    ) -> ClientToken | Refusal:
        if client_secret != "a secret":
            return refuse("INVALID_CLIENT")
        if scope == "everything":
            return refuse("INVALID_SCOPE", "scope", allowed="orders:read")
        kind = SubjectKind.SERVICE if client_id.startswith("service:") else SubjectKind.PARTNER
        name = client_id if kind is SubjectKind.SERVICE else PARTNER
        scope = scope or "orders:read orders:subscribe"
        return ClientToken(access_token=self.token(name, kind, scope=scope), expires_in=600, scope=scope)

    async def register(self, command: Register) -> Registered | Refusal:
        if command.terms_version is None:
            return refuse("TERMS_REQUIRED", "termsVersion", version="2026-01")
        if command.invoice_number != "1962859":
            return refuse("CUSTOMER_NOT_RECOGNISED")
        return Registered(user_id=USER, access_requested=command.language is Language.SV)

    async def sign_in(self, username: str, password: str) -> SignedIn | Refusal:
        if password != "right":
            return refuse("SIGN_IN_FAILED")
        token = self.token(USER, SubjectKind.USER)
        return SignedIn(access_token=token, refresh_token="next", expires_in=600)

    async def refresh(self, refresh_token: str) -> SignedIn | Refusal:
        return await self.sign_in("", "right") if refresh_token == "next" else refuse("SESSION_ENDED")

    async def sign_out(self) -> SignedOut | Refusal:
        return SignedOut(session_ended=True)

    async def partners(self) -> list[Partner]:
        return [_partner("Routes", [])]

    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        return PartnerCreated(partner=_partner(command.name, command.organisation_ids), client_secret="shown once")

    async def revoke_partner(self, id: str) -> PartnerRevoked | Refusal:
        return PartnerRevoked(partner=_partner(id, []))

    async def me(self) -> Me | None:
        place = Membership(
            organisation=_organisation(ORGANISATION), role=Role.ADMIN, billing=True, site_ids=None, until=None
        )
        return Me(
            id=USER, username="maija", email="m@example.com", language=Language.FI, staff=False, memberships=[place]
        )

    async def organisations(self, ids: list[str]) -> list[Organisation | None]:
        return [_organisation(one) if one == ORGANISATION else None for one in ids]

    async def access_of(self, subject_id: str) -> AccessStated | None:
        return self.access.get(subject_id)


class SitesActor(Importer):
    service = "sites"
    count = 50

    async def sites(
        self,
        page: Page,
        search: str | None = None,
        order: SiteOrder = SiteOrder.ADDRESS,
        organisation_id: str | None = None,
        fields: list[str] | None = None,
    ) -> Connection[Site]:
        if search == "forbidden":
            raise Forbidden
        if search == "broken":
            raise RuntimeError("a secret of the inside")
        return page_of([site(number) for number in range(1, self.count + 1)], page)

    async def sites_by_id(self, ids: list[str], fields: list[str] | None = None) -> list[Site | None]:
        return [site(number_of(one)) if number_of(one) <= self.count else None for one in ids]


class OrdersActor(Importer):
    """Also keeps a log of events as orders does."""

    service = "orders"

    def __init__(self) -> None:
        self.generation = uuid.uuid4()
        self.log: list[OrderEvent] = []
        self.last = 0
        self.away = False

    async def agreements_of_sites(self, site_ids: list[str], page: Page) -> list[Connection[Agreement]]:
        return [page_of([agreement(number_of(one))], page) for one in site_ids]

    async def agreements_by_id(self, ids: list[str]) -> list[Agreement | None]:
        return [agreement(number_of(one)) for one in ids]

    async def calendars(self, site_ids: list[str], since: dt.date, until: dt.date) -> list[Calendar | Refusal]:
        if until < since:
            return [refuse("MALFORMED", "until", expected=f"{since} or later") for _ in site_ids]
        return [Calendar(site_id=one, pickups=[]) for one in site_ids]

    async def extra_pickup_offers(self, agreement_ids: list[str]) -> list[Offers | Refusal]:
        offer = Offer(date=dt.date(2026, 3, 10), cut_off=NOW, tolerance_days=1, price=ARTICLE.price)
        return [Offers(agreement_id=one, offers=[offer], citation="rule 1") for one in agreement_ids]

    async def open_order_counts(self, site_ids: list[str]) -> list[int]:
        return [2 for _ in site_ids]

    async def orders(
        self, page: Page, site_id: str | None = None, states: list[OrderState] | None = None
    ) -> Connection[Order]:
        return page_of([order(number) for number in range(1, 4)], page)

    async def orders_by_id(self, ids: list[str]) -> list[Order | None]:
        return [order(number_of(one)) for one in ids]

    async def order_extra_pickup(self, command: OrderExtraPickup) -> Ordered | Refusal:
        if command.date < dt.date(2026, 3, 4):
            return refuse("IN_THE_PAST", "date")
        return Ordered(order=order(1))

    async def report_pickups(self, reports: list[PickupReport]) -> PickupsReported | Refusal:
        outcomes = [
            ReportOutcome(report_id=report.report_id, accepted=report.grams == 38_500, repeated=False, refusal=None)
            for report in reports
        ]
        return PickupsReported(outcomes=outcomes)

    async def events(
        self, after: str | None, first: int, types: list[str] | None = None, organisation_id: str | None = None
    ) -> EventPage | CursorExpired | Refusal:
        start = Cursor(self.generation, 0)
        cursor = {None: Cursor(self.generation, self.last), START: start}.get(after) or Cursor.parse(after or "")
        if cursor is None or cursor.generation != self.generation:
            return CursorExpired(start=str(start))
        behind = [event for event in self.log if event.sequence > cursor.sequence]
        shown = [event for event in behind if types is None or event.type in types][:first]
        end = len(shown) < first
        place = self.last if end else shown[-1].sequence
        return EventPage(events=shown, cursor=str(Cursor(self.generation, place)), end=end)


class StatsActor(Importer):
    service = "stats"

    async def volumes(
        self,
        since: dt.date,
        until: dt.date,
        period: Period = Period.MONTH,
        organisation_id: str | None = None,
        site_ids: list[str] | None = None,
        fractions: list[Fraction] | None = None,
    ) -> Volumes | Refusal:
        if (until - since).days > 3660:
            return refuse("TOO_LONG", "until", days=3660)
        row = Volume(start=since, fraction=Fraction.RESIDUAL, article_id=ARTICLE.id, grams=5_000_000_000, pickups=2)
        return Volumes(rows=[row], grams=5_000_000_000, pickups=2, previous_grams=0)


class SupportActor:
    service = "support"

    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        return ContactFormReceived(ticket=_ticket(command))

    async def tickets(self, page: Page, site_id: str | None = None) -> Connection[Ticket]:
        return page_of([], page)

    async def tickets_by_id(self, ids: list[str]) -> list[Ticket | None]:
        return [None for _ in ids]


class Asked(msgspec.Struct):
    """A call as a service got it."""

    service: str
    operation: str
    arguments: dict[str, Any]
    caller: Claims | None
    headers: dict[str, str]


class Cast:
    """The five services."""

    def __init__(self) -> None:
        self.identity = IdentityActor()
        self.sites = SitesActor()
        self.orders = OrdersActor()
        self.stats = StatsActor()
        self.support = SupportActor()
        self.asked: list[Asked] = []
        self.uploaded: list[tuple[str, str, int, int]] = []
        self.away: set[str] = set()
        self.receiving = False

    def asked_for(self, operation: str) -> list[Asked]:
        return [one for one in self.asked if one.operation == operation]

    def routes(self) -> list[BaseRoute]:
        """Each service below its name."""
        contracts: list[tuple[type, Any]] = [
            (Identity, self.identity),
            (Sites, self.sites),
            (Orders, self.orders),
            (Stats, self.stats),
            (Support, self.support),
        ]
        return [
            Mount(f"/{actor.service}", routes=[*self._operations(contract, actor), self._upload(actor.service)])
            for contract, actor in contracts
        ]

    def _operations(self, contract: type, actor: Any) -> list[Route]:
        async def authenticate(request: Request) -> tuple[Request, Claims | None]:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not token:
                raise Unauthenticated
            payload = token.split(".")[1]
            claims = msgspec.json.decode(_unpad(payload), type=Claims)
            return request, claims

        async def stranger(request: Request) -> tuple[Request, Claims | None]:
            return request, None

        return routes(contract, lambda caller: cast(Any, _Recorder(self, actor, *caller)), authenticate, stranger)

    def _upload(self, service: str) -> Route:
        async def stage(request: Request) -> Response:
            chunks: list[int] = []
            async for chunk in request.stream():
                self.receiving = True
                chunks += [len(chunk)] if chunk else []
            self.receiving = False
            kind = request.path_params["kind"]
            self.uploaded.append((service, request.query_params["name"], sum(chunks), len(chunks)))
            if kind == "rules":
                return Response(b'{"code":"WRONG_FILE"}', 422, media_type="application/problem+json")
            return Response(b'{"id":"import_sites_1"}', 201, media_type="application/json")

        return Route("/imports/{kind}", stage, methods=["POST"])


class _Recorder:
    def __init__(self, cast_: Cast, actor: Any, request: Request, claims: Claims | None) -> None:
        self._cast, self._actor, self._request, self._claims = cast_, actor, request, claims

    def __getattr__(self, operation: str) -> Any:
        async def call(**arguments: Any) -> Any:
            self._cast.asked.append(
                Asked(self._actor.service, operation, arguments, self._claims, dict(self._request.headers))
            )
            if self._actor.service in self._cast.away:
                raise RuntimeError("out of order")
            return await getattr(self._actor, operation)(**arguments)

        return call


def partner_access(*organisations: str | None, version: int = 1, active: bool = True) -> AccessStated:
    """What a partner with these organisations may reach; None is all."""
    grants = [Grant(organisation_id=one) for one in organisations]
    return AccessStated(
        subject_id=PARTNER,
        kind=SubjectKind.PARTNER,
        version=version,
        active=active,
        scopes=["orders:read", "orders:subscribe"],
        grants=grants,
    )


def _organisation(id: str) -> Organisation:
    return Organisation(
        id=id, customer_number="62-0000000-00", name="As Oy Mirja", kind=OrganisationKind.HOUSING_COMPANY, version=1
    )


def _partner(name: str, organisation_ids: list[str]) -> Partner:
    return Partner(
        id=PARTNER,
        name=name,
        client_id="routes",
        scopes=["orders:read"],
        organisation_ids=organisation_ids,
        all_organisations=False,
        active=True,
    )


def _ticket(command: SendContactForm) -> Ticket:
    return Ticket(
        id=write_id("ticket", uuid.UUID(int=1)),
        number="T-1",
        organisation_id=ORGANISATION,
        site_id=command.site_id,
        topic=command.topic,
        state=TicketState.OPEN,
        message=command.message,
        contact_preference=command.contact_preference,
        opened_at=NOW,
    )


def _new_key() -> bytes:
    return msgspec.json.encode(OKPKey.generate_key("Ed25519").as_dict(private=True))


def _unpad(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
