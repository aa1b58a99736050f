"""Texts in the languages of Kierto: catalogues of gettext, and Babel's formats of dates, numbers and money."""
