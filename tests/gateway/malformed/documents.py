"""Invalid and excessive documents."""

from tests.gateway.malformed.cases import BAD, CLIENT_ERROR, OK_OR_BAD, MalformedRequest
from tests.gateway.malformed.raw_http import post_document

DEEP = 50_000

_WRONG = {
    "an empty document": " ",
    "a comment only": "# nothing",
    "no end": "{ me {",
    "too many ends": "{ __typename }}",
    "a character that is none": "{ __typename \x07 }",
    "a string without end": '{ __type(name: "x) { name } }',
    "a block string without end": '{ __type(name: """x) { name } }',
    "an unknown field": "{ nothing }",
    "an unknown argument": "{ __typename(a: 1) }",
    "an unknown directive": "{ __typename @nothing }",
    "an unknown fragment": "{ ...Nothing }",
    "an unknown type": "query ($a: Nothing) { __typename }",
    "an unknown variable": "{ __typename @include(if: $a) }",
    "an unused variable": "query ($a: Int) { __typename }",
    "a selection on a leaf": "{ __typename { a } }",
    "no selection on an object": "{ me }",
    "only a fragment": "fragment A on Query { __typename }",
    "a fragment of itself": "{ ...A } fragment A on Query { ...A }",
    "a ring of fragments": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "two operations and no name": "query A { __typename } query B { __typename }",
    "two operations of one name": "query A { __typename } query A { __typename }",
    "a schema": "type Query { a: Int }",
    "a schema beside": "{ __typename } type Query { a: Int }",
    "an extension": "extend type Query { a: Int }",
    "a directive twice": "{ __typename @include(if: true) @include(if: true) }",
    "a number that is none": "{ sites(first: 1.) { totalCount } }",
    "a number of 10,000 digits": f"{{ sites(first: {'9' * 10_000}) {{ totalCount }} }}",
    "an Int beyond 32 bits": "{ sites(first: 2147483648) { totalCount } }",
}
_TOO_LARGE = {
    "selections without end": "{ me " * DEEP,
    "selections in selections": "{ a " * DEEP + "}" * DEEP,
    "lists in lists": "{ a(b: " + "[" * DEEP + "]" * DEEP + ") }",
    "objects in objects": "{ a(b: " + "{a: " * DEEP + "1" + "}" * DEEP + ") }",
    "types in types": "query ($a: " + "[" * DEEP + "Int" + "]" * DEEP + ") { __typename }",
    "inline fragments in inline fragments": "{ " + "... { " * DEEP + "__typename" + " }" * DEEP + " }",
    "directives on directives": "{ __typename " + "@include(if: true) " * 5_000 + "}",
    "a name of 900,000 letters": "{ " + "a" * 900_000 + " }",
    "a string of 900,000 letters": '{ __type(name: "' + "a" * 900_000 + '") { nothing } }',
    "400,000 braces": "{" * 400_000,
    "300,000 dots": "{ " + "." * 300_000 + " }",
    "900,000 commas": "," * 900_000,
    "10,000 aliases": "{ " + " ".join(f"a{number}: __typename" for number in range(10_000)) + " }",
    "10,000 fragments": "{ __typename } " + " ".join(f"fragment F{n} on Query {{ __typename }}" for n in range(10_000)),
    "10,000 operations": " ".join(f"query Q{number} {{ __typename }}" for number in range(10_000)),
    "10,000 variables": "query (" + " ".join(f"$v{number}: Int" for number in range(10_000)) + ") { __typename }",
    "fragments that double each other": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30))
    + " fragment F30 on Query { __typename }",
    "fields that are compared with each other": "{ " + "me { id } " * 5_000 + "}",
}

DOCUMENTS = [
    *(MalformedRequest(f"a document with {what}", post_document(text), BAD) for what, text in _WRONG.items()),
    *(
        MalformedRequest(f"a document with {what}", post_document(text), CLIENT_ERROR)
        for what, text in _TOO_LARGE.items()
    ),
    # graphql-core parses it as an operation with an empty selection set.
    MalformedRequest("a document with an empty selection", post_document("{ }"), OK_OR_BAD),
    MalformedRequest("an operation that is not there", post_document("query A { __typename }", operationName="B"), BAD),
    MalformedRequest("an operation of no name", post_document("query A { __typename }", operationName=""), OK_OR_BAD),
    MalformedRequest("a missing variable", post_document("query ($a: Boolean!) { __typename @include(if: $a) }"), BAD),
    MalformedRequest(
        "null for a variable that is never",
        post_document("query ($a: Boolean!) { __typename @include(if: $a) }", variables={"a": None}),
        BAD,
    ),
    MalformedRequest(
        "a string for a boolean",
        post_document("query ($a: Boolean!) { __typename @include(if: $a) }", variables={"a": "true"}),
        BAD,
    ),
    MalformedRequest(
        "an undeclared variable", post_document("{ __typename }", variables={"a": [1, {"b": None}]}), OK_OR_BAD
    ),
    MalformedRequest(
        "a subscription by POST", post_document("subscription { orderEvents { __typename } }"), CLIENT_ERROR
    ),
    MalformedRequest(
        "an array as ID", post_document("query ($a: ID!) { node(id: $a) { __typename } }", variables={"a": [[]]}), BAD
    ),
    MalformedRequest(
        "a list of 150,000 ids",
        post_document("query ($a: [ID!]!) { nodes(ids: $a) { id } }", variables={"a": ["x"] * 150_000}),
        CLIENT_ERROR,
    ),
]
