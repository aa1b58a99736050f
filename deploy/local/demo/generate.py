"""Generator of the demonstration export: ``python -m deploy.local.demo.generate``. It writes the same files every time.

Dates are ``D+n``: n days from the Monday of the week in which the export is first loaded, so that the trucks come on
their weekdays and the past is always the past twelve months. Holidays and dates of record stand as they are.
"""

import csv
import datetime as dt
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import holidays as calendars

FOLDER = Path(__file__).parent
YEARS = range(2023, 2031)
PAST_DAYS = 364

ARTICLES = [
    # number, fi, sv, nb, en, fraction, waste code, net price of one emptying in cents
    ("R360", "LOPPUJÄTEASTIAN 360 L TYHJENNYS", "Tömning av restavfallskärl 360 l", "Tømming av restavfallsdunk 360 l",
     "Emptying of residual waste bin 360 l", "RESIDUAL", "20 03 01", 998),
    ("R240", "LOPPUJÄTEASTIAN 240 L TYHJENNYS", "Tömning av restavfallskärl 240 l", "Tømming av restavfallsdunk 240 l",
     "Emptying of residual waste bin 240 l", "RESIDUAL", "20 03 01", 772),
    ("R660", "LOPPUJÄTEASTIAN 660 L TYHJENNYS", "Tömning av restavfallskärl 660 l", "Tømming av restavfallsdunk 660 l",
     "Emptying of residual waste bin 660 l", "RESIDUAL", "20 03 01", 1490),
    ("B240", "240 L BIOJÄTEASTIAN TYHJENNYS", "Tömning av bioavfallskärl 240 l", "Tømming av matavfallsdunk 240 l",
     "Emptying of biowaste bin 240 l", "BIOWASTE", "20 01 08", 845),
    ("B140", "140 L BIOJÄTEASTIAN TYHJENNYS", "Tömning av bioavfallskärl 140 l", "Tømming av matavfallsdunk 140 l",
     "Emptying of biowaste bin 140 l", "BIOWASTE", "20 01 08", 620),
    ("K660", "KARTONKIASTIAN 660 L TYHJENNYS", "Tömning av kartongkärl 660 l", "Tømming av pappdunk 660 l",
     "Emptying of cardboard bin 660 l", "CARDBOARD", "15 01 01", 790),
    ("P660", "PAPERIASTIAN 660 L TYHJENNYS", "Tömning av papperskärl 660 l", "Tømming av papirdunk 660 l",
     "Emptying of paper bin 660 l", "PAPER", "20 01 01", 510),
    ("M660", "MUOVIPAKKAUSASTIAN 660 L TYHJENNYS", "Tömning av plastkärl 660 l", "Tømming av plastdunk 660 l",
     "Emptying of plastic packaging bin 660 l", "PLASTIC", "15 01 02", 830),
    ("L240", "LASIPAKKAUSASTIAN 240 L TYHJENNYS", "Tömning av glaskärl 240 l", "Tømming av glassdunk 240 l",
     "Emptying of glass packaging bin 240 l", "GLASS", "15 01 07", 910),
    ("E240", "PIENMETALLIASTIAN 240 L TYHJENNYS", "Tömning av metallkärl 240 l", "Tømming av metalldunk 240 l",
     "Emptying of small metal bin 240 l", "METAL", "15 01 04", 910),
]  # fmt: skip
LITRES = {"R360": 360, "R240": 240, "R660": 660, "B240": 240, "B140": 140, "K660": 660, "P660": 660, "M660": 660,
          "L240": 240, "E240": 240}  # fmt: skip
KILOS = {"RESIDUAL": (12, 48), "BIOWASTE": (8, 40), "CARDBOARD": (9, 30), "PAPER": (20, 60), "PLASTIC": (4, 14),
         "GLASS": (15, 50), "METAL": (5, 22)}  # fmt: skip
