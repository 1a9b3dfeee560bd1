"""On TorchScript files of the published interfaces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facediff.errors import InputError, WeightsError
from facediff.evaluation.cases import Case, Item, Kit
from facediff.evaluation.networks.i3d import i3d_features

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


class Mean(torch.nn.Module):
    """The mean of each colour, in the place of logits."""

    def forward(self, x: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False):
        assert rescale and resize and return_features
        return x.mean(dim=(2, 3, 4))


def test_each_sixteen_frames_have_features_and_the_rest_has_none(tmp_path, cases, portrait, write_film_copy) -> None:
    torch.jit.script(Mean()).save(str(tmp_path / "i3d.pt"))
    kit = Kit(weights={"i3d": str(tmp_path / "i3d.pt")})
    found = i3d_features(Case(cases["plain"].item, kit))
    assert found.shape == (72 // 16, 3)
    frames = np.stack([frame for _, frame in zip(range(16), cases["plain"].reader, strict=False)])
    assert found[0] == pytest.approx(frames.mean(axis=(0, 1, 2)), abs=0.1)
    short = write_film_copy(tmp_path / "short.mp4", [portrait[:64, :64]] * 9)
    with pytest.raises(InputError, match="short.mp4 has fewer than 16 frames"):
        i3d_features(Case(Item(made=short), kit))


def test_other_files_are_refused(tmp_path, cases) -> None:
    (tmp_path / "torn.pt").write_bytes(b"torn")
    torch.jit.script(torch.nn.Identity()).save(str(tmp_path / "other.pt"))
    for name, said in (("torn.pt", "is not I3D"), ("other.pt", "is another's")):
        with pytest.raises(WeightsError, match=said):
            i3d_features(Case(cases["plain"].item, Kit(weights={"i3d": str(tmp_path / name)})))
