"""PDF from Typst templates, rendered in a child process with limits."""
