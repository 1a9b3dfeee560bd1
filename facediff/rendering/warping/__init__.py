"""A portrait or a video with its face carried to other landmarks."""
