"""Diffusion over warped frames: mouths by DiffTalk, faces by FADM."""
