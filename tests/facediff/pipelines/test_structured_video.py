"""Clips in another look, by tiny networks of the real classes, and what structure tells, by an exact one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facediff.diffusion.noise_levels import alpha_at
from facediff.diffusion.sampler import denoise
from facediff.errors import ConfigError
from facediff.landmarks.depth import draw_depth, soften_structure
from facediff.models.inflation import inflate
from facediff.pipelines.structured_video import StructuredVideoPipeline, StructureStyle, face_structure
from tests.facediff.pipelines import picture_models as tiny

FRAMES, SIDE = 4, 32
PLAIN = StructureStyle(num_inference_steps=8, guidance_scale=1.0)


def led(unet: UNet2DConditionModel | None = None) -> StructuredVideoPipeline:
    unet = unet or tiny.unet()
    return StructuredVideoPipeline(tiny.codec(), unet, tiny.schedule(), controlnet=tiny.control(unet))


def structure(seed: int = 0) -> Tensor:
    return torch.rand(FRAMES, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def tokens(seed: int) -> Tensor:
    return torch.randn(1, 2, tiny.DIM, generator=torch.Generator().manual_seed(seed))


def make(pipeline: StructuredVideoPipeline, told: Tensor, **more) -> Tensor:
    more = {"structure": structure(), "style": PLAIN, "generator": torch.Generator().manual_seed(0), **more}
    return pipeline(told, decode=False, **more).latents


def test_frames_are_led_by_their_structure_and_by_what_is_said() -> None:
    pipeline = led()
    made = pipeline(tokens(0), structure=structure(), style=PLAIN, generator=torch.Generator().manual_seed(0))
    assert made.images.shape == (FRAMES, 3, SIDE, SIDE) and made.images.isfinite().all()
    other = structure()
    other[2] = 0
    moved = (make(pipeline, tokens(0), structure=other) - made.latents).abs().amax(dim=(1, 2, 3))
    assert moved[2] > 1e-3 and moved[[1, 3]].max() < 1e-6  # frames look at frame 0 alone
    assert (make(pipeline, tokens(1)) - made.latents).abs().max() > 1e-4


def test_a_unet_of_depth_is_shown_it_beside_the_latents() -> None:
    torch.manual_seed(0)
    config = dict(tiny.unet().config) | {"in_channels": tiny.CHANNELS + 1}
    pipeline = StructuredVideoPipeline(tiny.codec(), UNet2DConditionModel(**config).eval(), tiny.schedule())
    assert pipeline.sees_structure
    assert (make(pipeline, tokens(0)) - make(pipeline, tokens(0), structure=structure(1))).abs().max() > 1e-3


def test_temporal_guidance_of_1_is_ordinary_guidance() -> None:
    pipeline = led()
    style = {"num_inference_steps": 8, "guidance_scale": 3.0}
    ordinary = make(pipeline, tokens(0), negative=tokens(1), style=StructureStyle(**style))
    nearly = make(pipeline, tokens(0), negative=tokens(1), style=StructureStyle(**style, temporal_guidance=1 + 1e-7))
    torch.testing.assert_close(nearly, ordinary, rtol=0, atol=1e-5)


def test_without_temporal_guidance_and_text_each_frame_stands_alone() -> None:
    pipeline = led()
    made = make(
        pipeline, tokens(0), style=StructureStyle(num_inference_steps=8, guidance_scale=1.0, temporal_guidance=0.0)
    )
    single = [
        make(pipeline, tokens(0), structure=structure()[k : k + 1], noise=noise()[:1]) for k in range(FRAMES)
    ]  # fmt: skip
    alone = make(
        pipeline, tokens(0), noise=noise()[:1].repeat(FRAMES, 1, 1, 1),
        style=StructureStyle(num_inference_steps=8, guidance_scale=1.0, temporal_guidance=0.0),
    )  # fmt: skip
    torch.testing.assert_close(alone, torch.cat(single), rtol=0, atol=1e-4)
    assert made.isfinite().all()


def noise(seed: int = 3) -> Tensor:
    step = SIDE // tiny.STRIDE
    return torch.randn(FRAMES, tiny.CHANNELS, step, step, generator=torch.Generator().manual_seed(seed))


def test_what_is_inverted_comes_back() -> None:
    """About, as this network has learnt nothing; what a tuned one does is in the tests of ``training.one_shot``."""
    pipeline = StructuredVideoPipeline(tiny.codec(), inflate(tiny.unet(), "tune-a-video"), tiny.schedule())
    style = StructureStyle(guidance_scale=1.0)
    frames = structure(5)[..., :16, :16] * 2 - 1
    found = pipeline.invert(frames, tokens(0), style=style)
    clean = pipeline.encode(frames)
    back = pipeline(tokens(0), found, style=style, decode=False).latents
    stranger = pipeline(tokens(1), found.flip(0), style=style, decode=False).latents
    assert (back - clean).square().mean() < 0.25 * (stranger - clean).square().mean()


class StructuredFace:
    """The exact denoiser of landmarks that are one of many expressions, of which structure tells which they may be.

    Args:
        shown: Depth of the face that is to be followed, softened.
        known: The same of each expression.
        shapes: (N, D) landmarks of each.
    """

    def __init__(self, shown: np.ndarray, known: list[np.ndarray], shapes: Tensor, trust: float = 0.4) -> None:
        apart = torch.tensor([float(np.square(one - shown).sum()) for one in known])
        self.told, self.shapes, self.levels = -apart / (2 * trust**2), shapes, tiny.schedule()

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        alpha = alpha_at(self.levels, t)
        far = (x[:, None] - alpha.sqrt() * self.shapes).square().sum(-1) / (2 * (1 - alpha))
        clean = torch.softmax(self.told - far, dim=1) @ self.shapes
        return (x - alpha.sqrt() * clean) / (1 - alpha).sqrt()


def test_the_less_structure_tells_the_further_landmarks_are_from_it(mesh) -> None:
    """Gen-1's t_s, with the structure that networks are shown and an exact sampler under it."""
    from facediff.landmarks.canonical import canonicalise, from_canonical
    from facediff.motion import coefficients

    small = mesh * (64 / 512)
    shape, pose = canonicalise(small[None])
    faces = [from_canonical(shape + share * coefficients.basis().opening, pose)[0] for share in np.linspace(0, 0.5, 11)]
    drawn = [draw_depth(face, (64, 64)) for face in faces]
    shapes = torch.tensor(np.linspace(-1, 1, 11), dtype=torch.float32)[:, None]
    distances = []
    for level in (0, 2, 4, 6):
        known = [soften_structure(one, level) for one in drawn]
        errors = []
        for wanted in range(11):
            x = torch.randn(300, 1, generator=torch.Generator().manual_seed(wanted))
            made = denoise(StructuredFace(known[wanted], known, shapes), x, tiny.schedule(), 25)
            errors.append((made - shapes[wanted]).abs().mean())
        distances.append(float(torch.stack(errors).mean()))
    assert all(one < other for one, other in zip(distances, distances[1:], strict=False)), distances


