"""Reads that show data to callers; each joins the caller's access in SQL."""
