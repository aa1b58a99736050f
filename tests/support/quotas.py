"""Rates that no load reaches: tests and benchmarks call as a few callers."""

import json

WITHOUT_END = dict.fromkeys(("stranger", "user", "staff", "partner"), 10**9)
SETTING = {"KIERTO_GATEWAY_QUOTAS": json.dumps(WITHOUT_END)}
"""As a setting of a process."""
