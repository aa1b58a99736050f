"""Rates that no load reaches: tests and benchmarks call as a few callers."""

import json

UNLIMITED = dict.fromkeys(("stranger", "user", "staff", "partner"), 10**12)
UNLIMITED_QUOTAS = {"KIERTO_GATEWAY_QUOTAS": json.dumps(UNLIMITED)}
"""As a setting of a process."""
UNLIMITED_MESSAGES = {
    "KIERTO_SUPPORT_MESSAGE_LIMITS": json.dumps(dict.fromkeys(("person", "staff", "organisation"), 10**6))
}
"""The same for contact forms."""
