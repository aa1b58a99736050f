"""The organisations of the things that operations of identity are about."""

from services.access.authorization import ThingOwner

OWNERS = {
    "org": ThingOwner("SELECT id, NULL::uuid FROM public.organisations WHERE id = $3"),
    "member": ThingOwner("SELECT organisation_id, NULL::uuid FROM memberships WHERE id = $3"),
    "invitation": ThingOwner("SELECT organisation_id, NULL::uuid FROM invitations WHERE id = $3"),
}
