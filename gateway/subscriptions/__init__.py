"""Subscriptions to order events: one feed per process, from which each subscriber reads at its own pace."""
