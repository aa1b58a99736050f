"""The arguments that the query and the subscription of events share."""

from services.contracts.values import Doc

AFTER = Doc(
    "The cursor before the first event, or ``START`` for the whole log; None for events from now on. Any other text is"
    " MALFORMED."
)
FILTER = Doc("The events that are wanted; None: all that the caller may see.")
