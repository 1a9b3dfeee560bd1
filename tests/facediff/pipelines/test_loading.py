import shutil

import pytest

from facediff.errors import ConfigError, WeightsError
from facediff.pipelines.loading import load_animate, load_talk
from facediff.weights import CHECKPOINTS


def test_the_embedded_model_is_ready_to_run() -> None:
    motion, painting = load_talk("base", "cpu")
    assert not any(part.training for part in (motion.denoiser, painting.unet, painting.codec, painting.conditioner))
    assert painting.scheduler.config["timestep_spacing"] == "trailing"


def test_the_embedded_refiner_is_ready_to_run_and_hears_of_schedulers(tmp_path) -> None:
    refining = load_animate("base", "cpu", scheduler="dpm++")
    assert not any(part.training for part in (refining.unet, refining.codec, refining.conditioner))
    assert type(refining.scheduler).__name__ == "DPMSolverMultistepScheduler"
    shutil.copytree(CHECKPOINTS / "base" / "codec", tmp_path / "codec")
    with pytest.raises(WeightsError, match="has no fadm"):
        load_animate(tmp_path, "cpu")


def test_a_folder_laid_out_like_it_will_do(tmp_path) -> None:
    shutil.copytree(CHECKPOINTS / "base", tmp_path / "mine")
    _, painting = load_talk(tmp_path / "mine", "cpu", scheduler="dpm++")
    assert type(painting.scheduler).__name__ == "DPMSolverMultistepScheduler"
    assert painting.scheduler.config["prediction_type"] == "v_prediction"


def test_what_is_missing_or_wrong_is_named(tmp_path) -> None:
    shutil.copytree(CHECKPOINTS / "base", tmp_path / "mine")
    (tmp_path / "mine" / "codec" / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_talk(tmp_path / "mine", "cpu")
    shutil.rmtree(tmp_path / "mine" / "codec")
    with pytest.raises(WeightsError, match="has no codec"):
        load_talk(tmp_path / "mine", "cpu")
    with pytest.raises(ConfigError, match="no scheduler 'magic'"):
        load_talk("base", "cpu", scheduler="magic")
