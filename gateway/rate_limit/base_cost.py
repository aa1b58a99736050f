"""The price of what arrives: charged before it is parsed, whatever becomes of it."""

REQUEST_UNITS = 50
"""Units of the smallest request or message: a minute's quota pays for some 400 a second of them.

To take one in and to answer it, if only with a refusal, takes 20 to 200 µs; a unit is about 3 µs of this process.
"""
BYTES_PER_UNIT = 8
"""To parse 8 bytes of JSON and to coerce what they say takes 1 to 3 µs, whatever they say."""


def base_cost_of(size: int) -> int:
    """Return the units that a request or a message of so many bytes takes of its caller's rate, beside its cost."""
    return REQUEST_UNITS + size // BYTES_PER_UNIT
