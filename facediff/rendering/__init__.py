"""From motion to finished frames: the coarse stage, painting, pasting."""