DAYS = ["MO", "TU", "WE", "TH", "FR"]
AREAS = ["KELTAKANGAS", "KESKUSTA", "KUUSANKOSKI"]
FRACTIONS = list(KILOS)

EKOKAARI = [
    # article, count, every n-th week, ordered on
    ("R360", 1, 2, "2018-05-02"), ("B240", 1, 1, "2018-05-02"), ("R240", 1, 12, "2019-08-13"),
    ("K660", 2, 2, "2018-05-02"), ("P660", 1, 4, "2018-05-02"), ("M660", 2, 2, "2021-01-11"),
    ("L240", 1, 8, "2018-05-02"), ("E240", 1, 8, "2018-05-02"), ("R660", 2, 1, "2020-03-16"),
    ("B240", 2, 1, "2020-03-16"), ("K660", 1, 4, "2020-03-16"), ("M660", 1, 4, "2022-06-01"),
    ("P660", 1, 8, "2020-03-16"), ("L240", 1, 12, "2020-03-16"), ("E240", 1, 12, "2020-03-16"),
    ("R240", 1, 4, "2023-06-01"), ("B140", 1, 2, "2023-06-01"),
]  # fmt: skip

STREETS = ["Koivukatu", "Mäntytie", "Kuusikuja", "Pihlajapolku", "Tammitie", "Lehmuskatu", "Haapatie", "Vaahterakuja"]
CITIES = [("45100", "KOUVOLA", "KESKUSTA"), ("45700", "KUUSANKOSKI", "KUUSANKOSKI"),
          ("46860", "KELTAKANGAS", "KELTAKANGAS")]  # fmt: skip

NORWEGIAN = {
    "Uudenvuodenpäivä": "Nyttårsdag", "Loppiainen": "Helligtrekongersdag", "Pitkäperjantai": "Langfredag",
    "Pääsiäispäivä": "Første påskedag", "Toinen pääsiäispäivä": "Andre påskedag", "Vappu": "Første mai",
    "Helatorstai": "Kristi himmelfartsdag", "Helluntaipäivä": "Første pinsedag", "Juhannuspäivä": "Midtsommerdagen",
    "Pyhäinpäivä": "Allehelgensdag", "Itsenäisyyspäivä": "Finlands selvstendighetsdag", "Jouluaatto": "Julaften",
    "Joulupäivä": "Første juledag", "Tapaninpäivä": "Andre juledag", "Juhannusaatto": "Midtsommeraften",
}  # fmt: skip

Table = tuple[list[str], Sequence[Sequence[object]]]


def weekday_of(area: str, fraction: str) -> int:
    """Return the weekday (0 is Monday) of an area's route for a fraction."""
    return (AREAS.index(area) * 2 + FRACTIONS.index(fraction)) % 5


def export() -> dict[str, Table]:
    """Return every file of the export: its columns and its rows."""
    rng = random.Random(46860)  # noqa: S311 - the same every time is what is wanted
    sites = list(_sites())
    containers: list[tuple[object, ...]] = []
    agreements: list[tuple[object, ...]] = []
    pickups: list[tuple[object, ...]] = []
    for site_number, area, site_agreements in _agreements_of_sites(sites):
        for article, count, interval, ordered in site_agreements:
            fraction = next(row[5] for row in ARTICLES if row[0] == article)
            number = len(agreements) + 1
            first = weekday_of(area, fraction) + 7 * (number % interval) - 7 * interval * 60
            containers.append((f"C{number:05}", site_number, fraction, LITRES[article], count))
            agreements.append(
                (f"A{number:05}", site_number, f"C{number:05}", article, f"{area}-{fraction}", fraction,
                 LITRES[article], count, interval, ordered, f"D{first:+}", "")
            )  # fmt: skip
            for day in range(first, 0, 7 * interval):
                if day >= -PAST_DAYS:
                    pickups.append((f"P{len(pickups) + 1:06}", f"A{number:05}", *_outcome(rng, day, fraction, count)))
    return {
        "organisations": _organisations(),
        "invoices": _invoices(),
        "sites": (
            ["site_number", "customer_number", "street", "postal_code", "city", "municipality", "area",
             "property_type", "dwellings", "billed_to", "contact_name", "contact_phone", "contact_email"],
            sites,
        ),
        "containers": (["container_number", "site_number", "fraction", "litres", "count"], containers),
        "articles": _articles(),
        "routes": _routes(),
        "holidays": _holidays(),
        "rules": _rules(),
        "agreements": (
            ["agreement_number", "site_number", "container_number", "article_number", "route_number", "fraction",
             "litres", "count", "interval_weeks", "ordered_on", "first_pickup", "ended_on"],
            agreements,
        ),
        "pickups": (["pickup_number", "agreement_number", "date", "outcome", "grams", "reason", "done_at"], pickups),
    }  # fmt: skip


