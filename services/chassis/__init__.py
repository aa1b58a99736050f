"""Mechanism that every service stands on. Not one noun of the trade is known here."""