def test_a_face_s_structure_is_its_depth_as_pictures(mesh) -> None:
    made = face_structure([mesh, mesh], (512, 512), 3)
    assert made.shape == (2, 3, 512, 512)
    np.testing.assert_array_equal(made[0, 1], soften_structure(draw_depth(mesh, (512, 512)), 3))


def test_nonsense_is_refused_in_a_sentence() -> None:
    pipeline, plain = led(), StructuredVideoPipeline(tiny.codec(), tiny.unet(), tiny.schedule())
    for attempt, words in (
        (lambda: plain(tokens(0)), "begins with noise, or is told its structure"),
        (lambda: make(plain, tokens(0)), "give both, or neither"),
        (lambda: pipeline(tokens(0), noise()), "give both, or neither"),
        (lambda: make(pipeline, tokens(0), noise=noise()[:2]), "noise of 2 frames and structure of 4"),
        (
            lambda: make(pipeline, tokens(0), style=StructureStyle(guidance_scale=1.0, temporal_guidance=-1.0)),
            "temporal_scale",
        ),
        (lambda: StructuredVideoPipeline(tiny.codec(), inpainter(), tiny.schedule()), "4 channels here, .* not 9"),
    ):
        with pytest.raises(ConfigError, match=words):
            attempt()


def inpainter() -> UNet2DConditionModel:
    return UNet2DConditionModel(**(dict(tiny.unet().config) | {"in_channels": 9}))
