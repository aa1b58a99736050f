"""Language negotiation by weights (RFC 9110, sections 12.4.2 and 12.5.4), else the user's own language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.language import language_of
from services.contracts.identity.people import Language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("sv-FI,en;q=0.5", "sv"),
        # The highest weight, in any position; of equals the first.
        ("en;q=0.1, sv", "sv"),
        ("fi;q=0.3, en;q=0.8, sv;q=0.5", "en"),
        ("nb, sv", "nb"),
        ("sv;q=0.7, en;q=0.7", "sv"),
        ("de, en;q=0.001", "en"),
        ("sv \t;  q=0.5 ,\ten ; q=0.6", "en"),
        ("sv;Q=0.2, en;q=0.3", "en"),
        ("sv;q=1.000, en;q=0.999", "sv"),
        (",, ,en,", "en"),
        # 0 is "not acceptable".
        ("en;q=0, sv;q=0.1", "sv"),
        ("fi;q=0, *", "sv"),
        ("fi;q=0.000, sv;q=0, *;q=0.1", "nb"),
        ("fi;q=0", "sv"),
        ("fi;q=0, sv;q=0, nb;q=0, en;q=0", "fi"),
        ("en, en;q=0, sv;q=0.1", "sv"),
        ("en-GB;q=0, en;q=0.5, sv;q=0.1", "en"),
        # * matches every language that is not listed.
        ("*", "fi"),
        ("de, *;q=0.5", "fi"),
        ("en, *", "en"),
        ("en;q=0.1, *;q=0.5", "fi"),
        ("fi;q=0.1, *;q=0.5", "sv"),
        ("fi;q=0.1, sv;q=0.2, nb;q=0.1, en;q=0.1, *;q=0.5", "sv"),
        ("en;q=0.5, *;q=0", "en"),
        ("*;q=0", "fi"),
        # Both written forms of Norwegian, and Norwegian itself.
        ("no", "nb"),
        ("nn", "nb"),
        ("nn-NO, en;q=0.9", "nb"),
        ("nb-NO", "nb"),
        ("nn;q=0, nb, en;q=0.5", "nb"),
        # Invalid ranges and weights are ignored.
        ("", "fi"),
        ("de", "fi"),
        ("enm", "fi"),
        ("english", "fi"),
        ("en_GB, sv;q=0.1", "sv"),
        ("en;q=1.1, sv;q=0.1", "sv"),
        ("en;q=-1, sv;q=0.1", "sv"),
        ("en;q=0.1234, sv;q=0.1", "sv"),
        ("en;q=nan, sv;q=0.1", "sv"),
        ("en;q=, sv;q=0.1", "sv"),
        ("en;level=1, sv;q=0.1", "sv"),
        ("ｅｎ, sv;q=0.1", "sv"),
        ("en;q=0.٥, sv;q=0.1", "sv"),
    ],
)
def test_the_header_decides(accepted: str, language: str) -> None:
    assert language_of(accepted).value == language


@pytest.mark.parametrize(
    ("accepted", "own", "language"),
    [
        ("", "sv", "sv"),
        ("de", "sv", "sv"),
        ("*", "sv", "sv"),
        ("de, *;q=0.1", "en", "en"),
        ("sv;q=0", "sv", "fi"),
        ("fi;q=0", "sv", "sv"),
        ("en", "sv", "en"),
        ("en;q=0.1", "sv", "en"),
        ("fi;q=0.1, *;q=0.5", "en", "en"),
        ("", "tlh", "fi"),
        ("", "nn", "nb"),
    ],
)
def test_without_a_match_the_users_own_language_decides(accepted: str, own: str, language: str) -> None:
    assert language_of(accepted, own).value == language


def test_only_the_beginning_of_a_long_header_is_read() -> None:
    ranges = ",".join(f"x{number};q=0.5" for number in range(500))
    assert language_of(f"{ranges},en").value == "fi"
    assert language_of(f"en;q=0.1,{ranges},sv").value == "en"
    assert language_of("e" * 100_000).value == "fi"
    # A range across the limit is ignored, not truncated.
    assert language_of("x" * 997 + ",enm-x,sv").value == "fi"


@given(st.text() | st.from_regex(r"((fi|sv|nb|nn|no|en|\*)(-[A-Z]{2})?(;q=[01](\.[0-9]{0,3})?)?,? ?)+", fullmatch=True))
def test_every_header_has_a_language(accepted: str) -> None:
    assert language_of(accepted) in Language
    assert language_of(accepted, "sv") in Language


OWN = st.sampled_from(Language)
OTHERS = st.lists(st.sampled_from(["de", "fr-CA", "es;q=0.5", "*", "zh-Hant;q=0.1"]), max_size=3)


@given(OWN, OWN, OTHERS, OTHERS)
def test_a_named_language_of_ours_wins_over_the_users_own(
    own: Language, named: Language, before: list[str], behind: list[str]
) -> None:
    assert language_of(", ".join([*before, *behind]), own.value) is own
    assert language_of(", ".join([*before, named.value, *behind]), own.value) is named
