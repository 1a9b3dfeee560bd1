"""On TorchScript files of the published interfaces."""

from __future__ import annotations

import pytest
import torch

from facediff.errors import WeightsError
from facediff.evaluation.cases import Case, Kit
from facediff.evaluation.networks.inception import inception_features

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


class Colours(torch.nn.Module):
    """The mean of each colour as features, and as the chances of three classes."""

    def forward(self, x: torch.Tensor, return_features: bool = False, no_output_bias: bool = False):
        assert x.dtype == torch.uint8
        mean = x.float().mean(dim=(2, 3))
        return mean if return_features else torch.softmax(mean / 10, dim=1)


def test_frames_have_features_and_chances(tmp_path, cases) -> None:
    torch.jit.script(Colours()).save(str(tmp_path / "inception.pt"))
    found = inception_features(Case(cases["plain"].item, Kit(weights={"inception": str(tmp_path / "inception.pt")})))
    assert found["pool"].shape == found["chances"].shape == (72, 3)
    assert found["chances"].sum(axis=1) == pytest.approx(1)
    assert found["pool"][0] == pytest.approx(next(iter(cases["plain"].reader)).mean(axis=(0, 1)), abs=0.1)


def test_other_files_are_refused(tmp_path, cases) -> None:
    (tmp_path / "torn.pt").write_bytes(b"torn")
    torch.jit.script(torch.nn.Identity()).save(str(tmp_path / "other.pt"))
    for name, said in (("torn.pt", "is not Inception"), ("other.pt", "is another's")):
        with pytest.raises(WeightsError, match=said):
            inception_features(Case(cases["plain"].item, Kit(weights={"inception": str(tmp_path / name)})))
