"""CSV output without formulas, and safe file names in Content-Disposition."""

import csv
import io
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.http.server.content_disposition import attachment
from services.chassis.imports.csv_text import csv_text

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))


@given(st.lists(st.lists(st.one_of(texts, st.integers()), min_size=2, max_size=4), max_size=5))
def test_written_cells_are_read_back(rows: list[list[str | int]]) -> None:
    for written, cells in zip(read(csv_text(rows)), rows, strict=True):
        assert [got.removeprefix("'") for got in written] == [str(cell).removeprefix("'") for cell in cells]


@given(st.lists(st.lists(texts, min_size=2, max_size=4), max_size=5))
def test_no_text_is_a_formula(rows: list[list[str]]) -> None:
    for written in read(csv_text(rows)):
        assert not any(cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for cell in written)


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["a", 1], b"a,1\r\n"),
        (["a,b", 'c"d', "e\r\nf"], b'"a,b","c""d","e\r\nf"\r\n'),
        (["=1+1", "-2+3", "+4", "@SUM(A1)", "\tx"], b"'=1+1,'-2+3,'+4,'@SUM(A1),'\tx\r\n"),
        ([-5, "jäte"], "-5,jäte\r\n".encode()),
    ],
)
def test_lines(cells: list[str | int], line: bytes) -> None:
    assert csv_text([cells]) == line


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("sites.csv", 'attachment; filename="sites.csv"'),
        ("../etc/passwd", 'attachment; filename=".._etc_passwd"'),
        ('a"; x="b.csv', "attachment; filename=\"a__ x__b.csv\"; filename*=UTF-8''a_%3B%20x%3D_b.csv"),
        ("käyttö.csv", "attachment; filename=\"k_ytt_.csv\"; filename*=UTF-8''k%C3%A4ytt%C3%B6.csv"),
        ("gpj.\u202eexe", 'attachment; filename="gpj._exe"'),
    ],
)
def test_names(name: str, field: str) -> None:
    assert attachment(name) == field


@given(st.text(max_size=40))
def test_a_file_name_is_one_header_field(name: str) -> None:
    field = attachment(name)
    found = re.fullmatch(
        r"attachment; filename=\"([A-Za-z0-9._ -]*)\"(?:; filename\*=UTF-8''([A-Za-z0-9.%_~-]*))?", field
    )
    assert found is not None
    full = unquote(found.group(2) or found.group(1), errors="strict")
    assert len(full) == len(name)
    assert not set(full) & set('/\\"\r\n\0')
