"""The owners of the things that operations of support are about."""

from services.access.authorization import ThingOwner

OWNERS = {
    "site": ThingOwner("SELECT organisation_id, id FROM sites WHERE id = $3", copied=True),
    "ticket": ThingOwner("SELECT organisation_id, site_id FROM tickets WHERE id = $3"),
}
