"""Construction of the schema from all query, mutation and subscription fields."""

import contextlib
import functools
import types
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLOneOfDirective
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext
from strawberry.types.field import StrawberryField

from gateway.errors import UNEXPECTED, ErrorPresenter, error_code
from gateway.execution.documents import DocumentCacheExtension
from gateway.execution.strawberry.operation_log import OperationLog
from gateway.execution.strawberry.schema import PlanningSchema
from gateway.schema import contract_types, nodes, problem
from gateway.schema.bulk_operations import bulk_operation
from gateway.schema.bulk_operations.cancel_bulk_operation import cancel_bulk_operation
from gateway.schema.bulk_operations.progress import bulk_operation as bulk_operation_progress
from gateway.schema.identity import account, organisation
from gateway.schema.identity.accept_invitation import accept_invitation
from gateway.schema.identity.approve_email_change import approve_email_change
from gateway.schema.identity.change_email import change_email
from gateway.schema.identity.change_language import change_language
from gateway.schema.identity.change_member import change_member
from gateway.schema.identity.change_password import change_password
from gateway.schema.identity.change_username import change_username
from gateway.schema.identity.confirm_email_change import confirm_email_change
from gateway.schema.identity.create_partner import create_partner
from gateway.schema.identity.end_membership import end_membership
from gateway.schema.identity.invitations import invitation_preview, invitations
from gateway.schema.identity.invite_members import invite_members
from gateway.schema.identity.join_by_invitation import join_by_invitation
from gateway.schema.identity.me import me
from gateway.schema.identity.organisation_members import organisation_members
from gateway.schema.identity.organisations import organisations
from gateway.schema.identity.partners import partners
from gateway.schema.identity.refresh import refresh
from gateway.schema.identity.register import register
from gateway.schema.identity.request_password_reset import request_password_reset
from gateway.schema.identity.request_username import request_username
from gateway.schema.identity.resend_invitation import resend_invitation
from gateway.schema.identity.resend_verification import resend_verification
from gateway.schema.identity.reset_password import reset_password
from gateway.schema.identity.revoke_partner import revoke_partner
from gateway.schema.identity.sign_in import sign_in
from gateway.schema.identity.sign_out import sign_out
from gateway.schema.identity.unlock import unlock
from gateway.schema.identity.verify_email import verify_email
from gateway.schema.identity.withdraw_email_change import withdraw_email_change
from gateway.schema.identity.withdraw_invitation import withdraw_invitation
from gateway.schema.imports.import_ import import_
from gateway.schema.imports.imports import imports
from gateway.schema.imports.start_import import start_import
from gateway.schema.orders import agreement, calendar, order, order_event, pickup, step
from gateway.schema.orders.events import events
from gateway.schema.orders.order_events import order_events
from gateway.schema.orders.order_extra_pickup import order_extra_pickup
from gateway.schema.orders.orders import orders
from gateway.schema.orders.report_pickups import report_pickups
from gateway.schema.scalars import PASSTHROUGH_SCALARS, SCALARS
from gateway.schema.settings import settings
from gateway.schema.sites import container, site
from gateway.schema.sites.sites import sites
from gateway.schema.stats import volume
from gateway.schema.stats.volumes import volumes
from gateway.schema.support import mail_suppression, ticket, ticket_entry
from gateway.schema.support.add_ticket_note import add_ticket_note
from gateway.schema.support.answer_ticket import answer_ticket
from gateway.schema.support.assign_ticket import assign_ticket
from gateway.schema.support.change_ticket_state import change_ticket_state
from gateway.schema.support.choose_messages import choose_messages
from gateway.schema.support.decide_held_messages import decide_held_messages
from gateway.schema.support.held_messages import held_messages
from gateway.schema.support.lift_mail_suppression import lift_mail_suppression
from gateway.schema.support.log_contact import log_contact
from gateway.schema.support.mail_suppressions import mail_suppressions
from gateway.schema.support.place_ticket import place_ticket
from gateway.schema.support.reply_to_ticket import reply_to_ticket
from gateway.schema.support.resume_mail import resume_mail
from gateway.schema.support.send_contact_form import send_contact_form
from gateway.schema.support.send_public_form import send_public_form
from gateway.schema.support.ticket_contact import ticket_contact
from gateway.schema.support.tickets import tickets
from services.chassis.runtime import gc_tuning
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

