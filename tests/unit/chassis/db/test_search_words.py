"""Words of searches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.db.search_words import MAX_WORDS, search_words, searched_text
from services.chassis.problems import MalformedInput


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("  EKOKAARI  50, Keltakangas ", " ekokaari 50 keltakangas"),
        ("Mäntytie 1 A", " mantytie 1 a"),
        ("Ma\u0308ntytie", " mantytie"),
        ("Åvägen", " avagen"),
        ("Ærøgata Straße", " aerogata strasse"),
        ("Ŋuorgam Đ Ŧ Þór Łódź", " nuorgam d t thor lodz"),
        ("62-0000001-00", " 62 0000001 00"),
        ("Käyttö\u00adohje", " kayttoohje"),
        ("１２ ﬁ ½", " 12 fi 1 2"),
        ("Площадь", " площадь"),
        ("--", " "),
        ("", " "),
    ],
)
def test_words_have_neither_case_nor_accents_nor_punctuation(text: str, searched: str) -> None:
    assert searched_text(text) == searched


@given(st.text())
def test_the_form_of_a_text_in_this_form_is_the_same(text: str) -> None:
    searched = searched_text(text)
    assert searched_text(searched) == searched


@given(st.lists(st.text(st.characters(max_codepoint=0x24F, categories=["L", "N"]), min_size=1, max_size=8), max_size=5))
def test_a_text_has_its_own_words_in_any_order_and_case(words: list[str]) -> None:
    text = " ".join(words)
    for asked in (text, text.upper(), " ".join(reversed(words))):
        assert all(word in searched_text(text) for word in search_words(asked, "search"))


def test_a_number_and_a_short_word_are_found_at_the_beginning_of_a_word_alone() -> None:
    assert search_words("koivukatu 1 kouvola", "search") == (" 1", "koivukatu", "kouvola")
    assert search_words("as 100 oy 10b", "search") == (" 100", " 10b", " as", " oy")
    house = searched_text("Koivukatu 1, 45100 Kouvola")
    assert all(word in house for word in search_words("katu 1", "search"))
    assert not all(word in house for word in search_words("katu 5", "search"))
    assert not all(word in house for word in search_words("katu 100", "search"))


def test_a_search_is_the_same_in_another_order_and_too_many_words_are_refused() -> None:
    assert search_words("b-a c c", "search") == search_words("C A B", "search")
    assert search_words(" - ", "search") == ()
    assert len(search_words(" ".join(map(str, range(MAX_WORDS))), "search")) == MAX_WORDS
    with pytest.raises(MalformedInput) as raised:
        search_words(" ".join(map(str, range(MAX_WORDS + 1))), "filter", "search")
    assert raised.value.path == ["filter", "search"]
    assert raised.value.params == {"reason": "TOO_MANY_WORDS", "most": "20"}