def _organisations() -> Table:
    return (
        ["customer_number", "name", "kind", "business_id"],
        [
            ("62-0000000-00", "AS OY MIRJA", "HOUSING_COMPANY", ""),
            ("62-0000100-00", "Kymen Isännöinti Oy", "BUSINESS", ""),
            ("62-0000200-00", "Kahvila Kanerva Oy", "BUSINESS", ""),
            ("62-0000300-00", "Aaltonen Aino", "HOUSEHOLD", ""),
        ],
    )


def _invoices() -> Table:
    columns = ["invoice_number", "customer_number", "invoice_date", "due_date", "period", "net_minor", "vat_rate",
               "currency"]  # fmt: skip
    return columns, [
        ("1862101", "62-0000000-00", "2021-11-30", "2021-12-17", "VUOSI 2021", 118240, 240, "EUR"),
        ("1962859", "62-0000000-00", "2022-11-29", "2022-12-16", "VUOSI 2022", 124410, 240, "EUR"),
        ("1962901", "62-0000100-00", "D-75", "D-58", "EDELLINEN NELJÄNNES", 2604150, 255, "EUR"),
        ("1962977", "62-0000200-00", "D-40", "D-23", "EDELLINEN KUUKAUSI", 18870, 255, "EUR"),
        ("1963012", "62-0000300-00", "D-33", "D-16", "EDELLINEN VUOSI", 9420, 255, "EUR"),
    ]


def _sites() -> Iterator[tuple[object, ...]]:
    yield ("1001", "62-0000000-00", "EKOKAARI 50", "46860", "KELTAKANGAS", "KOUVOLA", "KELTAKANGAS",
           "HOUSING_COMPANY", 24, "AS OY MIRJA", "Mirja Mallikas", "+358 40 0000001", "mirja@example.fi")  # fmt: skip
    for number in range(200):
        postal_code, city, area = CITIES[number % 3]
        street = f"{STREETS[number % len(STREETS)]} {number // len(STREETS) + 1}"
        yield (str(2001 + number), "62-0000100-00", street, postal_code, city, "KOUVOLA", area, "HOUSING_COMPANY",
               8 + number % 40, f"AS OY {street.upper()}", "Iiro Isännöitsijä", "+358 40 0000100",
               "iiro@example.fi")  # fmt: skip
    yield ("3001", "62-0000200-00", "Kauppalankatu 12", "45100", "KOUVOLA", "KOUVOLA", "KESKUSTA", "BUSINESS", 0,
           "Kahvila Kanerva Oy", "Kerttu Kanerva", "+358 40 0000200", "kerttu@example.fi")  # fmt: skip
    yield ("4001", "62-0000300-00", "Ömossavägen 3", "45700", "KUUSANKOSKI", "KOUVOLA", "KUUSANKOSKI", "HOUSE", 1,
           "Aaltonen Aino", "Aino Aaltonen", "+358 40 0000300", "aino@example.fi")  # fmt: skip


