"""What went wrong, in words for the person at the keyboard."""


class StackError(Exception):
    """Its text says what is wrong and what to do; it is shown without a traceback."""
