"""The port of the transaction."""

from typing import Protocol

from services.chassis.events.transaction_port import TransactionPort
from services.orders.usecases.ports.agreements import AgreementRepository
from services.orders.usecases.ports.articles import ArticleRepository
from services.orders.usecases.ports.containers import ContainerCopyRepository
from services.orders.usecases.ports.holidays import HolidayRepository
from services.orders.usecases.ports.orders import OrderRepository
from services.orders.usecases.ports.pickups import PickupRepository
from services.orders.usecases.ports.reports import ReportRepository
from services.orders.usecases.ports.routes import RouteRepository
from services.orders.usecases.ports.rules import RuleRepository
from services.orders.usecases.ports.schedules import ScheduleRepository
from services.orders.usecases.ports.sites import SiteCopyRepository


class OrdersStore(TransactionPort, Protocol):
    """A transaction on orders' own data."""

    @property
    def agreements(self) -> AgreementRepository: ...

    @property
    def orders(self) -> OrderRepository: ...

    @property
    def pickups(self) -> PickupRepository: ...

    @property
    def reports(self) -> ReportRepository: ...

    @property
    def sites(self) -> SiteCopyRepository: ...

    @property
    def containers(self) -> ContainerCopyRepository: ...

    @property
    def articles(self) -> ArticleRepository: ...

    @property
    def routes(self) -> RouteRepository: ...

    @property
    def holidays(self) -> HolidayRepository: ...

    @property
    def rules(self) -> RuleRepository: ...

    @property
    def schedules(self) -> ScheduleRepository: ...
