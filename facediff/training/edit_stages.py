"""The trainings of edits, on the cache of faces.

edit        pairs of moments, the codec's latents ──▶ model/edit: denoiser, identity encoder, face vector
attributes  labels, identities of the faces ──▶ model/edit/attributes
prototypes  labels, the faces themselves ──▶ model/edit/prototypes
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.conditioning.diffusion_autoencoder import PLACE_CHANNELS, FaceVector
from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import ConfigError
from facediff.landmarks import masks
from facediff.landmarks.alignment import FACE, warp_affine
from facediff.landmarks.correspondence import face_coordinates
from facediff.models.checkpoints import open_network
from facediff.models.codec import FaceCodec
from facediff.models.diffusion_autoencoder import base_schedule, base_unet
from facediff.models.identity import COORDINATE_CHANNELS, IdentityEncoder, coordinate_maps
from facediff.motion.coefficients import lip_opening
from facediff.training.attributes import find_label, fit_attributes, read_labels
from facediff.training.coarse_pairs import FACE_WINDOW
from facediff.training.diffusion_autoencoder import (
    Autoencoder,
    AutoencoderRecipe,
    IdentityDraw,
    encode_identity_pairs,
    train_autoencoder,
)
from facediff.training.faces import FaceCrops, build_face_cache
from facediff.training.identity_pairs import build_identity_pairs
from facediff.training.latents import to_pictures
from facediff.training.loop import LoopConfig
from facediff.training.prototypes import NEEDED, collect_flat_faces, fit_prototypes
from facediff.training.stages import load_own_codec, save_component, save_network

log = logging.getLogger(__name__)
LABELS = Path(__file__).parent / "attribute_labels.csv"  # of the files we train on, by the beginning of their SHA-256
PROTOTYPES = ("age", "beard", "makeup", "male")
CROPS_PER_FILE = 12  # whose mean identity stands for the file


def run_edit(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    labels: Path = LABELS,
    licence: str = "permissive",
    pairs: int = 20000,
) -> None:
    """Trains the video autoencoder on the latents of ``model/codec`` and writes it to ``model/edit``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for crops, pairs and latents; filled at the first run.
        model: Model folder to write to; must hold the codec.
        config: How long, how fast.
        labels: CSV as ``read_labels`` wants it, of what identities must tell; files without labels may be anybody.
        licence: As in ``read_recordings``.
        pairs: How many training pairs to prepare.
    """
    codec = load_own_codec(model)
    clips = read_recordings(catalog, licence=licence)
    crops = build_face_cache(clips, cache)
    made = build_identity_pairs(crops, cache / "identity-pairs", count=pairs, seed=config.seed)
    latents = encode_identity_pairs(codec, made, cache / "identity-pairs")
    told = tabulate_labels(clips, read_labels(labels))[crops.clip[made["row"]]]
    torch.manual_seed(config.seed)
    autoencoder = Autoencoder(
        base_unet(PLACE_CHANNELS), IdentityEncoder(map_channels=COORDINATE_CHANNELS), FaceVector(), told.shape[1]
    )
    recipe = AutoencoderRecipe()
    train_autoencoder(autoencoder, IdentityDraw(made, latents, recipe, told), base_schedule(), config, recipe)
    save_component(
        model / "edit", base_schedule(), unet=autoencoder.unet, identity=autoencoder.identity, face=autoencoder.face
    )


def run_prototypes(
    labels: Path,
    catalog: Path | Source,
    cache: Path,
    model: Path,
    *,
    only: Sequence[str] = (),
    licence: str = "permissive",
) -> None:
    """Fits prototypes of the attributes of a table and writes them to ``model/edit/prototypes``.

    Args:
        labels: CSV as ``read_labels`` wants it, with columns ``age`` and ``male`` at least.
        catalog: As in ``run_edit``, as are the others.
        cache: See ``catalog``; of it the tracks alone are used.
        model: See ``catalog``.
        only: Attributes to keep, ``PROTOTYPES`` if none; they are told apart from ``eyeglasses`` as well.
        licence: See ``catalog``.
    """
    kept = only or PROTOTYPES
    faces = collect_flat_faces(read_recordings(catalog, licence=licence), read_labels(labels), cache / "tracks")
    fit_prototypes(faces, list(dict.fromkeys([*kept, *NEEDED, "eyeglasses"])), kept).save(model / "edit" / "prototypes")


def run_attributes(
    labels: Path,
    catalog: Path | Source,
    cache: Path,
    model: Path,
    *,
    only: Sequence[str] = (),
    licence: str = "permissive",
) -> dict[str, float]:
    """Fits the attributes of a table on identities of ``model/edit`` and writes them to ``model/edit/attributes``.

    Args:
        labels: CSV as ``read_labels`` wants it; its files are those of the catalog.
        catalog: As in ``run_edit``, as are the others.
        cache: See ``catalog``.
        model: See ``catalog``; must hold the codec and the autoencoder.
        only: Attributes to keep; the others are still told apart from them. None keeps all.
        licence: See ``catalog``.

    Returns:
        For each attribute the share of people on whom it is right, each judged by the faces of the others.

    Raises:
        ConfigError: No labelled file is in the catalog, or there is no attribute of a name.
    """
    clips = read_recordings(catalog, licence=licence)
    crops = build_face_cache(clips, cache)
    encoder = open_network(IdentityEncoder, model, "edit/identity")
    vectors, looks = encode_identities(crops, load_own_codec(model), encoder)
    known = read_labels(labels)
    rows = [(number, label) for number in vectors if (label := find_label(clips[number], known)) is not None]
    if not rows:
        raise ConfigError(f"no file of {labels} is in {catalog}; give --labels, a CSV of what is seen in your clips")
    names = list(dict.fromkeys(name for _, label in rows for name in label))
    people = np.array([clips[number].identity for number, _ in rows])
    count = Counter(people)
    weights = np.array([1 / count[person] for person in people], np.float32)
    table = {name: np.array([label.get(name, np.nan) for _, label in rows], np.float32) for name in names}
    identities = np.stack([vectors[number] for number, _ in rows])
    covariates = np.stack([looks[number] for number, _ in rows])
    classifier = fit_attributes(identities, table, weights, covariates=covariates)
    save_network(classifier.select(only or names), model / "edit" / "attributes", torch.float32)
    judged = cross_validate(identities, table, weights, people)
    return {name: judged[name] for name in only or names if name in judged}


def cross_validate(
    identities: NDArray[np.float32],
    table: dict[str, NDArray[np.float32]],
    weights: NDArray[np.float32],
    people: NDArray[np.str_],
    folds: int = 5,
) -> dict[str, float]:
    """Area under the curve of each attribute, on people whom the classifier did not see; 0.5 is chance.

    An attribute that is too rare to be told in every part is not judged, which is logged, and not in the result.

    Args:
        identities: See ``fit_attributes``, as for ``table`` and ``weights``.
        table: See ``identities``.
        weights: See ``identities``.
        people: (N,) whose face each row is.
        folds: Parts into which the people are split.
    """
    from sklearn.metrics import roc_auc_score

    everybody = sorted(set(people))
    part = {person: place % folds for place, person in enumerate(everybody)}
    fold = np.array([part[person] for person in people])
    judged = {name: values for name, values in table.items() if _is_told(values, fold)}
    for name in table.keys() - judged.keys():
        log.warning("%s is not judged: too few people have it, or are without it", name)
    table = judged
    scores = np.zeros((len(identities), len(table)), np.float32)
    for number in range(folds):
        seen = fold != number
        classifier = fit_attributes(identities[seen], {k: v[seen] for k, v in table.items()}, weights[seen])
        with torch.inference_mode():
            scores[~seen] = classifier(torch.from_numpy(identities[~seen])).numpy()
    found = {}
    for column, (name, values) in enumerate(table.items()):
        sure = np.isfinite(values) & ((values >= 0.66) | (values <= 0.25))
        found[name] = float(roc_auc_score(values[sure] > 0.5, scores[sure, column], sample_weight=weights[sure]))
    return found


def _is_told(values: NDArray[np.float32], fold: NDArray[np.integer]) -> bool:
    """Whether labels (N,) of both kinds are among the rows outside of each part (N,)."""
    return all({True, False} <= {*(values[np.isfinite(values) & (fold != part)] > 0.5).tolist()} for part in set(fold))


@torch.inference_mode()
def encode_identities(
    crops: FaceCrops, codec: FaceCodec, encoder: IdentityEncoder
) -> tuple[dict[int, NDArray[np.float32]], dict[int, NDArray[np.float32]]]:
    """The identity (D,) of each file that has crops, by its place in the catalog, and its covariates (C,).

    Those are the mean colours of the face and of what is around it, the way the head faces, and how open the mouth is.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for row, clip in enumerate(crops.clip):
        groups[int(clip)].append(row)
    found, looks = {}, {}
    for number, rows in groups.items():
        chosen = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, CROPS_PER_FILE).astype(int))]
        faces = np.stack([warp_affine(crops.frames[row], FACE_WINDOW, FACE.size) for row in chosen])
        flat = [crops.points[row] @ np.diag([FACE_WINDOW[0, 0]] * 3) + [*FACE_WINDOW[:, 2], 0.0] for row in chosen]
        maps = coordinate_maps(torch.from_numpy(np.stack([face_coordinates(points) for points in flat])))
        vectors = encoder(codec.encode(to_pictures(faces)), maps)
        found[number] = torch.nn.functional.normalize(vectors.mean(0), dim=0).numpy()
        inside = np.stack([masks.face_hull(points, FACE.size, FACE.unit_px) for points in flat])[..., None]
        colours = [(share * faces).sum((0, 1, 2)) / share.sum() for share in (inside, 1 - inside)]
        facing = crops.rotation[chosen].mean(axis=0)[2, :2]
        opening = lip_opening(np.stack(flat)).mean() / FACE.unit_px
        looks[number] = np.concatenate([*colours, facing, [opening]]).astype(np.float32)
    return found, looks


def tabulate_labels(clips: Sequence[Recording], labels: dict[str, dict[str, float]]) -> NDArray[np.float32]:
    """Attributes (C, A) of every clip, NaN where they are not known."""
    names = list(dict.fromkeys(name for label in labels.values() for name in label))
    rows = [find_label(clip, labels) or {} for clip in clips]
    return np.array([[row.get(name, np.nan) for name in names] for row in rows], np.float32).reshape(-1, len(names))
