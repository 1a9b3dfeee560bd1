"""A Stable Diffusion with a ControlNet and an IP-Adapter, tiny, of the real classes; its words are letters."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

CHANNELS, DIM, STRIDE = 4, 16, 2
SEEN, LATENTS = 12, 3  # width of what the IP-Adapter is shown; tokens of one of patches


def unet(seed: int = 0) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        in_channels=CHANNELS, out_channels=CHANNELS, block_out_channels=(8, 16), layers_per_block=1,
        norm_num_groups=4, cross_attention_dim=DIM, attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip


def control(of: UNet2DConditionModel) -> ControlNetModel:
    """One whose zero layers have learnt something."""
    torch.manual_seed(5)
    made = ControlNetModel.from_unet(of, conditioning_embedding_out_channels=(4, 8)).eval()
    for layer in (*made.controlnet_down_blocks, made.controlnet_mid_block, made.controlnet_cond_embedding.conv_out):
        nn.init.normal_(layer.weight, std=0.3)
    return made


def codec() -> AutoencoderKL:
    torch.manual_seed(6)
    return AutoencoderKL(
        block_out_channels=(4, 8), norm_num_groups=4, latent_channels=CHANNELS, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    ).eval()  # fmt: skip


def schedule(**changes) -> DDIMScheduler:
    """Stable Diffusion's noise levels."""
    return DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1, **changes,
    )  # fmt: skip


def words(folder: Path) -> tuple[CLIPTextModel, CLIPTokenizer]:
    letters = [*"abcdefghijklmnopqrstuvwxyz-", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz-")]
    known = {word: place for place, word in enumerate([*letters, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(known))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=12)
    torch.manual_seed(7)
    config = CLIPTextConfig(
        vocab_size=len(known), hidden_size=DIM, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=12, bos_token_id=len(letters), eos_token_id=len(letters) + 1, pad_token_id=0,
    )  # fmt: skip
    return CLIPTextModel(config).eval(), tokenizer


def save_stable_diffusion(folder: Path) -> Path:
    """A folder as a hub has it."""
    text_encoder, tokenizer = words(folder)
    StableDiffusionPipeline(
        codec(), text_encoder, tokenizer, unet(), schedule(), None, None, requires_safety_checker=False
    ).save_pretrained(folder)
    return folder


def save_image_adapter(folder: Path, *, of_patches: bool = False) -> Path:
    """An IP-Adapter of the painter, with its image encoder beside it, as a hub has it; one of patches is a "plus"."""
    torch.manual_seed(8)
    config = CLIPVisionConfig(
        hidden_size=SEEN, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=16,
        patch_size=8, projection_dim=SEEN,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder / "models" / "image_encoder")
    if of_patches:
        shapes = {
            "0.norm1.weight": (DIM,), "0.norm1.bias": (DIM,), "0.norm2.weight": (DIM,), "0.norm2.bias": (DIM,),
            "0.to_q.weight": (64, DIM), "0.to_kv.weight": (128, DIM), "0.to_out.weight": (DIM, 64),
            "1.0.weight": (DIM,), "1.0.bias": (DIM,), "1.1.weight": (4 * DIM, DIM), "1.3.weight": (DIM, 4 * DIM),
        }  # fmt: skip
        layers = {f"layers.{k}.{name}": torch.randn(shape) for k in range(4) for name, shape in shapes.items()}
        image_proj = {
            "latents": torch.randn(1, LATENTS, DIM), "proj_in.weight": torch.randn(DIM, SEEN),
            "proj_in.bias": torch.randn(DIM), "proj_out.weight": torch.randn(DIM, DIM),
            "proj_out.bias": torch.randn(DIM), "norm_out.weight": torch.ones(DIM), "norm_out.bias": torch.zeros(DIM),
            **layers,
        }  # fmt: skip
    else:
        image_proj = {
            "proj.weight": torch.randn(4 * DIM, SEEN), "proj.bias": torch.randn(4 * DIM),
            "norm.weight": torch.ones(DIM), "norm.bias": torch.zeros(DIM),
        }  # fmt: skip
    widths = {"down_blocks": (8, 16), "up_blocks": (16, 8), "mid_block": (16,)}
    across = [name for name in unet().attn_processors if name.endswith("attn2.processor")]
    tensors = {f"image_proj.{name}": tensor for name, tensor in image_proj.items()}
    for place, name in enumerate(across):
        block, number, *_ = name.split(".")
        width = widths[block][int(number) if number.isdigit() else 0]
        for part in ("to_k_ip", "to_v_ip"):
            tensors[f"ip_adapter.{2 * place + 1}.{part}.weight"] = torch.randn(width, DIM)
    save_file(tensors, folder / "models" / "ip-adapter_sd15.safetensors")
    return folder
