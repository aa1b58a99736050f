"""O16: articles, routes, holidays, rules, agreements and past pickups come from the ERP."""

import datetime as dt
from collections.abc import AsyncIterator

import msgspec
import pytest

from services.chassis.ids import new_uuid, write_id
from services.chassis.jobs.job import RunAgain
from services.contracts.identity.people import Language
from services.contracts.orders.events import PickupRecorded
from services.contracts.orders.pickups import Calendar, PickupState
from services.contracts.sites import Fraction
from services.contracts.values import Page
from tests.component.orders.scenario import (
    AGREEMENTS,
    ARTICLES,
    HOLIDAYS,
    ROUTES,
    RULES,
    OrdersScenario,
    container_stated,
    day,
    site_stated,
)
from tests.support.chunks import iterate_chunks

FILES = {"articles": ARTICLES, "routes": ROUTES, "holidays": HOLIDAYS, "rules": RULES, "agreements": AGREEMENTS}
PICKUPS = "pickup_number,agreement_number,date,outcome,grams,reason,done_at\n"


def header(text: str) -> str:
    return text.split("\n", maxsplit=1)[0] + "\n"


async def test_the_same_files_again_change_nothing(scenario: OrdersScenario) -> None:
    before = await scenario.harness.emitted_events()
    for kind, text in FILES.items():
        done, _ = await scenario.harness.import_file(kind, text)
        assert (done.added, done.changed, done.unchanged, done.failed) == (0, 0, done.total, 0), kind
    assert await scenario.harness.emitted_events() == before


async def test_a_changed_row_is_seen_at_once(scenario: OrdersScenario) -> None:
    done, _ = await scenario.harness.import_file("articles", ARTICLES.replace("1250", "1260"))
    assert (done.changed, done.unchanged) == (1, 2)
    done, _ = await scenario.harness.import_file("rules", RULES.replace("TOLERANCE,1", "TOLERANCE,2"))
    assert done.changed == 1
    done, _ = await scenario.harness.import_file("agreements", AGREEMENTS.replace("360,1,2,2019", "360,1,4,2019"))
    assert (done.changed, done.unchanged) == (1, 3)
    api = scenario.harness.api(await scenario.member(billing=True))
    (agreement,) = await api.agreements_by_id([scenario.id("A1")])
    assert agreement is not None and agreement.article.price is not None
    assert (agreement.interval_weeks, agreement.version, agreement.article.price.minor) == (4, 2, 1260)
    (calendar,) = await api.calendars([scenario.sites["50"]], day("5.3."), day("5.3."))
    assert isinstance(calendar, Calendar)
    assert [one.tolerance_days for one in calendar.pickups] == [2]


async def test_bad_rows_of_reference_data_are_named_and_good_ones_kept(scenario: OrdersScenario) -> None:
    rows = {
        "articles": [
            ("R361,A,A,A,A,GARDEN,20 03 01,pcs,1,255,EUR,2025-01-01,", "fraction", "MALFORMED"),
            ("R362,A,A,A,A,RESIDUAL,20 03,pcs,1,255,EUR,2025-01-01,", "waste_code", "MALFORMED"),
            ("R363,A,A,A,A,RESIDUAL,20 03 01,pcs,1,255,EUR,2025-01-02,2025-01-01", "valid_until", "BEFORE_START"),
            ("R364,A,A,A,A,RESIDUAL,21 03 01,pcs,1,255,EUR,2025-01-01,", "waste_code", "UNKNOWN"),
            ("R365,A,A,A,A,RESIDUAL,20 03 01*,pcs,1,255,EUR,2025-01-01,", "waste_code", "UNKNOWN"),
            ("R366,A,A,A,A,RESIDUAL,20 03 01,pcs,-1,255,EUR,2025-01-01,", "net_minor", "MALFORMED"),
            ("R367,A,A,A,A,RESIDUAL,20 03 01,pcs,1.5,255,EUR,2025-01-01,", "net_minor", "MALFORMED"),
            ("R368,=A,A,A,A,RESIDUAL,20 03 01,pcs,1,255,EUR,2025-01-01,", "name_fi", "MALFORMED"),
            ("R369,A,A,A,A\u202eB,RESIDUAL,20 03 01,pcs,1,255,EUR,2025-01-01,", "name_en", "MALFORMED"),
            ("R361,A,A,A,A,RESIDUAL,20 03 01,pcs,1,255,EUR,2025-01-01,", "article_number", "REPEATED"),
            (",A,A,A,A,RESIDUAL,20 03 01,pcs,1,255,EUR,2025-01-01,", "article_number", "MISSING"),
            (",A,A,A,A,RESIDUAL,20 03 01,pcs,1,255,EUR,2025-01-01,", "article_number", "MISSING"),
        ],
        "routes": [("X,AREA,RESIDUAL,MO XX,1,2025-01-01,2025-01-01,", "weekdays", "MALFORMED")],
        "holidays": [("DK,2026-04-03,A,A,A,A,2026-04-04", "country", "MALFORMED")],
        "rules": [
            ("X1,KOUVOLA,,CUT_OFF,at noon,§,2025-01-01,", "value", "MALFORMED"),
            ("X2,KOUVOLA,,TOLERANCE,many,§,2025-01-01,", "value", "MALFORMED"),
            ("X3,KOUVOLA,,TOLERANCE,1,,2025-01-01,", "citation", "MISSING"),
            ("X4,KOUVOLA,,YEARLY_PRICE,1,§,2025-01-01,", "kind", "MALFORMED"),
            ("X5,KOUVOLA,,tolerance,1,§,2025-01-01,", "kind", "MALFORMED"),
        ],
        "agreements": [
            ("X1,99,C1,R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,", "site_number", "UNKNOWN"),
            ("X2,50,C9,R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,", "container_number", "UNKNOWN"),
            ("X3,50,C3,R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,", "container_number", "ON_ANOTHER_SITE"),
            ("X4,50,C1,R999,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,", "article_number", "UNKNOWN"),
            ("X5,50,C1,R360,TH9,RESIDUAL,360,1,2,2019-08-13,2026-01-08,", "route_number", "UNKNOWN"),
            ("X6,50,C1,R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,2019-01-01", "ended_on", "BEFORE_START"),
            ("X7,50,C1,R360,TH1,RESIDUAL,360,1,0,2019-08-13,2026-01-08,", "interval_weeks", "MALFORMED"),
        ],
    }
    for kind, bad_rows in rows.items():
        text = header(FILES[kind]) + "".join(f"{row}\n" for row, _, _ in bad_rows) + FILES[kind].split("\n")[1] + "\n"
        done, bad = await scenario.harness.import_file(kind, text)
        assert (done.unchanged, done.failed) == (1, len(bad_rows))
        assert [(row.field, row.code) for row in bad] == [(field, code) for _, field, code in bad_rows], kind


