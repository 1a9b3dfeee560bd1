"""Published weights, by name: where they are had, whose they are, and their hash, where their publisher gives one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facediff.errors import ConfigError, WeightsError
from facediff.evaluation.feature_cache import content_hash


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights that somebody has published, and that do not travel with facediff.

    Attributes:
        what: The network.
        file: As they are called where they are had.
        licence: As far as it is told.
        sha256: Of the file, or how it begins, as far as it is known; of the files of a folder for those who read, since
            what opens them checks them. None where nobody tells.
        hub: A name on the Hugging Face hub that may be given in the place of a path; None for files only.
    """

    what: str
    file: str
    licence: str
    sha256: str | None = None
    hub: str | None = None


PUBLISHED = {
    "alexnet": Published(
        what="AlexNet of torchvision, the trunk of LPIPS", file="alexnet-owt-7be5be79.pth", licence="BSD-3-Clause",
        sha256="7be5be79",
    ),
    "arcface": Published(
        what="ArcFace of insightface, ONNX", file="w600k_r50.onnx or w600k_mbf.onnx", licence="not for commerce",
    ),
    "clip": Published(
        what="CLIP", file="a folder of transformers", licence="MIT", hub="openai/clip-vit-base-patch32",
    ),
    "face_api": Published(
        what="judges of identity, expression, age and sex",
        file="the folder `model` of the npm package @vladmandic/face-api 1.7.15", licence="MIT",
        sha256="b413e420, 9a9840f2, 49f92bbc",
    ),
    "i3d": Published(what="I3D as TorchScript, of StyleGAN-V", file="i3d_torchscript.pt", licence="Apache-2.0"),
    "inception": Published(
        what="Inception of FID as TorchScript, of StyleGAN and clean-fid", file="inception-2015-12-05.pt",
        licence="Apache-2.0",
        sha256="f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
    ),
    "syncnet": Published(what="SyncNet", file="syncnet_v2.model", licence="research, see its page"),
}  # fmt: skip


def read_weights(given: list[str]) -> dict[str, str]:
    """Weights by name of ``NAME=PATH`` or ``NAME=PATH#SHA256``.

    Raises:
        ConfigError: One is of another form, or of a name that is not known.
        WeightsError: A file is not there, or its hash is another.
    """
    found = {}
    for one in given:
        name, is_there, value = one.partition("=")
        if not is_there or not value:
            raise ConfigError(f"--weights {one} names no file; give NAME=PATH, with NAME of {', '.join(PUBLISHED)}")
        found[name] = check_weights(name, value)
    return found


def check_weights(name: str, value: str) -> str:
    """The path of published weights, or their name on the hub, once they are what they should be.

    Args:
        name: Of the weights.
        value: A path, with ``#`` and a hash behind it where it should be of that one; or a name on the hub.

    Raises:
        ConfigError: There are no weights of that name.
        WeightsError: There is no such file, or its hash is another.
    """
    if name not in PUBLISHED:
        raise ConfigError(f"there are no published weights {name!r}; there are {', '.join(PUBLISHED)}")
    published = PUBLISHED[name]
    place, _, wanted = value.partition("#")
    path = Path(place).expanduser()
    if not path.exists():
        if published.hub is not None and place.count("/") <= 1 and not place.startswith((".", "/")):
            return place
        raise WeightsError(f"there are no weights {name} at {path}; give {published.file}")
    wanted = (wanted or published.sha256 or "").lower()
    if wanted and path.is_file() and not content_hash(path).startswith(wanted):
        raise WeightsError(
            f"{path} is not {published.what}: its SHA-256 begins with {content_hash(path)[:8]}, not {wanted[:8]}; "
            f"give {published.file}"
        )
    return str(path)
