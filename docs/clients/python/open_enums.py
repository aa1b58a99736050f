"""A plugin of ariadne-codegen: an enum takes a value that was added to the graph after the client was made."""

import ast

from ariadne_codegen.plugins.base import Plugin
from graphql import GraphQLEnumType

UNKNOWN = "UNKNOWN"

_MEMBERS = f"""
class _:
    {UNKNOWN} = "{UNKNOWN}"

    @classmethod
    def _missing_(cls, value: object) -> "{{name}}":
        return cls.{UNKNOWN}
"""


class OpenEnums(Plugin):
    """Gives each enum the member UNKNOWN, which every value is that the client does not know."""

    def generate_enum(self, class_def: ast.ClassDef, enum_type: GraphQLEnumType) -> ast.ClassDef:
        (added,) = ast.parse(_MEMBERS.format(name=class_def.name)).body
        assert isinstance(added, ast.ClassDef)
        class_def.body += added.body
        return class_def
