"""O1, O2: agreements of a site, and its calendar with tolerance, holidays and recorded pickups."""

import datetime as dt

import msgspec
import pytest

from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden, MalformedInput
from services.contracts.identity.people import Language
from services.contracts.orders.orders import Ordered
from services.contracts.orders.pickups import Calendar, Holiday, Pickup, PickupState
from services.contracts.orders.reports import ReportKind
from services.contracts.permission import Role
from services.contracts.sites import Fraction
from services.contracts.values import Page, Refusal
from tests.component.orders.scenario import OrdersScenario, container_stated, day, extra_pickup, report, site_stated


async def residual(scenario: OrdersScenario, since: str, until: str, number: str = "A1") -> list[Pickup]:
    """Return the pickups of an agreement between two days, as a member sees them."""
    api = scenario.harness.api(await scenario.member())
    (calendar,) = await api.calendars([scenario.sites["50"]], day(since), day(until))
    assert isinstance(calendar, Calendar)
    return [one for one in calendar.pickups if one.agreement_id == scenario.id(number)]


async def test_a_calendar_has_every_planned_day_with_its_tolerance(scenario: OrdersScenario) -> None:
    pickups = await residual(scenario, "1.3.", "31.3.")
    assert [one.date for one in pickups] == [day("5.3."), day("19.3.")]
    assert {(one.tolerance_days, one.state, one.original_date, one.moved_by) for one in pickups} == {
        (1, PickupState.PLANNED, None, None)
    }
    weekly = await residual(scenario, "1.3.", "31.3.", "A2")
    assert [one.date for one in weekly] == [day("6.3."), day("13.3."), day("20.3."), day("27.3.")]


async def test_both_days_are_inclusive(scenario: OrdersScenario) -> None:
    assert [one.date for one in await residual(scenario, "5.3.", "19.3.")] == [day("5.3."), day("19.3.")]
    assert [one.date for one in await residual(scenario, "5.3.", "5.3.")] == [day("5.3.")]
    assert await residual(scenario, "6.3.", "18.3.") == []


async def test_a_pickup_moved_by_a_holiday_is_marked_in_the_calendar(scenario: OrdersScenario) -> None:
    (moved,) = await residual(scenario, "14.5.", "17.5.")
    assert (moved.date, moved.original_date) == (day("15.5."), day("14.5."))
    assert moved.moved_by == Holiday(date=day("14.5."), name="Helatorstai")
    assert await residual(scenario, "14.5.", "14.5.") == []
    assert await residual(scenario, "15.5.", "15.5.") == [moved], "also where the planned day is not in the range"


async def test_names_are_in_the_callers_language(scenario: OrdersScenario) -> None:
    caller = await scenario.member()
    swedish = scenario.harness.api(msgspec.structs.replace(caller, language=Language.SV))
    (calendar,) = await swedish.calendars([scenario.sites["50"]], day("15.5."), day("15.5."))
    assert isinstance(calendar, Calendar)
    moved = next(one for one in calendar.pickups if one.moved_by)
    assert moved.moved_by is not None
    assert moved.article is not None
    assert (moved.article.name, moved.moved_by.name) == ("Tömning", "Kristi himmelsfärdsdag")


async def test_prices_are_for_those_with_the_billing_permission(scenario: OrdersScenario) -> None:
    plain = scenario.harness.api(await scenario.member())
    billing = scenario.harness.api(await scenario.member(billing=True))
    (agreement,) = await plain.agreements_by_id([scenario.id("A1")])
    assert agreement is not None
    assert agreement.article.price is None
    (agreement,) = await billing.agreements_by_id([scenario.id("A1")])
    assert agreement is not None
    assert agreement.article.price is not None
    assert (agreement.article.price.minor, agreement.article.price.vat_rate) == (1250, 255)
    (calendar,) = await plain.calendars([scenario.sites["50"]], day("1.3."), day("9.3."))
    assert isinstance(calendar, Calendar)
    assert {one.article and one.article.price for one in calendar.pickups} == {None}


