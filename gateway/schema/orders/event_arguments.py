"""The arguments that the query and the subscription of events share."""

from services.contracts.values import Doc

AFTER = Doc("The cursor before the first event, or ``START`` for the whole log; None for events from now on.")
TYPES = Doc("Events of these CloudEvents types alone; None: of all types.")
ORGANISATION = Doc("Events of this organisation alone; None: of all that the caller may see.")
