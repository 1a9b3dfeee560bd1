"""Edits by a sentence: the change of an identity vector that moves pictures the way CLIP says the words lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPModel, PreTrainedTokenizerBase

from facediff.diffusion.prediction import to_sample
from facediff.errors import ConfigError, WeightsError
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline, FaceLayout

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of CLIP's pictures
TEMPLATES = ("a photo of a {}", "a close-up photo of a {}", "a good photo of the {}", "a portrait of a {}")


@dataclass(frozen=True)
class ClipEditSettings:
    """How the change is sought.

    The terms are the paper's. How their weights, the levels and the patience were chosen is unknown, as is what range
    was tried.

    Attributes:
        steps: At most so many.
        learning_rate: Of Adam.
        identity_weight: Weight of one less the cosine to the identity unedited.
        pixel_weight: Weight of the mean difference of the pictures where the person is not.
        direction_weight: Weight of CLIP's directional loss.
        levels: Shares of the noise levels from which pictures are made in one step.
        patience: Steps without a better loss after which the search ends; the paper takes 2,000 steps whatever comes.
        seed: Of the frames' noise levels.
    """

    steps: int = 200
    learning_rate: float = 5e-3
    identity_weight: float = 1.0
    pixel_weight: float = 5.0
    direction_weight: float = 3.0
    levels: tuple[float, float] = (0.3, 0.8)
    patience: int = 30
    seed: int = 0


class TextEditor:
    """Finds identity vectors by text.

    Source: "Diffusion Video Autoencoders" (CVPR 2023), section 3.3 (CLIP-based editing); the directional loss is
    StyleGAN-NADA's (Gal et al. 2022). Unlike there, several frames are seen, at random noise levels, as the clean
    pictures that one step implies, which CLIP can read, and the search ends where nothing is gained any more.

    Args:
        clip: Any ``CLIPModel``.
        tokenizer: The one that belongs to it.
    """

    def __init__(self, clip: CLIPModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._clip, self._tokenizer = clip.eval().requires_grad_(False), tokenizer

    @classmethod
    def from_pretrained(cls, name_or_path: str, device: torch.device | str | None = None) -> TextEditor:
        """The editor with a CLIP of a hub, or of a folder, from safetensors.

        Raises:
            WeightsError: It cannot be loaded.
        """
        from transformers import CLIPTokenizer

        try:
            clip = CLIPModel.from_pretrained(name_or_path, use_safetensors=True)
            tokenizer = CLIPTokenizer.from_pretrained(name_or_path)
        except (OSError, ValueError) as error:
            raise WeightsError(
                f"edits by text want a CLIP model, and {name_or_path} cannot be loaded: {str(error).splitlines()[0]}"
            ) from error
        return cls(clip.to(device) if device else clip, tokenizer)

    def __call__(
        self,
        pipeline: DiffusionVideoAutoencoderPipeline,
        remade: Tensor,
        identity: Tensor,
        face_layout: FaceLayout,
        mask: Tensor,
        text: str,
        *,
        source_text: str = "face",
        settings: ClipEditSettings | None = None,
        callback: Callable[[int, float], None] | None = None,
    ) -> Tensor:
        """An identity (D,) of length 1 under which the frames go the way from ``source_text`` to ``text``.

        Args:
            pipeline: The autoencoder.
            remade: Clean latents (F, L, h, w) of some frames of the video.
            identity: (D,) of length 1, the video's.
            face_layout: Of those frames.
            mask: (F, 1, H, W) in [0, 1], 1 where the person is.
            text: What is wanted, "face with eyeglasses".
            source_text: What is there.
            settings: How.
            callback: Called after each step with its index and the loss.

        Raises:
            ConfigError: There is no text.
        """
        if not text.strip():
            raise ConfigError("an edit by text wants a text, as in 'face with eyeglasses'")
        settings = settings or ClipEditSettings()
        with torch.no_grad():
            wanted = F.normalize(self._of_text(text) - self._of_text(source_text), dim=-1)
            before = pipeline.decode(remade)
            seen = self._of_pictures(before)
        alphas = pipeline.scheduler.alphas_cumprod.to(remade)
        generator = torch.Generator().manual_seed(settings.seed)
        sought = identity.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([sought], lr=settings.learning_rate)
        best, found, since = float("inf"), identity, 0
        low, high = (int(share * len(alphas)) for share in settings.levels)
        for step in range(settings.steps):
            level = torch.randint(low, high, (), generator=generator).to(remade.device)
            noise = torch.randn(remade.shape, generator=generator).to(remade)
            alpha = alphas[level]
            noisy = alpha.sqrt() * remade + (1 - alpha).sqrt() * noise
            vector = F.normalize(sought, dim=0)
            with torch.enable_grad():
                made = self._make(pipeline, noisy, vector, face_layout, level, alpha)
                with torch.no_grad():
                    plain = self._make(pipeline, noisy, identity, face_layout, level, alpha)
                # What one step implies is blurred; only its change is of the edit.
                after = before + (made - plain)
                turned = F.cosine_similarity(self._of_pictures(after) - seen, wanted, dim=-1)
                direction = -torch.log(((1 + turned) / 2).clamp(min=1e-4)).mean()
                kept = 1 - F.cosine_similarity(vector, identity, dim=0)
                outside = ((1 - mask) * (made - plain).abs()).mean()
                loss = (
                    settings.direction_weight * direction
                    + settings.identity_weight * kept
                    + settings.pixel_weight * outside
                )
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
            value = float(loss.detach())
            if callback is not None:
                callback(step, value)
            since += 1
            if value < best - 1e-3:
                best, found, since = value, vector.detach(), 0
            if since >= settings.patience:
                break
        return found

    @staticmethod
    def _make(
        pipeline: DiffusionVideoAutoencoderPipeline,
        noisy: Tensor,
        identity: Tensor,
        face_layout: FaceLayout,
        level: Tensor,
        alpha: Tensor,
    ) -> Tensor:
        output = pipeline.predictor(identity, face_layout)(noisy, level)
        clean = to_sample(output, noisy, alpha, pipeline.scheduler.config["prediction_type"])
        return pipeline.decode(clean)

    def _of_text(self, text: str) -> Tensor:
        """Its direction (D,), the mean over templates."""
        filled = [template.format(text) for template in TEMPLATES]
        tokens = self._tokenizer(filled, padding=True, truncation=True, return_tensors="pt").to(self._clip.device)
        features = self._clip.get_text_features(**tokens)
        return F.normalize(_pool(features), dim=-1).mean(0)

    def _of_pictures(self, pictures: Tensor) -> Tensor:
        """Directions (F, D) of pictures (F, 3, H, W) in [-1, 1]."""
        size = self._clip.config.vision_config.image_size
        pictures = F.interpolate((pictures + 1) / 2, size=(size, size), mode="bicubic", antialias=True)
        mean, deviation = (pictures.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        features = self._clip.get_image_features(pixel_values=(pictures - mean) / deviation)
        return F.normalize(_pool(features), dim=-1)


def _pool(features: Tensor | object) -> Tensor:
    """What transformers gives has become a record in its fifth version."""
    return features if isinstance(features, Tensor) else features.pooler_output  # type: ignore[attr-defined]
