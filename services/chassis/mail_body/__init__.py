"""Bodies of mail: templates as plain text and as HTML, in one layout."""
