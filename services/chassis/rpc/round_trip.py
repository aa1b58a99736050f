"""Several reads of one caller in one request, as they are on the wire.

``POST /rpc`` takes ``[["operation", {arguments}], ...]`` and answers 200 with ``[[status, body], ...]`` in the same
order: to each call what ``POST /rpc/<operation>`` would have answered, a result or problem details. What keeps all of
them from an answer (no valid token, a body that is no such list) is the answer to the whole, and to each of them.

Writes and public operations travel alone: a write may not be repeated because a read beside it was lost, and a public
operation has another caller.
"""

from typing import Annotated

import msgspec

PATH = "/rpc"
MOST_CALLS = 64

Asked = Annotated[list[tuple[str, msgspec.Raw]], msgspec.Meta(min_length=1, max_length=MOST_CALLS)]
Answered = list[tuple[int, msgspec.Raw]]

asked = msgspec.json.Decoder(Asked).decode
"""The calls of a request's body; DecodeError if it is no such list."""

answered = msgspec.json.Decoder(Answered).decode
"""The answers of an answer's body; DecodeError if it is no such list."""

encode = msgspec.json.Encoder().encode
