"""The base cost of a request or message, charged before it is parsed."""

REQUEST_UNITS = 50
"""Units of the smallest request or message. A minute's quota allows some 400 of them a second.

To receive one and to respond to it, if only with an error, takes 20 to 200 µs; a unit is about 3 µs of this process.
"""
BYTES_PER_UNIT = 8
"""To parse 8 bytes of JSON and to coerce their values takes 1 to 3 µs."""


def base_cost_of(size: int) -> int:
    """Return the units that a request or message of so many bytes costs beside the cost of its operation."""
    return REQUEST_UNITS + size // BYTES_PER_UNIT
