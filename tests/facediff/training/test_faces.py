import shutil
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee

from facediff.datasets.recordings import Recording, read_recordings
from facediff.errors import InputError
from facediff.landmarks.mesh import LIPS_OUTER, OUTER_EYES
from facediff.landmarks.tracker import track_still
from facediff.media import VideoWriter
from facediff.training import faces
from facediff.training.faces import WIDE, FaceCrops, build_face_cache, open_face_cache, read_tracks

FRAMES, SHIFT = 7, 3  # a clip in which the picture moves to the right


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Recording]:
    folder = tmp_path_factory.mktemp("clips")
    (folder / "people").mkdir()
    Image.fromarray(astronaut()).save(folder / "people" / "still.png")
    Image.fromarray(coffee()).save(folder / "coffee.png")
    with VideoWriter(folder / "moving.mp4", (512, 512), Fraction(25)) as writer:
        for k in range(FRAMES):
            writer.write(np.roll(astronaut(), SHIFT * k, axis=1))
    (folder / "clips.csv").write_text(
        "file,split,kind,identity,licence\npeople/still.png,train,still,eileen,CC0\n"
        "coffee.png,train,still,cup,CC0\nmoving.mp4,train,silent,eileen,CC0\n"
    )
    return read_recordings(folder / "clips.csv")


@pytest.fixture(scope="module")
def cache(clips, tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def crops(clips, cache) -> FaceCrops:
    return build_face_cache(clips, cache, per_clip=4)


def test_one_row_a_crop(crops) -> None:
    assert crops.frames.shape == (5, *WIDE.size[::-1], 3) and crops.frames.dtype == np.uint8
    assert crops.clip.tolist() == [0, 2, 2, 2, 2]  # a cup has no face
    np.testing.assert_allclose(crops.time, [0, 0, 0.08, 0.16, 0.24], atol=1e-6)  # evenly spread
    assert crops.names.tolist() == ["people/still.png", "coffee.png", "moving.mp4"]
    assert crops.identities[crops.clip].tolist() == ["eileen"] * 5
    assert crops.kinds[crops.clip].tolist() == ["still"] + ["silent"] * 4


def test_points_stand_where_a_tracker_finds_them_in_the_crop(crops) -> None:
    for row in (0, 2):
        found = track_still(np.array(crops.frames[row])).points[0]
        off = np.linalg.norm(found[:, :2] - crops.points[row, :, :2], axis=1)
        assert off.mean() < 2.5 and off[LIPS_OUTER].max() < 6


def test_crops_are_upright_of_one_size_and_do_not_follow_the_picture(crops) -> None:
    eyes = crops.points[:, OUTER_EYES]
    turned = np.degrees(np.arctan2(*(eyes[:, 1] - eyes[:, 0])[:, 1::-1].T))
    width = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1)
    assert np.abs(turned).max() < 6
    np.testing.assert_allclose(width, WIDE.unit_px, rtol=0.08)
    assert np.abs(crops.points[1:] - crops.points[1]).max() < 6  # though the picture moved further


def test_a_crop_is_its_source_turned_and_enlarged_in_depth_too(crops) -> None:
    own = track_still(astronaut()).points[0]
    zoom = WIDE.unit_px / crops.source_unit_px[0]
    wanted, got = (np.linalg.norm(p - p[1], axis=1) for p in (own * zoom, crops.points[0]))
    np.testing.assert_allclose(got, wanted, atol=0.05)


def test_a_cache_is_opened_again_not_made_again(clips, cache, crops, monkeypatch) -> None:
    monkeypatch.setattr(faces, "_track", None)
    again = build_face_cache(clips, cache)
    np.testing.assert_array_equal(again.frames, crops.frames)
    np.testing.assert_array_equal(again.points, open_face_cache(cache).points)
    kept = read_tracks(clips[2], cache / "tracks")
    assert (len(kept), kept.fps, kept.size) == (FRAMES, 25.0, (512, 512)) and kept.usable.all()


def test_a_cache_of_other_clips_is_refused(clips, cache, crops) -> None:
    with pytest.raises(InputError, match="holds the faces of other clips; give another --cache"):
        build_face_cache(clips[:2], cache)


def test_tracks_that_are_there_are_not_made_again(clips, cache, crops, tmp_path, monkeypatch) -> None:
    shutil.copytree(cache / "tracks", tmp_path / "tracks")
    monkeypatch.setattr(faces, "_track", None)
    known = [clips[0], clips[2]]
    fresh = build_face_cache(known, tmp_path, per_identity=8)
    np.testing.assert_array_equal(fresh.frames, crops.frames)  # 4 of each clip, a person's share


def test_a_person_with_many_crops_weighs_more_but_not_in_proportion(crops) -> None:
    clip = np.array([0, 1, 1, 2, 2])
    three = FaceCrops(**{**vars(crops), "clip": clip, "identities": np.array(["a", "b", "b"])})
    weight = three.weights(power=0.5)
    assert weight.sum() == pytest.approx(1)
    np.testing.assert_allclose(weight[1:], weight[1])
    assert weight[1:].sum() / weight[0] == pytest.approx(2)  # the square root of 4 to 1
    np.testing.assert_allclose(three.weights(power=1.0), 0.2)
    np.testing.assert_allclose(three.weights(power=0.0)[0], 0.5)
