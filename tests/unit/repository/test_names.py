"""The rules for names and sentences: each is broken once on purpose."""

import pytest

from tests.names import complaints


@pytest.mark.parametrize(
    "source",
    [
        '"""What is asked of a service."""\n',
        '"""A call. Whoever makes it waits."""\n',
        '"""A call.\n\nNobody waits for it.\n"""\n',
        'X = 1\n"""Who asks."""\n',
        "# Nobody waits for it.\nX = 1\n",
        "# It is closed.\n# No one waits for it.\nX = 1\n",
    ],
)
def test_a_sentence_without_a_subject_is_noticed(source: str) -> None:
    (complaint,) = complaints({"gateway/call.py": source})
    assert "name its subject" in complaint


@pytest.mark.parametrize("source", ['"""A call. It says who makes it."""\n', "X = 1  # seconds, whoever waits\n"])
def test_a_sentence_with_a_subject_is_not(source: str) -> None:
    assert list(complaints({"gateway/call.py": source})) == []


@pytest.mark.parametrize("path", ["gateway/asking.py", "services/chassis/pushed.py", "tests/support/taking.py"])
def test_a_module_named_with_a_participle_is_noticed(path: str) -> None:
    (complaint,) = complaints({path: ""})
    assert "a noun" in complaint


def test_two_public_classes_of_one_name_are_noticed() -> None:
    one = "class Grant: ...\n"
    (complaint,) = complaints({"services/a.py": one, "gateway/b.py": one, "tests/c.py": one})
    assert complaint == "services/a.py, gateway/b.py: Grant names several public classes"
    assert list(complaints({"services/a.py": one, "gateway/b.py": "class _Grant: ...\n"})) == []
