"""Faces as points: tracking, head pose, alignment, masks, the mesh warp. Knows no network that we trained."""

if __name__ != "facediff.landmarks":  # reached through the checkout root
    raise ImportError("import facediff.landmarks, not landmarks")
