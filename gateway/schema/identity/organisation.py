"""Type Organisation: a node."""

from gateway.schema.contract_types import extend_type
from services.contracts.identity.organisations import Organisation

extend_type(Organisation, node=True)
