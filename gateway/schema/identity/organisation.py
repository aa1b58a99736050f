"""Type Organisation: a node."""

from gateway.schema.contract_types import extend_type
from services.contracts.identity import Organisation

extend_type(Organisation, node=True)
