"""FADM's refiner in two sizes: ``base``, which is embedded, and ``paper``, as published.

``base`` is DiffTalk's UNet and noise levels (``facediff.models.difftalk``) on the latents of the whole face.
"""

from __future__ import annotations

from diffusers import DDIMScheduler, UNet2DModel

from facediff.models.gating import AttributeGate


def paper_unet() -> UNet2DModel:
    """The published denoiser: 141,244,547 parameters, on pictures (B, 3 + 3, 256, 256) in [0, 1]."""
    return UNet2DModel(
        sample_size=256,
        in_channels=6,
        out_channels=3,
        block_out_channels=(64, 128, 256, 256, 512, 512),
        layers_per_block=3,
        down_block_types=(*("DownBlock2D",) * 4, "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", *("UpBlock2D",) * 4),
        time_embedding_dim=64,
    )


def paper_gate() -> AttributeGate:
    """The published conditioning network: 77,635 parameters, 56 attributes (DECA's expression and pose)."""
    return AttributeGate()


def paper_schedule() -> DDIMScheduler:
    """The published noise levels: 100 of them, each stepped through with fresh noise; the noise is predicted."""
    return DDIMScheduler(
        num_train_timesteps=100,
        beta_start=0.001,
        beta_end=0.2,
        beta_schedule="linear",
        prediction_type="epsilon",
        clip_sample=False,
    )
