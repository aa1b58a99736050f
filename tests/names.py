"""``make check``'s rules for names and sentences: those that no linter knows.

- A sentence of a docstring or a comment names its subject: none begins with What, Who, Whoever, Whatever, Nobody or
  No one.
- No module is named with a bare participle (``pushed``, ``taking``).
- A public class has a name of its own in ``gateway``, ``services`` and ``deploy``.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
_RIDDLE = re.compile(r"(?:^|[.!?]\s+|[.!?:]\n\s*)(What|Who|Whoever|Whatever|Nobody|No one)\b(?![^.!?\n]*\?)")
_PARTICIPLE = re.compile(r"[a-z]+(?:ing|ed)")
_NOUNS = {"feed", "listing", "logging", "paging", "polling", "seed", "tracing"}
"""Module names that end like participles and are nouns."""
_SHARED = {
    "OrganisationCopyRepository",
    "PostgresOrganisationCopyRepository",
    "PostgresSiteCopyRepository",
    "SiteCopy",
    "SiteCopyRepository",
}
"""Names of one concept: services that copy the same things, or need the same decisions, have their own ports."""


def complaints(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield each breach of the rules in some modules, by their paths."""
    classes = defaultdict[str, list[str]](list)
    for path, source in sources.items():
        tree = ast.parse(source)
        stem = Path(path).stem
        if _PARTICIPLE.fullmatch(stem) and stem not in _NOUNS:
            yield f"{path}: a module is named with a noun, not with a participle"
        for line, text in _texts(tree, source):
            if found := _RIDDLE.search(text):
                yield f"{path}:{line}: a sentence begins with {found[1]}: name its subject"
        if not path.startswith("tests/"):
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    classes[node.name].append(path)
    for name, paths in classes.items():
        if len(paths) > 1 and name not in _SHARED:
            yield f"{', '.join(paths)}: {name} names several public classes"


def _texts(tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """Yield docstrings, strings under attributes and constants, and blocks of comments, each with its first line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    yield from _comments(tokenize.generate_tokens(io.StringIO(source).readline))


def _comments(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tuple[int, str]]:
    """Yield comments; those on lines that follow each other in one column as one."""
    block: list[tokenize.TokenInfo] = []
    for token in (token for token in tokens if token.type == tokenize.COMMENT):
        if block and token.start != (block[-1].start[0] + 1, block[-1].start[1]):
            yield _joined(block)
            block = []
        block.append(token)
    if block:
        yield _joined(block)


def _joined(block: list[tokenize.TokenInfo]) -> tuple[int, str]:
    return block[0].start[0], " ".join(token.string.lstrip("#: ") for token in block)


def main() -> int:
    """Print each breach in the repository; the exit code is 1 if there is one."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]
    found = list(complaints({path: (ROOT / path).read_text(encoding="utf-8") for path in paths}))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
