"""mediapipe by name: its 0.10 line, and from 1.2 on with a bundle."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks import detection
from facediff.landmarks.detection import FaceFinder, carries_models, make_detector
from facediff.landmarks.mediapipe_tasks import BUNDLE, TasksMesh
from facediff.landmarks.segmentation import person_mask


@pytest.mark.skipif(not carries_models(), reason="mediapipe 0.10 is not installed")
def test_the_0_10_line_needs_no_bundle(portrait, mesh):
    with FaceFinder("mediapipe") as finder:
        (found,) = finder(portrait)
        assert len(finder.boxes(portrait)) == 1
    assert np.abs(found - mesh)[:, :2].mean() < 1.0


@pytest.mark.skipif(not carries_models(), reason="mediapipe 0.10 is not installed")
def test_it_is_named_where_it_is_preferred(portrait, monkeypatch):
    monkeypatch.setattr(detection, "PREFERRED", ("mediapipe", "torch"))
    assert detection.choose_detector() == "mediapipe"
    theirs = person_mask(portrait)
    monkeypatch.setattr(detection, "PREFERRED", ("torch",))
    assert detection.choose_detector() == "torch"
    np.testing.assert_allclose(person_mask(portrait), theirs, atol=0.01)


@pytest.mark.parametrize("backend", ["mediapipe_backend", "mediapipe_tasks"])
def test_without_the_library_the_error_says_how_to_install_it(monkeypatch, backend):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    monkeypatch.setattr(detection, "carries_models", lambda: backend == "mediapipe_backend")
    with pytest.raises(MissingExtra, match=r"needs mediapipe: pip install 'facediff\[mediapipe\]'"):
        make_detector("mediapipe", follows_motion=False, max_faces=1)


@pytest.mark.parametrize("named", [None, "nowhere.task"])
def test_without_a_bundle_the_error_names_the_variable(monkeypatch, named):
    pytest.importorskip("mediapipe.tasks.python.vision")
    monkeypatch.delenv(BUNDLE, raising=False)
    if named:
        monkeypatch.setenv(BUNDLE, named)
    with pytest.raises(WeightsError, match=f"{BUNDLE} names (no file|nowhere.task); .*'torch', which needs none"):
        TasksMesh()


def test_what_is_no_bundle_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("mediapipe.tasks.python.vision")
    (tmp_path / "a.task").write_bytes(b"no bundle")
    monkeypatch.setenv(BUNDLE, str(tmp_path / "a.task"))
    with pytest.raises(WeightsError, match="a.task is no bundle of face landmarks"):
        TasksMesh()


@pytest.mark.skipif(BUNDLE not in os.environ, reason=f"{BUNDLE} names no bundle")
@pytest.mark.parametrize("follows", [False, True])
def test_with_a_bundle_a_face_is_found_and_the_log_says_what_is_asked_for(portrait, mesh, caplog, follows):
    library = TasksMesh(follows_motion=follows)
    try:
        found = [library.detect(portrait) for _ in range(3)][-1]
        library.forget()
        assert len(library.detect(portrait)) == 1
    finally:
        library.close()
    assert np.abs(found[0] - mesh)[:, :2].mean() < 1.0
    assert "play.googleapis.com" in caplog.text
