"""Names of the scalars' types that no field has: a field ``date`` of the type ``date`` would hide it."""

import datetime as dt

Day = dt.date
Instant = dt.datetime