MAX_LOGGED_ERRORS = 10
"""Errors of one response that are logged."""

TYPE_EXTENSION_MODULES = (
    account,
    organisation,
    site,
    container,
    agreement,
    order,
    pickup,
    calendar,
    order_event,
    step,
    volume,
    ticket,
    ticket_entry,
    mail_suppression,
    problem,
    bulk_operation,
)
"""Modules that extend the contracts' types. Importing them is enough."""

QUERIES = [
    me,
    nodes.node,
    nodes.nodes,
    organisations,
    organisation_members,
    invitations,
    invitation_preview,
    sites,
    orders,
    volumes,
    tickets,
    held_messages,
    ticket_contact,
    mail_suppressions,
    partners,
    events,
    import_,
    imports,
    settings,
]
MUTATIONS = [
    register,
    sign_in,
    refresh,
    sign_out,
    invite_members,
    resend_invitation,
    withdraw_invitation,
    accept_invitation,
    join_by_invitation,
    change_member,
    end_membership,
    verify_email,
    resend_verification,
    request_username,
    request_password_reset,
    reset_password,
    unlock,
    change_password,
    change_username,
    change_email,
    confirm_email_change,
    approve_email_change,
    withdraw_email_change,
    change_language,
    order_extra_pickup,
    report_pickups,
    send_contact_form,
    send_public_form,
    reply_to_ticket,
    change_ticket_state,
    choose_messages,
    decide_held_messages,
    resume_mail,
    log_contact,
    answer_ticket,
    add_ticket_note,
    assign_ticket,
    place_ticket,
    lift_mail_suppression,
    create_partner,
    revoke_partner,
    start_import,
    cancel_bulk_operation,
]
SUBSCRIPTIONS = [order_events, bulk_operation_progress]


class _ErrorsOnlyRunner(SchemaExtensionsRunner):
    """Runs the extensions on results of a subscription only if they have errors: the extensions ignore all others."""

    def on_stream_result(self, result: Any) -> Any:
        return super().on_stream_result(result) if result.errors else contextlib.nullcontext()


class KiertoSchema(PlanningSchema):
    """A schema that logs unexpected errors, and frees the frames that any error's traceback refers to."""

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        return _ErrorsOnlyRunner(execution_context, extensions)

    def as_str(self) -> str:
        # Strawberry prints the directive without the description that graphql-core has of it.
        description = f'"""{GraphQLOneOfDirective.description}"""\n'
        return super().as_str().replace("directive @oneOf ", f"{description}directive @oneOf ")

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        logged: set[int] = set()
        for error in errors:
            cause = error.original_error
            if (
                cause is None
                or isinstance(cause, GraphQLError)
                or error_code(cause) != UNEXPECTED
                or id(cause) in logged
            ):
                continue
            logged.add(id(cause))  # one exception may cause errors at several paths
            if len(logged) <= MAX_LOGGED_ERRORS:
                _log.error("unexpected", field=".".join(map(str, error.path or [])), exc_info=cause)
        if len(logged) > MAX_LOGGED_ERRORS:
            _log.error("unexpected", left_out=len(logged) - MAX_LOGGED_ERRORS)
        for error in errors:
            gc_tuning.clear_tracebacks(error)


@functools.cache
def build_schema(kind: type[KiertoSchema] = KiertoSchema) -> KiertoSchema:
    """Return the schema of the process, built once."""
    schema: KiertoSchema = kind(
        query=_root_type("Query", "Reads: they change nothing.", QUERIES),
        mutation=_root_type("Mutation", "Commands. An expected refusal is a value, `Refusal`.", MUTATIONS),
        subscription=_root_type("Subscription", "Streams of events.", SUBSCRIPTIONS),
        types=contract_types.interface_members(),
        config=StrawberryConfig(scalar_map=SCALARS),
        passthrough_scalars=PASSTHROUGH_SCALARS,
        extensions=[lambda: DocumentCacheExtension(schema.engine.documents), OperationLog, ErrorPresenter],
    )
    return schema


def _root_type(name: str, description: str, fields: list[StrawberryField]) -> Any:
    body = {field.python_name: field for field in fields}
    root = types.new_class(name, (), {}, lambda namespace: namespace.update(body))
    return strawberry.type(root, description=description)
