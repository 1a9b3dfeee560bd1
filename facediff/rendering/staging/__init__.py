"""Where a person stands: cut out of what is behind, and put before something else, in a picture of another shape."""
