"""The words of support's mail, a file a language."""
