"""Edits of who a face is: identity vectors, prototypes of attributes, glasses."""
