"""The field of AccountChanged that leads to the account."""

from gateway.schema.contract_types import extend_type
from gateway.schema.identity.me import me
from services.contracts.identity.accounts import AccountChanged

extend_type(AccountChanged, me)
