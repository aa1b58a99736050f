"""Malicious texts for Kierto's schema: too large, or invalid and expensive to reject."""

from collections.abc import Callable


def _many(count: int, make: Callable[[int], str]) -> str:
    return " ".join(make(number) for number in range(count))


def _chain(length: int, body: str, end: str) -> str:
    return _many(length, lambda one: f"fragment F{one} on Query {{ {body.format(one + 1)} }}") + (
        f" fragment F{length} on Query {{ {end} }}"
    )


TOO_LARGE = {
    "a megabyte of one name": ("text", "a" * 1_000_000),
    "a megabyte of nothing": ("text", " " * 1_000_000),
    "a megabyte of brackets": ("text", "{" * 1_000_000),
    "selections in selections": ("tokens", "{a" * 25_000),
    "lists in lists": ("tokens", "{a(b:" + "[" * 49_000),
    "objects in objects": ("tokens", "{a(b:" + "{a:" * 16_000),
    "types of lists of lists": ("tokens", "query($a:" + "[" * 49_000),
    "nothing but comments": ("tokens", "#\n" * 25_000),
    "nothing but quotes": ("tokens", '"' * 50_000),
    "nothing but block quotes": ("tokens", '"""' * 16_000),
    "nothing but dots": ("tokens", "." * 50_000),
    "nothing but faces": ("tokens", "😀" * 50_000),
    "type definitions": ("tokens", _many(300, lambda one: f"type A{one} {{ a: A }}")),
    "ten thousand times the same alias": ("tokens", "{ " + "a:me{id} " * 5_000 + "}"),
    "brackets that fit": ("nesting", "{a(b:" + "[" * 400 + "]" * 400 + ")}"),
    "one long name": ("name", "{" + "a" * 49_000 + "}"),
    "long names": ("name", "{" + _many(10, lambda one: f"sites{'s' * 4_800}{one}") + "}"),
    "a long number": ("name", "{sites(first:" + "9" * 49_000 + "){totalCount}}"),
    "nothing but dashes": ("name", "-" * 50_000),
    "inline fragments in each other": ("nesting", "{" + "...{" * 60 + "me{id}" + "}" * 61),
    "fields in each other": ("depth", "{sites{edges{node{" + "organisation{" * 30 + "id" + "}" * 34),
    "fields in fragments in each other": ("depth", "{...F0}" + _chain(30, "me{{...F{}}}", "me{id}")),
    "many fields": ("fields", "{sites{edges{node{" + "id " * 600 + "}}}}"),
    "fragments that double": ("fields", "{...F0}" + _chain(80, "...F{0} ...F{0}", "me{id}")),
    "the same alias": ("aliases", "{me{" + "a:id " * 60 + "}}"),
    "aliases in fragments that double": ("fields", "{...F0}" + _chain(60, "a:__typename ...F{0} ...F{0}", "me{id}")),
    "directives": ("directives", "{me" + "@a" * 60 + "{id}}"),
    "directives of variables": ("directives", "query(" + _many(60, lambda one: f"$v{one}:ID @a") + "){me{id}}"),
    "root fields": ("rootFields", "{" + _many(30, lambda one: f"a{one}:me{{id}}") + "}"),
    "root fields in a fragment": ("rootFields", "{...F ...F ...{...F}} fragment F on Query{" + "me{id} " * 10 + "}"),
}
"""Texts that exceed a limit, each with the name of the limit."""

MALFORMED = {
    "nothing": "",
    "no grammar": "!!$$..@|=",
    "a long string": '{me(a:"' + "x" * 49_000 + '")}',
    "a long block string": '{me(a:"""' + "\n  x" * 12_000 + '""")}',
    "a string of escapes": '"' + "\\" * 49_000,
    "a block string that never ends": '"""' + ' \\"""' * 9_900,
    "nothing but commas": "," * 50_000,
    "line separators": "\u2028" * 50_000,
    "NUL": "{me\0{id}}",
    "half a character": "{\udfff}",
    "half a character in a comment": "{me{id}} # \ud800",
    "half a character in a string": '{node(id:"\ud800"){id}}',
    "half a character, escaped": '{node(id:"\\ud800"){id}}',
    "a fragment in a circle": "{...A} fragment A on Query{...B} fragment B on Query{...A}",
    "a fragment in itself": "{...A} fragment A on Query{me{id} ...A}",
    "a fragment that is not there": "{...A}",
    "a fragment twice": "{...A} fragment A on Query{me{id}} fragment A on Query{me{id}}",
    "a fragment called on": "fragment on on on{on}",
    "unused fragments": "{me{id}} " + _many(120, lambda one: f"fragment F{one} on Site{{id}}"),
    "schema, and schema again": "extend schema " + _many(300, lambda one: "@a"),
    "circles of introspection": "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}",
    "the same fields": "{sites{edges{node{" + "address{city} " * 160 + "}}}}",
    "the same field": "{sites{edges{node{" + "id " * 490 + "}}}}",
    "the same fields in fragments": "{sites{edges{node{"
    + _many(70, lambda one: f"...F{one}")
    + "}}}} "
    + _many(70, lambda one: f"fragment F{one} on Site{{address{{city street}}}}"),
    "fields that are not the same": "{sites{edges{node{" + _many(20, lambda one: "a:id a:version") + "}}}}",
    "values that are not there": "{orders(filter:{states:["
    + _many(900, lambda one: f"RECEIVEX{one}")
    + "]}){totalCount}}",
    "fields that are not there": "{me{" + _many(400, lambda one: f"emailx{one}") + "}}",
    "arguments twice": "{sites(" + "first:1 " * 300 + "){totalCount}}",
    "unused variables": "query(" + _many(180, lambda one: f"$v{one}:ID!") + "){me{id}}",
    "types that are not there": "query(" + _many(180, lambda one: f"$v{one}:Sitx{one}") + "){me{id}}",
    "an object for a date": "{volumes(since:{a:1},until:[1]){__typename}}",
    "an object for a number": "{sites(first:{a:1}){totalCount}}",
    "nothing for an input": "mutation{reportPickups(input:null){__typename}}",
    "a list for an input": "mutation{reportPickups(input:[1,{reports:{a:1}}]){__typename}}",
    "operations that share fragments": _many(45, lambda one: f"query Q{one}($a:Int!){{...F0}}")
    + _chain(45, "...F{}", "sites(first:$b){totalCount}"),
}
"""Invalid texts within the limits."""
