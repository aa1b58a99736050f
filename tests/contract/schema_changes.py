"""Changes between two JSON Schemas (2020-12) of an event's data, of the kinds that msgspec writes.

A change breaks readers of the new events that know only the old schema, or a new build that reads old events of the
log. Enums are open (an unknown value is parked), and unknown fields are ignored: to add either breaks none of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

Schema = Mapping[str, Any]

_UPPER_LIMITS = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_LOWER_LIMITS = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_OTHER_LIMITS = ("pattern", "multipleOf")
"""Limits of which no new value is certain to allow what the old one allowed."""


class Change(msgspec.Struct, frozen=True):
    """A difference of two schemas."""

    place: str
    """The JSONPath of the changed value."""
    text: str
    breaking: bool


def find_changes(before: Schema, after: Schema) -> list[Change]:
    """List the changes from one schema of an event to another; changed descriptions and titles are none."""
    return list(_changes(_inlined(before, before), _inlined(after, after), "$"))


def _inlined(schema: Any, document: Schema) -> Any:
    """Return a schema with each reference replaced by its definition."""
    if isinstance(schema, list):
        return [_inlined(item, document) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    inlined = {keyword: _inlined(value, document) for keyword, value in schema.items() if keyword != "$defs"}
    if reference := inlined.pop("$ref", None):
        return _inlined(document["$defs"][reference.removeprefix("#/$defs/")], document) | inlined
    return inlined


def _changes(before: Schema, after: Schema, place: str) -> Iterator[Change]:
    if before.get("default") != after.get("default"):
        yield Change(place, "another default", False)
    old, new = _by_kind(before), _by_kind(after)
    if old.keys() != new.keys():
        yield Change(place, f"type changed from {' or '.join(old)} to {' or '.join(new)}", True)
        return
    for kind, schema in old.items():
        yield from _enum_changes(schema, new[kind], place)
        yield from _limit_changes(schema, new[kind], place)
        yield from _field_changes(schema, new[kind], place)
        for keyword, step in (("items", "[*]"), ("additionalProperties", ".*")):
            if isinstance(schema.get(keyword), Mapping) and isinstance(new[kind].get(keyword), Mapping):
                yield from _changes(schema[keyword], new[kind][keyword], place + step)
            elif schema.get(keyword) != new[kind].get(keyword):
                yield Change(place + step, "type changed", True)


def _by_kind(schema: Schema) -> dict[str, Schema]:
    """Return the members of a union, or the one type, by a description of their JSON type."""
    members: dict[str, Schema] = {}
    count = Counter[str]()
    for member in schema.get("anyOf", [schema]):
        kind = "enum" if "enum" in member else repr(member["const"]) if "const" in member else member.get("type", "any")
        kind = " ".join([str(kind), *(str(member[word]) for word in ("format", "contentEncoding") if word in member)])
        count[kind] += 1
        members[kind if count[kind] == 1 else f"{kind} {count[kind]}"] = member
    return dict(sorted(members.items()))


def _enum_changes(before: Schema, after: Schema, place: str) -> Iterator[Change]:
    old, new = before.get("enum", []), after.get("enum", [])
    yield from (Change(place, f"enum value {value} removed", True) for value in old if value not in new)
    yield from (Change(place, f"enum value {value} added", False) for value in new if value not in old)


def _limit_changes(before: Schema, after: Schema, place: str) -> Iterator[Change]:
    for keyword in (*_UPPER_LIMITS, *_LOWER_LIMITS, *_OTHER_LIMITS):
        old, new = before.get(keyword), after.get(keyword)
        if old == new:
            continue
        widened = new is None or (
            old is not None and ((keyword in _UPPER_LIMITS and new > old) or (keyword in _LOWER_LIMITS and new < old))
        )
        yield Change(place, f"{keyword} {'widened' if widened else 'narrowed'} from {old} to {new}", not widened)


def _field_changes(before: Schema, after: Schema, place: str) -> Iterator[Change]:
    old, new = before.get("properties", {}), after.get("properties", {})
    required_before, required_after = before.get("required", []), after.get("required", [])
    for name, schema in old.items():
        if name not in new:
            yield Change(f"{place}.{name}", "field removed", True)
            continue
        yield from _changes(schema, new[name], f"{place}.{name}")
        if (name in required_before) != (name in required_after):
            is_required = name in required_after
            yield Change(f"{place}.{name}", f"became {'required' if is_required else 'optional'}", is_required)
    for name in new:
        if name not in old:
            is_required = name in required_after
            text = "required field added: a new field needs a default" if is_required else "field added"
            yield Change(f"{place}.{name}", text, is_required)
