"""Sort keys of names."""

from services.chassis.db.sort_keys import sort_key


def test_names_sort_as_people_expect() -> None:
    streets = ["Östergatan 1", "Åvägen 3", "Katu 10", "Katu 9", "Ängsvägen 2", "aamutie 1", "Zeppelinkatu 1"]
    assert sorted(streets, key=sort_key) == [
        "aamutie 1",
        "Katu 9",
        "Katu 10",
        "Zeppelinkatu 1",
        "Åvägen 3",
        "Ängsvägen 2",
        "Östergatan 1",
    ]