async def test_an_ended_agreement_has_no_pickups_after_its_last_day(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    (calendar,) = await api.calendars([scenario.sites["51"]], day("1.1."), day("30.12."))
    assert isinstance(calendar, Calendar)
    assert [one.date for one in calendar.pickups] == [day("8.1.")]
    (agreement,) = await api.agreements_by_id([scenario.id("A3")])
    assert agreement is not None
    assert (agreement.ended_on, agreement.next_pickup) == (day("28.2."), None)


async def test_the_next_pickup_is_the_next_that_is_not_done(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())

    async def next_pickup() -> dt.date | None:
        (agreement,) = await api.agreements_by_id([scenario.id("A1")])
        assert agreement is not None
        return agreement.next_pickup

    assert await next_pickup() == day("5.3.")
    scenario.harness.clock.move(days=1)
    assert await next_pickup() == day("5.3.")
    reports = scenario.harness.api(await scenario.partner("pickups:report"))
    await reports.report_pickups([report(agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-05T07:00:00+00:00")])
    assert await next_pickup() == day("19.3.")
    assert isinstance(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3.")), Ordered)
    assert await next_pickup() == day("12.3.")


async def test_the_next_pickup_of_a_site_is_the_soonest_of_its_agreements(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())

    async def next_pickup() -> Pickup:
        (found,) = await api.next_pickups([scenario.sites["50"]])
        assert found is not None
        return found

    thursday = await next_pickup()
    assert (thursday.agreement_id, thursday.site_id) == (scenario.id("A1"), scenario.sites["50"])
    assert (thursday.date, thursday.state, thursday.tolerance_days) == (day("5.3."), PickupState.PLANNED, 1)
    (calendar,) = await api.calendars([scenario.sites["50"]], day("5.3."), day("5.3."))
    assert isinstance(calendar, Calendar)
    assert calendar.pickups == [thursday], "the same pickup as in the calendar"

    scenario.harness.clock.move(days=1)
    reports = scenario.harness.api(await scenario.partner("pickups:report"))
    arrived = report(ReportKind.ARRIVED, agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-05T07:00:00+00:00")
    await reports.report_pickups([arrived])
    assert (await next_pickup()).state is PickupState.ARRIVED
    emptied = report(agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-05T07:10:00+00:00")
    await reports.report_pickups([emptied])
    friday = await next_pickup()
    assert (friday.agreement_id, friday.date) == (scenario.id("A2"), day("6.3."))
    scenario.harness.clock.move(days=2)
    assert (await next_pickup()).date == day("13.3.")


async def test_a_next_pickup_moved_by_a_holiday_is_marked(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    scenario.harness.clock.move(days=30)
    (moved,) = await api.next_pickups([scenario.sites["50"]])
    assert moved is not None
    assert (moved.agreement_id, moved.date, moved.original_date) == (scenario.id("A2"), day("4.4."), day("3.4."))
    assert moved.moved_by == Holiday(date=day("3.4."), name="Pitkäperjantai")


async def test_next_pickups_of_many_sites_come_in_their_order(scenario: OrdersScenario) -> None:
    unseen = write_id("site", new_uuid())
    site_ids = [
        scenario.sites["51"],
        scenario.sites["60"],
        "site_nonsense",
        unseen,
        scenario.sites["50"],
        scenario.sites["50"],
    ]
    ended, other, nonsense, nowhere, first, again = await scenario.harness.api(await scenario.member()).next_pickups(
        site_ids
    )
    assert [ended, other, nonsense, nowhere] == [None] * 4, "none planned, another customer's, no id, no site"
    assert first is not None and first == again
    assert await scenario.harness.api(await scenario.member()).next_pickups([]) == []
    (seen,) = await scenario.harness.api(await scenario.other_member()).next_pickups([scenario.sites["60"]])
    assert seen is not None
    assert seen.article is not None
    assert (seen.agreement_id, seen.article.price is not None) == (scenario.id("A4"), True)


async def test_a_placeholder_site_has_no_next_pickup(scenario: OrdersScenario) -> None:
    site_id = write_id("site", new_uuid())
    await scenario.harness.receive(container_stated("C9", site_id, scenario.organisation_id, Fraction.RESIDUAL))
    assert await scenario.harness.api(await scenario.member()).next_pickups([site_id]) == [None]


async def test_the_calendars_of_many_sites_come_in_their_order(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    site_ids = [
        scenario.sites["51"],
        scenario.sites["60"],
        "site_nonsense",
        write_id("site", new_uuid()),
        scenario.sites["50"],
    ]
    answers = await api.calendars(site_ids, day("1.1."), day("9.1."))
    assert [answer.site_id if isinstance(answer, Calendar) else answer.problems[0].code for answer in answers] == [
        scenario.sites["51"],
        "NOT_FOUND",
        "NOT_FOUND",
        "NOT_FOUND",
        scenario.sites["50"],
    ]


async def test_a_range_that_is_too_long_or_reversed_is_refused(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    since = dt.date(2026, 1, 1)
    (answer,) = await api.calendars([scenario.sites["50"]], since, since + dt.timedelta(days=401))
    assert isinstance(answer, Refusal)
    assert (answer.problems[0].code, answer.problems[0].path) == ("TOO_LONG", ["until"])
    with pytest.raises(MalformedInput, match="until: reason EARLIEST"):
        await api.calendars([scenario.sites["50"]], since, since - dt.timedelta(days=1))
    (answer,) = await api.calendars([scenario.sites["50"]], since, since + dt.timedelta(days=400))
    assert isinstance(answer, Calendar)
    (answer,) = await api.calendars([scenario.sites["50"]], dt.date(9999, 1, 1), dt.date.max)
    assert isinstance(answer, Calendar)


async def test_a_placeholder_site_is_not_ready_yet(scenario: OrdersScenario) -> None:
    site_id = write_id("site", new_uuid())
    await scenario.harness.receive(container_stated("C9", site_id, scenario.organisation_id, Fraction.RESIDUAL))
    api = scenario.harness.api(await scenario.member())
    (answer,) = await api.calendars([site_id], day("1.3."), day("2.3."))
    assert isinstance(answer, Refusal)
    assert (answer.problems[0].code, answer.problems[0].retryable) == ("NOT_READY_YET", True)
    await scenario.harness.receive(site_stated(site_id, scenario.organisation_id, "52"))
    (answer,) = await api.calendars([site_id], day("1.3."), day("2.3."))
    assert answer == Calendar(site_id=site_id, pickups=[])


async def test_only_a_newer_version_of_a_site_is_copied(scenario: OrdersScenario) -> None:
    elsewhere = write_id("org", new_uuid())
    await scenario.harness.receive(site_stated(scenario.sites["50"], scenario.other_organisation_id, "50", version=3))
    await scenario.harness.receive(site_stated(scenario.sites["50"], elsewhere, "50", version=2))
    (agreement,) = await scenario.harness.api(await scenario.other_member()).agreements_by_id([scenario.id("A1")])
    assert agreement is not None, "the agreement belongs to the site's organisation"
    assert agreement.organisation_id == scenario.other_organisation_id


async def test_agreements_of_many_sites_are_paged_for_each(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    sites = [scenario.sites["51"], scenario.sites["60"], "nonsense", scenario.sites["50"]]
    first = await api.agreements_of_sites(sites, Page(first=1))
    assert [[edge.node.agreement_number for edge in page.edges] for page in first] == [["A3"], [], [], ["A1"]]
    assert [(page.total_count, page.page_info.has_next_page) for page in first] == [
        (1, False),
        (0, False),
        (0, False),
        (2, True),
    ]
    cursor = first[3].page_info.end_cursor
    second = await api.agreements_of_sites(sites[3:], Page(first=1, after=cursor))
    assert [(edge.node.agreement_number, second[0].total_count) for edge in second[0].edges] == [("A2", 2)]
    behind = await api.agreements_of_sites(sites[3:], Page(after=second[0].page_info.end_cursor))
    assert (behind[0].edges, behind[0].total_count) == ([], 2)


async def test_agreements_out_of_reach_are_not_found(scenario: OrdersScenario) -> None:
    limited = scenario.harness.api(await scenario.member(Role.ADMIN, sites=["51"]))
    assert await limited.agreements_by_id([scenario.id("A1"), "agreement_x"]) == [None, None]
    (known,) = await limited.agreements_by_id([scenario.id("A3")])
    assert known is not None
    (answer,) = await limited.calendars([scenario.sites["50"]], day("1.3."), day("2.3."))
    assert isinstance(answer, Refusal)
    other_member = scenario.harness.api(await scenario.other_member())
    assert await other_member.agreements_by_id([scenario.id("A1")]) == [None]
    nowhere = scenario.harness.api(await scenario.partner("orders:read", nowhere=True))
    assert await nowhere.agreements_by_id([scenario.id("A1")]) == [None]


async def test_a_partner_reads_with_its_scope_alone(scenario: OrdersScenario) -> None:
    reader = scenario.harness.api(await scenario.partner("orders:read"))
    (agreement,) = await reader.agreements_by_id([scenario.id("A1")])
    assert agreement is not None
    without = scenario.harness.api(await scenario.partner("orders:subscribe", "pickups:report"))
    with pytest.raises(Forbidden):
        await without.agreements_by_id([scenario.id("A1")])
    with pytest.raises(Forbidden):
        await without.agreements_of_sites([scenario.sites["50"]], Page())
    with pytest.raises(Forbidden):
        await without.calendars([scenario.sites["50"]], day("1.3."), day("2.3."))
    with pytest.raises(Forbidden):
        await without.next_pickups([scenario.sites["50"]])
    with pytest.raises(Forbidden):
        await without.orders(Page())
    with pytest.raises(Forbidden):
        await without.orders_by_id([])
    with pytest.raises(Forbidden):
        await without.open_order_counts([])
    with pytest.raises(Forbidden):
        await reader.extra_pickup_offers([scenario.id("A1")])


async def test_a_past_pickup_is_unreported_until_a_report_comes(scenario: OrdersScenario) -> None:
    """On Friday it is clear of Thursday's pickup that nobody reported it, of Friday's on Monday."""
    api = scenario.harness.api(await scenario.member())
    assert isinstance(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3.")), Ordered)

    async def states(until: str) -> dict[dt.date, PickupState]:
        (calendar,) = await api.calendars([scenario.sites["50"]], day("5.3."), day(until))
        assert isinstance(calendar, Calendar)
        assert await api.pickups_by_id([one.id for one in calendar.pickups]) == calendar.pickups
        assert all(one.date for one in calendar.pickups)
        return {one.date: one.state for one in calendar.pickups if one.date}

    planned, unreported = PickupState.PLANNED, PickupState.UNREPORTED
    scenario.harness.clock.move(days=1)
    assert await states("6.3.") == {day("5.3."): planned, day("6.3."): planned}
    scenario.harness.clock.move(days=1)
    assert await states("6.3.") == {day("5.3."): unreported, day("6.3."): planned}
    scenario.harness.clock.move(days=2)
    assert await states("6.3.") == {day("5.3."): unreported, day("6.3."): planned}, "it is Sunday"
    scenario.harness.clock.move(days=1)
    assert await states("6.3.") == {day("5.3."): unreported, day("6.3."): unreported}
    (found,) = await api.next_pickups([scenario.sites["50"]])
    assert found is not None
    assert (found.date, found.state) == (day("12.3."), planned)
    reports = scenario.harness.api(await scenario.partner("pickups:report"))
    await reports.report_pickups([report(agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-05T07:00:00+00:00")])
    assert await states("6.3.") == {day("5.3."): PickupState.EMPTIED, day("6.3."): unreported}
    scenario.harness.clock.move(days=4)
    assert (await states("12.3."))[day("12.3.")] is unreported, "an ordered one, too"


async def test_a_holiday_is_no_working_day_on_which_a_pickup_becomes_unreported(scenario: OrdersScenario) -> None:
    """Good Friday's pickup is on Saturday, 4 April; after Sunday comes Easter Monday."""
    api = scenario.harness.api(await scenario.member())

    async def state() -> PickupState:
        (calendar,) = await api.calendars([scenario.sites["50"]], day("4.4."), day("4.4."))
        assert isinstance(calendar, Calendar)
        (found,) = calendar.pickups
        return found.state

    scenario.harness.clock.move(days=33)
    assert await state() is PickupState.PLANNED, "it is Monday, 6 April"
    scenario.harness.clock.move(days=1)
    assert await state() is PickupState.UNREPORTED
