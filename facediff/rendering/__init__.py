"""From motion to finished frames: the coarse stage, painting, pasting."""

CHUNK = 8  # frames that a network works on at once; a part of a clip begins at a multiple, to equal the whole's own
