"""Rates that no load reaches: tests and benchmarks call as a few callers."""

import json

WITHOUT_END = dict.fromkeys(("stranger", "user", "staff", "partner"), 10**12)
SETTING = {"KIERTO_GATEWAY_QUOTAS": json.dumps(WITHOUT_END)}
"""As a setting of a process."""
MESSAGES = {"KIERTO_SUPPORT_MESSAGE_LIMITS": json.dumps(dict.fromkeys(("person", "staff", "organisation"), 10**6))}
"""The same for contact forms."""