async def test_an_agreement_waits_for_its_site(scenario: OrdersScenario) -> None:
    organisation_id, site_id = write_id("org", new_uuid()), write_id("site", new_uuid())
    row = "A9,70,C9,R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,\n"
    uploaded = await scenario.harness.imports.upload("agreements", "agreements.csv", _file(header(AGREEMENTS) + row))
    await scenario.harness.imports.start(uploaded.id, Language.EN)
    with pytest.raises(RunAgain):  # the row waits
        await scenario.harness.run_import(uploaded.id)
    await scenario.harness.receive(container_stated("C9", site_id, organisation_id, Fraction.RESIDUAL))
    with pytest.raises(RunAgain):  # the container alone is not enough
        await scenario.harness.run_import(uploaded.id)
    await scenario.harness.receive(site_stated(site_id, organisation_id, "70"))
    await scenario.harness.run_import(uploaded.id)
    (found,) = await scenario.harness.imports.queries.imports_by_id([uploaded.id])
    assert found is not None
    assert (found.added, found.failed) == (1, 0)


async def test_past_pickups_are_in_the_calendar_and_are_announced_once(scenario: OrdersScenario) -> None:
    rows = (
        "P1,A1,2026-01-22,EMPTIED,38500,,2026-01-22T08:30:00+02:00\n"
        "P2,A1,2026-02-05,FAILED,,Portti kiinni,\n"
        "P3,A1,2025-11-27,EMPTIED,12000,,\n"
    )
    done, bad = await scenario.harness.import_file("pickups", PICKUPS + rows)
    assert (done.added, bad) == (3, [])
    api = scenario.harness.api(await scenario.member())
    (calendar,) = await api.calendars([scenario.sites["50"]], dt.date(2025, 11, 1), day("5.2."))
    assert isinstance(calendar, Calendar)
    residual = [one for one in calendar.pickups if one.agreement_id == scenario.id("A1")]
    assert [(one.date, one.state, one.grams, one.failure) for one in residual] == [
        (dt.date(2025, 11, 27), PickupState.EMPTIED, 12000, None),
        (day("8.1."), PickupState.UNREPORTED, None, None),
        (day("22.1."), PickupState.EMPTIED, 38500, None),
        (day("5.2."), PickupState.FAILED, None, "Portti kiinni"),
    ]
    assert residual[2].done_at == dt.datetime(2026, 1, 22, 6, 30, tzinfo=dt.UTC)
    assert residual[3].done_at == dt.datetime(2026, 2, 5, 7, 0, tzinfo=dt.UTC), "9 o'clock by default"
    announced = await scenario.harness.emitted_events(PickupRecorded)
    assert [(one.date, one.grams, one.version) for one in announced] == [
        (day("22.1."), 38500, 1),
        (day("5.2."), None, 1),
        (dt.date(2025, 11, 27), 12000, 1),
    ]
    assert {one.pickup_id for one in announced} == {one.id for one in residual} - {residual[1].id}

    done, _ = await scenario.harness.import_file("pickups", PICKUPS + rows)
    assert (done.added, done.changed, done.unchanged) == (0, 0, 3)
    assert len(await scenario.harness.emitted_events(PickupRecorded)) == 3

    done, _ = await scenario.harness.import_file("pickups", PICKUPS + rows.replace("38500", "39500"))
    assert (done.changed, done.unchanged) == (1, 2)
    last = (await scenario.harness.emitted_events(PickupRecorded))[-1]
    assert (last.grams, last.version) == (39500, 2)


