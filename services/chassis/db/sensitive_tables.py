"""The columns of the chassis' own tables that have personal data, and those that have none."""

from collections.abc import Sequence

from services.chassis.db.sensitive import DataKind, PlainColumns, SensitiveTable

CHASSIS_SENSITIVE: Sequence[SensitiveTable] = (
    SensitiveTable(
        table="chassis.files",
        columns={"name": DataKind.FILE_NAME},
        kept_for="until the file expires or its thing is deleted; a day if it was never kept",
    ),
    SensitiveTable(
        table="chassis.mail",
        columns={
            "recipient": DataKind.EMAIL,
            "subject": DataKind.MAIL,
            "text": DataKind.MAIL,
            "html": DataKind.MAIL,
        },
        kept_for="30 days after the mail was sent or given up",
    ),
    SensitiveTable(
        table="chassis.import_rows",
        columns={"cells": DataKind.IMPORTED, "params": DataKind.IMPORTED, "reason": DataKind.IMPORTED},
        kept_for="30 days after the file was uploaded, if the row is bad; otherwise until the import is done",
    ),
    # The entry stays, with the digest of its fields. The salt is no data of the person, and goes with the row.
    SensitiveTable(
        table="chassis.audit_personal",
        columns={"fields": DataKind.AUDIT},
        persons={"user": "person_id = $1", "org": "person_id = $1"},
    ),
)

# Events carry ids, states, amounts and dates: outbox, dead letters. Jobs carry ids, and their errors are kept as class
# and place. A key of answers is made by a program. The audit log has ids and codes.
CHASSIS_PLAIN: PlainColumns = {
    "chassis.answers": "organisation caller operation key input_hash result_type result_ids",
    "chassis.audit": "actor acting_for action subject outcome personal_digest",
    "chassis.audit_batches": "positions row_digests digest",
    "chassis.audit_personal": "salt",
    "chassis.dead_letters": "state topic event_id type subject key headers value reason",
    "chassis.fan_outs": "kind subject",
    "chassis.files": "owner media_type sha256 state",
    "chassis.import_rows": "state field code key",
    "chassis.imported_values": "kind key noted",
    "chassis.imports": "kind file_name state language started_by",
    "chassis.leader": "holder cluster_id",
    "chassis.mail": "language message_id headers envelope_sender",
    "chassis.outbox": "type subject traceparent data",
    "chassis.pgqueuer": "status entrypoint dedupe_key payload headers",
    "chassis.pgqueuer_log": "status entrypoint traceback",
    "chassis.removals": "list",
    "chassis.pgqueuer_schedules": "expression entrypoint status",
    "chassis.pgqueuer_statistics": "status entrypoint",
    "chassis.positions": "topic event_id checked_event_id",
    "chassis.published": "cluster_id topic",
    "chassis.published_up_to": "cluster_id topic",
    "chassis.recurring_jobs": "name",
    "chassis.tombstones": "id prefix key",
}
