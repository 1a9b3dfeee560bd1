"""DiffTalk's denoiser and noise levels in two sizes: ``base``, which is embedded, and ``paper``, as published."""

from __future__ import annotations

from diffusers import DDIMScheduler, UNet2DConditionModel, VQModel

LATENT_CHANNELS = 12
TOKEN_DIM = 128


def base_unet(latent_channels: int = LATENT_CHANNELS, extra_channels: int = 33) -> UNet2DConditionModel:
    """A UNet for the latents of a 160×128 mouth window: 7.0 M parameters, 1.3 GFLOP a call and frame.

    FADM's refiner has the same one, on the latents of the whole face. Attention sits at half the latents' resolution
    and below; the full resolution, where a laptop spends its time, is convolutions alone.
    """
    return UNet2DConditionModel(
        sample_size=(16, 20),
        in_channels=3 * latent_channels + extra_channels,
        out_channels=latent_channels,
        block_out_channels=(112, 128, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TOKEN_DIM,
        attention_head_dim=(4, 4, 4),
        norm_num_groups=16,
    )


def base_schedule() -> DDIMScheduler:
    """DiffTalk's noise levels with the last one made pure noise, so that few steps start where training did.

    Source: DiffTalk (CVPR 2023) for the betas; Lin et al., "Common Diffusion Noise Schedules and Sample Steps are
    Flawed" (WACV 2024) for the terminal noise, the spacing and v-prediction.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.0015,
        beta_end=0.0195,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
        clip_sample=False,
    )


def paper_unet() -> UNet2DConditionModel:
    """The published denoiser: 530,152,963 parameters, 343 GFLOP a call on latents (B, 3 + 3 + 3, 64, 64)."""
    cross = ("CrossAttnDownBlock2D",) * 3, ("CrossAttnUpBlock2D",) * 3
    return UNet2DConditionModel(
        sample_size=64,
        in_channels=9,
        out_channels=3,
        block_out_channels=(256, 512, 768, 1024),
        layers_per_block=2,
        down_block_types=("DownBlock2D", *cross[0]),
        up_block_types=(*cross[1], "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=(8, 16, 24, 32),  # the number of heads, each 32 wide
    )


def paper_codec() -> VQModel:
    """The published codec, VQ-f4: 55.3 M parameters, pictures (B, 3, 256, 256) to latents (B, 3, 64, 64)."""
    return VQModel(
        block_out_channels=(128, 256, 512),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=2,
        latent_channels=3,
        num_vq_embeddings=8192,
        scaling_factor=1.0,
    )


def paper_schedule() -> DDIMScheduler:
    """The published noise levels: 1,000 of them, of which 200 are stepped through; the noise is predicted."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.0015,
        beta_end=0.0195,
        beta_schedule="scaled_linear",
        prediction_type="epsilon",
        clip_sample=False,
    )
