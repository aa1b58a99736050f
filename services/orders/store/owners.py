"""The owners of the things that operations of orders are about."""

from services.access.authorization import ThingOwner

OWNERS = {
    "agreement": ThingOwner(
        "SELECT s.organisation_id, s.id FROM agreements a JOIN sites s ON s.id = a.site_id WHERE a.id = $3"
    )
}
