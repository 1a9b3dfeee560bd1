from __future__ import annotations

import hashlib

import pytest

from facediff.errors import ConfigError, WeightsError
from facediff.evaluation.published import check_weights, read_weights


def test_weights_are_named_and_their_hash_is_checked(tmp_path) -> None:
    file = tmp_path / "i3d.pt"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert read_weights([f"i3d={file}", f"syncnet={file}#{digest}"]) == {"i3d": str(file), "syncnet": str(file)}
    with pytest.raises(WeightsError, match=f"its SHA-256 begins with {digest[:8]}, not 00000000"):
        check_weights("i3d", f"{file}#00000000")


def test_a_file_that_its_publisher_knows_otherwise_is_refused(tmp_path) -> None:
    file = tmp_path / "alexnet.pth"
    file.write_bytes(b"weights")
    with pytest.raises(WeightsError, match="is not AlexNet of torchvision.*not 7be5be79"):
        check_weights("alexnet", str(file))


def test_a_name_on_the_hub_is_taken_where_there_is_one_and_a_missing_file_is_not(tmp_path) -> None:
    assert check_weights("clip", "openai/clip-vit-base-patch32") == "openai/clip-vit-base-patch32"
    with pytest.raises(WeightsError, match="no weights i3d at"):
        check_weights("i3d", "someone/i3d")
    with pytest.raises(WeightsError, match="no weights clip at"):
        check_weights("clip", str(tmp_path / "clip"))
    with pytest.raises(ConfigError, match="no published weights 'vgg'"):
        check_weights("vgg", "vgg.pth")
    with pytest.raises(ConfigError, match="--weights clip names no file"):
        read_weights(["clip"])
