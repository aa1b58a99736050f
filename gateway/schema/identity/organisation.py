"""An organisation has a global id."""

from gateway.schema.contract_types import join
from services.contracts.identity import Organisation

join(Organisation, node=True)
