"""The columns of text and bytes of the copy of access: ids, roles and scopes, without personal data."""

from services.chassis.db.sensitive import PlainColumns

ACCESS_PLAIN: PlainColumns = {
    "access.ended_sessions": "session_id",
    "access.grants": "subject_id role",
    "access.stated_parts": "subject_id stated",
    "access.subjects": "subject_id kind scopes",
}