def _agreements_of_sites(
    sites: Iterable[Sequence[object]],
) -> Iterator[tuple[str, str, list[tuple[str, int, int, str]]]]:
    """Iterate over the (site, area, agreements) of all sites."""
    for site in sites:
        number, area = str(site[0]), str(site[6])
        if number == "1001":
            yield number, area, EKOKAARI
        elif number == "3001":
            yield (
                number,
                area,
                [("R240", 1, 2, "2024-02-01"), ("B140", 1, 1, "2024-02-01"), ("K660", 1, 2, "2024-02-01")],
            )
        elif number == "4001":
            yield number, area, [("R240", 1, 4, "2023-09-04")]
        else:
            yield number, area, [("R660", 2, 2, "2021-01-04"), ("K660", 1, 4, "2021-01-04")]


def _outcome(rng: random.Random, day: int, fraction: str, count: int) -> tuple[object, ...]:
    low, high = KILOS[fraction]
    if rng.random() < 0.01:
        return f"D{day:+}", "FAILED", "", "ACCESS_BLOCKED", ""
    return f"D{day:+}", "EMPTIED", rng.randrange(low * 10, high * 10) * 100 * count, "", ""


def _articles() -> Table:
    columns = ["article_number", "name_fi", "name_sv", "name_nb", "name_en", "fraction", "waste_code", "unit",
               "net_minor", "vat_rate", "currency", "valid_from", "valid_until"]  # fmt: skip
    return columns, [(*row[:7], "PCS", row[7], 255, "EUR", "2018-01-01", "") for row in ARTICLES]


def _routes() -> Table:
    columns = [
        "route_number",
        "area",
        "fraction",
        "weekdays",
        "week_interval",
        "first_week",
        "valid_from",
        "valid_until",
    ]
    return columns, [
        (f"{area}-{fraction}", area, fraction, DAYS[weekday_of(area, fraction)], 1, "2018-01-01", "2018-01-01", "")
        for area in AREAS
        for fraction in FRACTIONS
    ]


def _holidays() -> Table:
    """Return Finland's public holidays; a pickup moves to the next day that is neither a holiday nor a Sunday."""
    named = {language: calendars.country_holidays("FI", years=YEARS, language=language) for language in ("fi", "en_US")}
    swedish = calendars.country_holidays("FI", years=YEARS, language="sv_FI")
    rows = []
    for day in sorted(named["fi"]):
        following = day + dt.timedelta(days=1)
        while following in named["fi"] or following.isoweekday() == 7:
            following += dt.timedelta(days=1)
        names = (named["fi"][day], swedish[day], NORWEGIAN[named["fi"][day]], named["en_US"][day])
        rows.append(("FI", day.isoformat(), *names, following.isoformat()))
    return ["country", "date", "name_fi", "name_sv", "name_nb", "name_en", "moves_to"], rows


def _rules() -> Table:
    columns = ["rule_number", "municipality", "fraction", "kind", "value", "citation", "valid_from", "valid_until"]
    return columns, [
        (
            "KVL-1",
            "KOUVOLA",
            "",
            "CUT_OFF",
            "1 12:00",
            "Tilaus viimeistään edellisenä arkipäivänä klo 12",
            "2018-01-01",
            "",
        ),
        ("KVL-2", "KOUVOLA", "", "TOLERANCE", "1", "Tyhjennys voi siirtyä yhdellä päivällä", "2018-01-01", ""),
        ("KVL-3", "KOUVOLA", "RESIDUAL", "INTERVALS", "2 4 6 8 12", "Jätehuoltomääräykset 1.6.2023", "2023-06-01", ""),
        ("KVL-4", "KOUVOLA", "BIOWASTE", "INTERVALS", "1 2", "Jätehuoltomääräykset 1.6.2023", "2023-06-01", ""),
    ]


def write(folder: Path) -> None:
    """Write every file of the export into a folder."""
    for name, (columns, rows) in export().items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)


if __name__ == "__main__":
    write(FOLDER)
