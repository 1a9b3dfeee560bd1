"""Tests mirror the code: every module has a test module of its name, at its place, or a reason why it has none."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = {"facediff": "tests/facediff", "audio": "tests/audio", "landmarks": "tests/landmarks", "demo": "tests/demo"}

# Without a test module of their own. Who writes one takes the line away; a new module gets its tests instead of a line.
NOTHING_TO_RUN = {
    "landmarks/mesh.py": "indices, no computation",
    "demo/style.py": "colours and spaces",
    "facediff/rendering/inpainting/protocol.py": "protocols; drawn.py is one",
    "facediff/cli/app.py": "the command line's root; every test of a command goes through it",
}
TESTED_WHERE_IT_ENDS = {  # module: the tests that fail when it is broken
    "audio/listening.py": "tests/audio/test_mixing.py",
    "facediff/cli/adapt.py": "tests/facediff/cli/test_commands.py",
    "facediff/agents/speech.py": "tests/facediff/agents/test_livekit.py",
    "facediff/cli/animate.py": "tests/facediff/tasks/test_animate.py",
    "facediff/cli/arguments.py": "tests/facediff/cli/test_commands.py",
    "facediff/cli/doctor.py": "tests/facediff/cli/test_checks.py",
    "facediff/cli/drag.py": "tests/facediff/tasks/test_drag.py",
    "facediff/cli/edit.py": "tests/facediff/tasks/test_edit.py",
    "facediff/cli/enhance.py": "tests/facediff/tasks/test_enhance.py",
    "facediff/cli/extend.py": "tests/facediff/tasks/test_extend.py",
    "facediff/cli/provenance.py": "tests/facediff/provenance/test_verification.py",
    "facediff/cli/style.py": "tests/facediff/tasks/test_style.py",
    "facediff/options/style.py": "tests/facediff/tasks/test_style.py",
    "facediff/tasks/styling.py": "tests/facediff/tasks/test_style.py",
    "facediff/cli/talk.py": "tests/facediff/cli/test_commands.py",
    "facediff/live/engine.py": "tests/facediff/live/test_recording.py",
    "facediff/options/enhance.py": "tests/facediff/tasks/test_enhance.py",
    "facediff/options/live.py": "tests/facediff/live/test_session.py",
    "facediff/live/process.py": "tests/facediff/live/test_session.py",
    "facediff/live/speech.py": "tests/facediff/live/test_planner.py",
    "facediff/conditioning/fadm_paper.py": "tests/facediff/conditioning/test_fadm.py",
    "facediff/datasets/published/cards_of_bodies.py": "tests/facediff/datasets/published/test_catalog.py",
    "facediff/datasets/published/cards_of_captions.py": "tests/facediff/datasets/published/test_catalog.py",
    "facediff/datasets/published/cards_of_faces.py": "tests/facediff/datasets/published/test_catalog.py",
    "facediff/datasets/published/cards_of_scenes.py": "tests/facediff/datasets/published/test_catalog.py",
    "facediff/datasets/published/record.py": "tests/facediff/datasets/published/test_catalog.py",
    "facediff/evaluation/networks/clip.py": "tests/facediff/evaluation/test_text.py",
    "facediff/edits.py": "tests/facediff/system/test_moved.py",
    "facediff/options/record.py": "tests/facediff/options/test_tasks.py",
    "facediff/media/colour.py": "tests/facediff/media/test_writing.py",
    "facediff/media/decoding.py": "tests/facediff/media/test_interlacing.py",
    "facediff/media/pictures.py": "tests/facediff/media/test_kinds.py",
    "facediff/media/side_data.py": "tests/facediff/media/test_orientation.py",
    "facediff/media/tone_mapping.py": "tests/facediff/media/test_light.py",
    "facediff/models/temporal_layers.py": "tests/facediff/models/test_inflation.py",
    "facediff/models/fadm.py": "tests/facediff/pipelines/test_fadm.py",
    "facediff/pipelines/motion.py": "tests/facediff/system/test_moved.py",
    "facediff/pipelines/published.py": "tests/facediff/pipelines/test_difftalk.py",
    "facediff/pipelines/video_denoisers.py": "tests/facediff/pipelines/test_video_adapter.py",
    "facediff/provenance/credentials.py": "tests/facediff/provenance/test_manifest.py",
    "facediff/provenance/pattern.py": "tests/facediff/provenance/test_watermark.py",
    "facediff/provenance/search.py": "tests/facediff/provenance/test_watermark.py",
    "facediff/rendering/editing/encoding.py": "tests/facediff/rendering/editing/test_identity.py",
    "facediff/rendering/inpainting/drawn.py": "tests/facediff/rendering/inpainting/test_mouth.py",
    "facediff/rendering/painting/painter.py": "tests/facediff/rendering/painting/test_mouth.py",
    "facediff/cli/study.py": "tests/facediff/study/test_report.py",
    "facediff/study/options.py": "tests/facediff/study/test_plan.py",
    "facediff/study/results.py": "tests/facediff/study/test_report.py",
    "facediff/study/stage.py": "tests/facediff/study/test_page.py",
    "facediff/study/videos.py": "tests/facediff/study/test_plan.py",
    "facediff/system/timeline.py": "tests/audio/test_time_line.py",
    "facediff/tasks/identity.py": "tests/facediff/tasks/test_edit.py",
    "facediff/training/edit_stages.py": "tests/facediff/training/test_attributes.py",
    "landmarks/detector_networks.py": "tests/landmarks/test_face_detector.py",
    "landmarks/follower.py": "tests/landmarks/test_tracker.py",
    "landmarks/motion.py": "tests/facediff/system/test_moved.py",
    "landmarks/templates.py": "tests/facediff/system/test_moved.py",
    "landmarks/mediapipe_tasks.py": "tests/landmarks/test_mediapipe_backends.py",
    "landmarks/mesh_network.py": "tests/landmarks/test_torch_backend.py",
    "landmarks/networks.py": "tests/landmarks/test_torch_backend.py",
    "landmarks/segmenter_network.py": "tests/landmarks/test_torch_backend.py",
    "landmarks/mediapipe_backend.py": "tests/landmarks/test_detection.py",
    "demo/actions.py": "tests/demo/test_server.py",
    "demo/animate.py": "tests/demo/test_server.py",
    "demo/app.py": "tests/demo/test_server.py",
    "demo/archive.py": "tests/demo/test_adapt.py",
    "demo/domain.py": "tests/demo/test_server.py",
    "demo/edit.py": "tests/demo/test_server.py",
    "demo/looks.py": "tests/demo/test_server.py",
    "demo/guard.py": "tests/demo/test_hostile.py",
    "demo/learning.py": "tests/demo/test_server.py",
    "demo/result.py": "tests/demo/test_server.py",
    "demo/source.py": "tests/demo/test_server.py",
    "demo/staging.py": "tests/demo/test_server.py",
    "demo/talk.py": "tests/demo/test_server.py",
    "demo/uploads.py": "tests/demo/test_hostile.py",
}


def without_mirror() -> set[str]:
    """Modules with code that no test module is named after."""
    lacking = set()
    for room, tests in ROOMS.items():
        for module in (ROOT / room).rglob("*.py"):
            inside = module.relative_to(ROOT / room)
            is_link = (ROOT / room / inside.parts[0]).is_symlink()
            if not is_link and not module.name.startswith("__"):
                mirror = ROOT / tests / inside.parent / f"test_{module.name}"
                lacking |= set() if mirror.is_file() else {f"{room}/{inside.as_posix()}"}
    return lacking


def test_every_module_is_mirrored_or_says_why_not() -> None:
    """A line that is no longer true goes, too."""
    assert sorted(without_mirror()) == sorted(NOTHING_TO_RUN | TESTED_WHERE_IT_ENDS)


def test_what_is_tested_elsewhere_is_tested_there() -> None:
    for module, tests in TESTED_WHERE_IT_ENDS.items():
        assert (ROOT / tests).is_file(), module


def test_every_test_module_is_named_after_something_that_exists() -> None:
    """Else it is left behind when code moves; tests of whole journeys say so here."""
    journeys = {
        "tests/audio/test_time_line.py",
        "tests/demo/test_browser.py",
        "tests/demo/test_hostile.py",
        "tests/demo/test_server.py",
        "tests/facediff/cli/test_commands.py",
        "tests/facediff/evaluation/test_real_films.py",
        "tests/facediff/test_precision.py",
        "tests/facediff/test_threads.py",
        "tests/landmarks/test_mediapipe_backends.py",
    }
    left = set()
    for room, tests in ROOMS.items():
        for test in (ROOT / tests).rglob("test_*.py"):
            inside = test.relative_to(ROOT / tests)
            module = ROOT / room / inside.parent / test.name.removeprefix("test_")
            if not module.is_file() and not module.with_suffix("").is_dir():
                left.add(test.relative_to(ROOT).as_posix())
    assert sorted(left) == sorted(journeys)