async def test_a_corrected_pickup_stays_with_its_first_organisation_and_article(scenario: OrdersScenario) -> None:
    row = "P1,A1,2026-01-22,EMPTIED,38500,,\n"
    await scenario.harness.import_file("pickups", PICKUPS + row)
    await scenario.harness.receive(site_stated(scenario.sites["50"], scenario.other_organisation_id, "50", version=2))
    done, _ = await scenario.harness.import_file("agreements", AGREEMENTS.replace("A1,50,C1,R360", "A1,50,C1,B240"))
    assert done.changed == 1
    await scenario.harness.import_file("pickups", PICKUPS + row.replace("38500", "39500"))
    first, second = await scenario.harness.emitted_events(PickupRecorded)
    assert second == msgspec.structs.replace(first, grams=39500, version=2)
    assert second.organisation_id == scenario.organisation_id


async def test_bad_past_pickups_are_named(scenario: OrdersScenario) -> None:
    await scenario.harness.import_file("pickups", PICKUPS + "P1,A1,2026-01-22,EMPTIED,1,,\n")
    rows = [
        ("P9,A99,2026-01-22,EMPTIED,1,,", "agreement_number", "UNKNOWN"),
        ("P10,A1,2026-01-22,LOST,1,,", "outcome", "MALFORMED"),
        ("P11,A1,2026-01-22,EMPTIED,-1,,", "grams", "MALFORMED"),
        ("P12,A1,2026-01-22,EMPTIED,1,,2026-01-22T08:00:00", "done_at", "MALFORMED"),
        ("P13,A1,2026-01-22,EMPTIED,1,,1970-01-22T08:00:00Z", "done_at", "MALFORMED"),
        ("P14,A1,2026-01-22,EMPTIED,1,,2026-03-04T09:00:01Z", "done_at", "MALFORMED"),
        ("P15,A1,2026-03-05,EMPTIED,1,,", "date", "MALFORMED"),
        ("P16,A1,1999-12-31,EMPTIED,1,,", "date", "MALFORMED"),
        ("P1,A1,2026-02-05,EMPTIED,1,,", "pickup_number", "OTHER_PICKUP"),
    ]
    done, bad = await scenario.harness.import_file("pickups", PICKUPS + "".join(f"{row}\n" for row, _, _ in rows))
    assert done.failed == len(rows)
    assert [(row.field, row.code) for row in bad] == [(field, code) for _, field, code in rows]
    assert {row.reason for row in bad[4:8]} == {"This must be from 1 Jan 2000 to 4 Mar 2026."}


async def test_a_truncated_row_and_a_wrong_encoding_fail_their_row_only(scenario: OrdersScenario) -> None:
    text = (PICKUPS + "P1,A1,2026-01-22,EMPTIED,1,,\nP2,A1,2026-02-05,FAILED,,").encode()
    done, bad = await scenario.harness.import_file("pickups", text + "Pyörä\n".encode("latin-1") + b"P3,A1,20")
    assert (done.added, done.failed) == (1, 2)
    assert [row.code for row in bad] == ["NOT_UTF8", "WRONG_CELL_COUNT"]


async def test_a_file_of_many_batches_is_imported_completely(scenario: OrdersScenario) -> None:
    start = dt.date(2000, 1, 6)
    rows = "".join(f"P{n},A{1 + n % 4},{start + dt.timedelta(days=n // 4)},EMPTIED,{n},,\n" for n in range(2_000))
    done, bad = await scenario.harness.import_file("pickups", PICKUPS + rows)
    assert (done.added, bad) == (2_000, [])
    assert len(await scenario.harness.emitted_events(PickupRecorded)) == 2_000
    done, _ = await scenario.harness.import_file("pickups", PICKUPS + rows)
    assert done.unchanged == 2_000


async def test_a_site_shows_its_agreements(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    (page,) = await api.agreements_of_sites([scenario.sites["50"]], Page())
    assert page.total_count == 2
    first = page.edges[0].node
    assert (first.agreement_number, first.container_number, first.article.name) == (
        "A1",
        "C1",
        "LOPPUJÄTEASTIAN 360 L TYHJENNYS",
    )


def _file(text: str) -> AsyncIterator[bytes]:
    return iterate_chunks(text.encode())
