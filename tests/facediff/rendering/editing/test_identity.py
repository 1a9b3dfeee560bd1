"""Editing frames around tiny networks of the real classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facediff.conditioning.diffusion_autoencoder import COORDINATE_CHANNELS, PLACE_CHANNELS, FaceVector
from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE
from facediff.landmarks.masks import face_hull
from facediff.landmarks.segmentation import person_mask
from facediff.landmarks.tracker import track_still
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import DualModulationUNet, base_schedule
from facediff.models.identity import IdentityEncoder
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
from facediff.rendering.editing.encoding import EncodedVideo, FaceViews, find_identity
from facediff.rendering.editing.encoding_store import EncodingStore
from facediff.rendering.editing.identity import EditSettings, IdentityEditor, mask_region, remove_light
from facediff.rendering.editing.methods import DeltaMethod, InversionMethod
from facediff.types import FaceTrack

MOVES = (0, 3, 6, 9)  # pixels to the right, frame by frame
FRAMES = [np.roll(astronaut(), shift, axis=1) for shift in MOVES]
STEPS = 3


@pytest.fixture(scope="module")
def pipeline() -> DiffusionVideoAutoencoderPipeline:
    torch.manual_seed(0)
    made = DiffusionVideoAutoencoderPipeline(
        DualModulationUNet(4, PLACE_CHANNELS, (8, 8), attention_head_dim=4, face_dim=6, norm_num_groups=4),
        FaceVector(identity_dim=10, hidden=8, face_dim=6),
        base_schedule(),
        IdentityEncoder(4, COORDINATE_CHANNELS, (8, 8), (2, 2), dim=10, norm_num_groups=4),
        FaceCodec(4, 8, 8, (1, 1), (1, 1)),
    )
    for part in (made.codec, made.identity, made.face, made.unet):
        part.eval()
    for weight in (*made.unet.parameters(), *made.codec.decoder.parameters()):  # zero layers would hide what is done
        torch.nn.init.normal_(weight, std=0.2)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def views() -> FaceViews:
    """The portrait in motion; the third frame shows no face."""
    points = np.repeat(track_still(astronaut()).points, len(MOVES), axis=0)
    points[:, :, 0] += np.array(MOVES, np.float32)[:, None]
    presence = np.array([2, 2, 0, 2], np.uint8)
    points[presence == 0] = np.nan
    return FaceViews(FaceTrack(points, presence, (512, 512), 25.0))


@pytest.fixture(scope="module")
def who(pipeline, views) -> np.ndarray:
    return find_identity(pipeline, FRAMES, views)


def other(who: np.ndarray) -> np.ndarray:
    return -who


def edit(pipeline, views, video, identity, frames=FRAMES, **settings) -> list[np.ndarray]:
    editor = IdentityEditor(pipeline, video, views, identity, EditSettings(**settings))
    return list(editor(enumerate(frames)))


WAYS = pytest.mark.parametrize("way", [
    lambda pipeline: InversionMethod(pipeline, STEPS, 1),
    lambda pipeline: DeltaMethod(pipeline, (0.4, 0.8)),
], ids=["inversion", "delta"])  # fmt: skip


@WAYS
def test_the_same_identity_leaves_every_frame_as_it_is(pipeline, views, who, way) -> None:
    video = EncodedVideo(way(pipeline), pipeline, who, None)
    for made, frame in zip(edit(pipeline, views, video, who), FRAMES, strict=True):
        assert made is frame


@WAYS
def test_another_identity_changes_the_head_and_nothing_else(pipeline, views, who, way) -> None:
    video = EncodedVideo(way(pipeline), pipeline, who, None)
    made = edit(pipeline, views, video, other(who), regions=("face",))
    assert made[2] is FRAMES[2]
    for index in (0, 1, 3):
        changed = (made[index] != FRAMES[index]).any(axis=2)
        points = views.track.points[index]
        near = face_hull(points, (512, 512), float(np.linalg.norm(points[33] - points[263])), reach=0.3) > 0
        assert changed[near].mean() > 0.05 and not (changed & ~near).any()


@WAYS
def test_a_second_edit_only_decodes_and_is_the_same(pipeline, views, who, tmp_path, monkeypatch, way) -> None:
    def video() -> EncodedVideo:
        store = EncodingStore(tmp_path / "one.sqlite", (4, 28, 28))
        return EncodedVideo(way(pipeline), pipeline, who, store)

    first = edit(pipeline, views, video(), other(who))
    monkeypatch.setattr(pipeline, "latents", None)
    second = edit(pipeline, views, video(), other(who))
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_identity_is_that_of_the_frames_with_a_face(pipeline, views, who) -> None:
    assert views.known_by == [0, 1, 3]
    assert np.linalg.norm(who) == pytest.approx(1.0, abs=1e-5)
    changed = [FRAMES[0], FRAMES[1], np.zeros_like(FRAMES[2]), FRAMES[3]]
    np.testing.assert_array_equal(find_identity(pipeline, changed, views), who)


@pytest.mark.parametrize(("region", "inside", "outside"), [
    ("eyes", 159, 152), ("lids", 159, 151), ("lips", 13, 152),
    ("lower face", 17, 10), ("face", 4, None), ("head", 151, None),
])  # fmt: skip
def test_regions_hold_what_they_are_called(views, region: str, inside: int, outside: int | None) -> None:
    points = views(0, FRAMES[0]).points
    mask = mask_region(points, (region,))
    assert mask.shape == FACE.size[::-1] and mask.min() == 0.0
    column, row = points[inside, :2].astype(int)
    assert mask[row, column] > 0.95
    if outside is not None:
        column, row = points[outside, :2].astype(int).clip(0, 223)
        assert mask[row, column] < 0.2
    assert not mask[0].any() and not mask[:, 0].any()  # no seam at the crop's border


def test_the_head_ends_where_the_person_does(views) -> None:
    view = views(0, FRAMES[0])
    person = person_mask(view.crop)
    loose, tight = (mask_region(view.points, ("head",), crop) for crop in (None, view.crop))
    behind = (person < 0.05) & (loose > 0.5) & (mask_region(view.points, ("face",)) == 0)
    assert behind.sum() > 50 and tight[behind].max() < 0.05
    within = (person > 0.99) & (loose > 0.5)
    assert np.abs(tight - loose)[within].max() < 0.01


def test_what_happens_to_the_light_is_not_the_edit(views) -> None:
    points = views(0, FRAMES[0]).points
    region = mask_region(points, ("lower face",))
    beard = np.zeros((*region.shape, 3), np.float32)
    beard[masks.lower_face(points, FACE.size, FACE.unit_px) > 0] = -40.0
    left = remove_light(beard + 25.0, points, region)  # a lighter picture
    np.testing.assert_allclose(left[region > 0.999], beard[region > 0.999], atol=4.0)
    whole = mask_region(points, ("face",))
    assert abs((whole[..., None] * remove_light(np.full_like(beard, 9.0), points, whole)).mean()) < 0.1
