"""Quotas that no test or benchmark reaches, though all their calls are of a few callers."""

import json

UNLIMITED = dict.fromkeys(("stranger", "user", "staff", "partner"), 10**12)
UNLIMITED_QUOTAS = {"KIERTO_GATEWAY_QUOTAS": json.dumps(UNLIMITED)}
"""The setting of a gateway process."""
UNLIMITED_MESSAGES = {
    "KIERTO_SUPPORT_MESSAGE_LIMITS": json.dumps(dict.fromkeys(("person", "staff", "organisation"), 10**6))
}
"""The setting of a support process, for contact forms."""
