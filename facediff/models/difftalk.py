"""The embedded ``base`` configuration of DiffTalk's denoiser."""

from __future__ import annotations

from diffusers import DDIMScheduler, UNet2DConditionModel

LATENT_CHANNELS = 12
TOKEN_DIM = 128


def base_unet(latent_channels: int = LATENT_CHANNELS, extra_channels: int = 33) -> UNet2DConditionModel:
    """A UNet for the latents of a 192×160 mouth window: 7.0 M parameters, 1.9 GFLOP a call and frame.

    Attention sits at half the latents' resolution and below; the full resolution, where a laptop spends its time,
    is convolutions alone.
    """
    return UNet2DConditionModel(
        sample_size=(20, 24),
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
