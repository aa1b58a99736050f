"""The example in the executor's README runs, with one call for all books."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import gateway.execution

README = Path(gateway.execution.__file__).parent / "README.md"


class Library:
    """The library of the example."""

    def __init__(self, example: Any) -> None:
        self._example = example
        self.calls: list[list[int]] = []

    async def books(self) -> list[Any]:
        """Return all books."""
        return [self._example.Book(author_id=number % 2, title=f"Book {number}") for number in range(4)]

    async def authors(self, ids: list[int]) -> list[Any]:
        """Return the authors with these ids."""
        self.calls.append(ids)
        return [self._example.Author(name=("Minna Canth", "Juhani Aho")[one]) for one in ids]


async def test_the_example_in_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    example: Any = ModuleType("example_of_the_readme")
    monkeypatch.setitem(sys.modules, example.__name__, example)
    exec(compile(text, str(README), "exec"), vars(example))
    library = Library(example)
    result = await example.schema.execute(
        "{ books { title author { name } } }", context_value=SimpleNamespace(library=library)
    )
    assert result.errors is None
    assert result.data == {
        "books": [
            {"title": "Book 0", "author": {"name": "Minna Canth"}},
            {"title": "Book 1", "author": {"name": "Juhani Aho"}},
            {"title": "Book 2", "author": {"name": "Minna Canth"}},
            {"title": "Book 3", "author": {"name": "Juhani Aho"}},
        ]
    }
    assert library.calls == [[0, 1, 0, 1]], "one call for all books"
