"""diffusers pipelines: models, schedulers and conditioning joined."""
