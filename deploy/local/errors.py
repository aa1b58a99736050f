"""Errors of the stack, worded for the person at the keyboard."""


class StackError(Exception):
    """Failure of the stack; its text names the cause and the remedy and is shown without a traceback."""
