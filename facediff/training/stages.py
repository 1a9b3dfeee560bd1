"""The trainings from a table of clips to a model folder, each on the cache of the one before.

codec      faces ──▶ model/codec
motion     tracks and speech ──▶ model/motion
closing    speech with its phonemes ──▶ model/motion, which learns when lips meet
filling    tracks and speech, heard by model/motion ──▶ model/filling, which makes heads and what comes next
sync       tracks and speech, heard by model/motion ──▶ model/sync
difftalk   pairs of faces, the codec's latents, speech ──▶ model/difftalk
fadm       pairs of faces, the codec's latents ──▶ model/fadm
unseen     portraits that smile, clips that blink ──▶ model/unseen
"""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.modeling_utils import ModelMixin
from numpy.typing import NDArray
from safetensors.numpy import save_file

from facediff.audio import whisper
from facediff.audio.encoder import AudioEncoder, encode_frames, load_encoder
from facediff.audio.wave import load_wave
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.fadm import FADMConditioner
from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import InputError, WeightsError
from facediff.landmarks.alignment import FACE
from facediff.models.checkpoints import explain_damage, load_network, open_network, open_schedule, own_or_base
from facediff.models.codec import FaceCodec
from facediff.models.difftalk import base_schedule, base_unet
from facediff.models.motion import MotionDenoiser
from facediff.motion import coefficients
from facediff.motion.rig import encode_motion
from facediff.pipelines.speech_motion import MotionPipeline
from facediff.training.coarse_pairs import build_coarse_pairs
from facediff.training.codec import LOOKED_AT as SEEN_CROPS
from facediff.training.codec import CodecRecipe, train_codec
from facediff.training.difftalk import (
    LOOKED_AT as SEEN_MOUTHS,
)
from facediff.training.difftalk import (
    OPENING_SHARE,
    Denoiser,
    DiffTalkRecipe,
    LatentDraw,
    encode_pairs,
    train_difftalk,
)
from facediff.training.faces import FaceCrops, build_face_cache, read_tracks
from facediff.training.fadm import (
    CoarseDraw,
    FADMRecipe,
    Refiner,
    encode_coarse_pairs,
    residual_scale,
    start_from_difftalk,
    train_fadm,
)
from facediff.training.lids import collect_shut_eyes, fit_lid
from facediff.training.lip_closure import read_spoken, teach_lip_closure
from facediff.training.looks import load_looks
from facediff.training.loop import LoopConfig
from facediff.training.masked_motion import masked_motion_schedule, sample_mouths, train_masked_motion
from facediff.training.motion import (
    MotionRecipe,
    equalise_articulation,
    motion_schedule,
    train_motion,
)
from facediff.training.motion_recording import MotionRecording
from facediff.training.mouth_looks import MouthLooks
from facediff.training.pairs import build_pair_cache
from facediff.training.sync import SyncRecipe, train_sync
from facediff.training.teeth import collect_smiles, fit_teeth

log = logging.getLogger(__name__)
MOTION_TOKENS = 2  # of the audio encoder, to a motion frame
WINDOW_RATE = 100  # one window for every 10 ms, so that any crop's moment has one


def run_codec(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    perceptual: bool = False,
    start: str | None = None,
) -> None:
    """Trains the codec and writes it to ``model/codec``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for crops; filled at the first run.
        model: Model folder to write to.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        perceptual: Whether looks count beside fidelity; see ``facediff.training.looks``.
        start: A model whose decoder is trained on. Its latents stay, so its denoisers work with the new codec too.
    """
    crops = build_face_cache(read_recordings(catalog, licence=licence), cache)
    looks, recipe = (load_looks(config.steps // 8), SEEN_CROPS) if perceptual else (None, CodecRecipe())
    known = None if start is None else open_network(FaceCodec, start, "codec")
    save_network(train_codec(crops, config, recipe, looks=looks, start=known), model / "codec")


def run_motion(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    audio_encoder: str = whisper.NAME,
) -> None:
    """Trains the motion model and writes it to ``model/motion``; when lips must meet is taught by ``run_closing``.

    Args:
        catalog: As in ``run_codec``.
        cache: As in ``run_codec``.
        model: As in ``run_codec``.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        audio_encoder: What it is to hear with; see ``facediff.audio.encoder.load_encoder``.
    """
    encoder = load_encoder(audio_encoder, tokens=MOTION_TOKENS)
    clips = read_recordings(catalog, kinds=("av", "silent"), licence=licence)
    known = motion_recordings(clips, cache / "tracks", encoder, least=MotionRecipe().least)
    sizes = {"speech_dim": encoder.dim * encoder.tokens, "audio_tokens": encoder.tokens, "audio_encoder": audio_encoder}
    trained = train_motion(equalise_articulation(known), config, sizes=sizes)
    save_component(model / "motion", motion_schedule(), denoiser=trained)


def run_sync(
    catalog: Path | Source, cache: Path, model: Path, config: LoopConfig, *, licence: str = "permissive"
) -> None:
    """Trains the sync network on what ``model/motion`` hears and writes it to ``model/sync``; see ``run_codec``."""
    motion = open_network(MotionDenoiser, model, "motion/denoiser")
    clips = read_recordings(catalog, kinds=("av",), licence=licence)
    known = motion_recordings(clips, cache / "tracks", own_encoder(motion), least=SyncRecipe().frames)
    save_network(train_sync(known, config, motion), model / "sync")


def run_filling(
    catalog: Path | Source, cache: Path, model: Path, config: LoopConfig, *, licence: str = "permissive"
) -> None:
    """Trains what fills in motions and writes it to ``model/filling``.

    It hears what ``model/motion`` hears, and learns to go beside the mouths which that makes, as beside filmed ones.
    See ``run_codec`` for the arguments.
    """
    motion = open_network(MotionDenoiser, model, "motion/denoiser")
    encoder = own_encoder(motion)
    clips = read_recordings(catalog, kinds=("av", "silent"), licence=licence)
    known = motion_recordings(clips, cache / "tracks", encoder, least=MotionRecipe().least)
    mouths = sample_mouths(MotionPipeline(motion, open_schedule(model, "motion"), encoder), known)
    trained = train_masked_motion(known, motion, config, mouths=mouths)
    save_component(model / "filling", masked_motion_schedule(), denoiser=trained)


def run_closing(spoken: Path, model: Path) -> float:
    """Teaches ``model/motion`` when lips must meet; see ``facediff.training.lip_closure`` for what the folder holds.

    Returns:
        The share of frames on which it is right, on what it learnt from.
    """
    network = open_network(MotionDenoiser, model, "motion/denoiser")
    score = teach_lip_closure(network, own_encoder(network), read_spoken(spoken))
    save_network(network, model / "motion" / "denoiser")
    return score


def run_difftalk(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    pairs: int = 20000,
    audio_encoder: str = "log-mel",
    perceptual: bool = False,
    start: str | None = None,
) -> None:
    """Trains the denoiser on the latents of ``model/codec`` and writes it to ``model/difftalk``.

    Args:
        catalog: As in ``run_codec``.
        cache: As in ``run_codec``; latents and pairs go there too.
        model: As in ``run_codec``; must hold the codec.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        pairs: How many training pairs to prepare.
        audio_encoder: What the denoiser is to hear with; see ``facediff.audio.encoder.load_encoder``.
        perceptual: Whether looks of decoded mouths count beside latents. In many of the pairs lips that were shut open.
        start: A model whose denoiser is trained on, and whose ears it keeps; its codec must have the same latents.
    """
    codec = load_own_codec(model)
    clips = read_recordings(catalog, licence=licence)
    crops = build_face_cache(clips, cache)
    share, folder = (OPENING_SHARE, cache / "opening-pairs") if perceptual else (0.0, cache / "pairs")
    made = build_pair_cache(crops, folder, count=pairs, seed=config.seed, opening_share=share)
    latents = encode_pairs(codec, made, folder)
    denoiser = _denoiser(start, audio_encoder)
    windows, heard = crop_windows(crops, clips, load_encoder(denoiser.conditioner.config["audio_encoder"]))
    recipe = SEEN_MOUTHS if perceptual else DiffTalkRecipe()
    looks = MouthLooks(codec, load_looks(config.steps // 8)) if perceptual else None
    draw = LatentDraw(made, latents, crops.rotation, windows, heard, recipe)
    train_difftalk(denoiser, draw, base_schedule(), config, recipe, looks)
    save_component(model / "difftalk", base_schedule(), unet=denoiser.unet, conditioner=denoiser.conditioner)


def _denoiser(start: str | None, audio_encoder: str) -> Denoiser:
    """A fresh denoiser that hears with an encoder, or that of a model."""
    if start is not None:
        unet = open_network(UNet2DConditionModel, start, "difftalk/unet")
        return Denoiser(unet, open_network(DiffTalkConditioner, start, "difftalk/conditioner"))
    encoder = load_encoder(audio_encoder)
    conditioner = DiffTalkConditioner(encoder.dim, encoder.tokens, audio_encoder=audio_encoder)
    return Denoiser(base_unet(extra_channels=conditioner.extra_channels), conditioner)


def run_fadm(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    pairs: int = 12000,
) -> None:
    """Trains the refiner of animations on the latents of ``model/codec`` and writes it to ``model/fadm``.

    It starts from the denoiser in ``model/difftalk``, or the embedded one: both work in the same latent space.

    Args:
        catalog: As in ``run_codec``.
        cache: As in ``run_codec``; latents and pairs go there too.
        model: As in ``run_codec``; must hold the codec.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        pairs: How many training pairs to prepare.
    """
    codec = load_own_codec(model)
    crops = build_face_cache(read_recordings(catalog, licence=licence), cache)
    made = build_coarse_pairs(crops, cache / "coarse-pairs", count=pairs, seed=config.seed)
    latents = encode_coarse_pairs(codec, made, cache / "coarse-pairs")
    conditioner = FADMConditioner(residual_scale=residual_scale(made, latents))
    refiner = Refiner(base_unet(extra_channels=conditioner.extra_channels), conditioner)
    source = own_or_base(model)
    unet = open_network(UNet2DConditionModel, source, "difftalk/unet")
    talking = open_network(DiffTalkConditioner, source, "difftalk/conditioner")
    start_from_difftalk(refiner, unet, talking)
    recipe = FADMRecipe()
    train_fadm(refiner, CoarseDraw(made, latents, recipe), base_schedule(), config, recipe)
    refiner.unet.register_to_config(sample_size=tuple(side // codec.stride for side in FACE.size[::-1]))
    save_component(model / "fadm", base_schedule(), unet=refiner.unet, conditioner=refiner.conditioner)


def run_unseen(catalog: Path | Source, cache: Path, model: Path, *, licence: str = "permissive") -> None:
    """Fits the teeth and the shut eyes that portraits do not show, and writes them to ``model/unseen``.

    See ``run_codec`` for the arguments.
    """
    tracks, folder = cache / "tracks", model / "unseen"
    teeth = fit_teeth(collect_smiles(read_recordings(catalog, kinds=("still",), licence=licence), tracks))
    lid = fit_lid(collect_shut_eyes(read_recordings(catalog, kinds=("av", "silent"), licence=licence), tracks).values())
    folder.mkdir(parents=True, exist_ok=True)
    save_file(teeth, folder / "teeth.safetensors")
    save_file(lid, folder / "lid.safetensors")


def load_own_codec(model: Path) -> FaceCodec:
    """The codec of a model folder, in which everything after it is trained.

    Raises:
        WeightsError: There is none.
    """
    if not (model / "codec" / "config.json").is_file():
        raise WeightsError(f"there is no codec in {model}: run 'facediff train codec' with the same model first")
    with explain_damage(model):
        return load_network(FaceCodec, model / "codec")


def own_encoder(motion: MotionDenoiser) -> AudioEncoder:
    """The audio encoder that a motion model was trained with."""
    return load_encoder(motion.config["audio_encoder"], tokens=motion.config["audio_tokens"])


def motion_recordings(
    clips: list[Recording], tracks: Path, encoder: AudioEncoder, *, least: int
) -> list[MotionRecording]:
    """Motion and speech of clips, those without a face left out.

    Raises:
        InputError: None of them has speech, or all that have are shorter than ``least`` frames.
    """
    known = [made for made in (motion_recording(clip, tracks, encoder) for clip in clips) if made is not None]
    spoken = [len(clip.motion) for clip in known if clip.heard is not None]
    if not spoken:
        raise InputError(f"none of {len(clips)} clips is of kind av and shows a face: nothing to learn speech from")
    if max(spoken) < least:
        raise InputError(
            f"the longest of {len(spoken)} clips of kind av has {max(spoken) / coefficients.MOTION_FPS:.1f} s; "
            f"give one of {least / coefficients.MOTION_FPS:.1f} s at least"
        )
    return known


def motion_recording(clip: Recording, tracks: Path, encoder: AudioEncoder) -> MotionRecording | None:
    """Motion at 25 frames a second and speech of one clip; None where a face is hardly seen."""
    track = read_tracks(clip, tracks)
    if track is None:
        return None
    found = np.flatnonzero(track.usable)
    if len(found) < 20:
        log.warning("hardly a face in %s; left out", clip.name)
        return None
    motion = encode_motion(track.points)
    count = int(len(track) / track.fps * coefficients.MOTION_FPS)
    at = np.arange(count) / coefficients.MOTION_FPS
    columns = [np.interp(at, found / track.fps, motion[found, channel]) for channel in range(coefficients.DIMENSIONS)]
    motion = np.stack(columns, axis=1).astype(np.float32)
    if clip.sound is None:
        return MotionRecording(motion, None, clip.identity)
    heard = encode_frames(encoder, load_wave(clip.sound), coefficients.MOTION_FPS, count)
    return MotionRecording(motion, heard.astype(np.float16), clip.identity)


def crop_windows(
    crops: FaceCrops, clips: list[Recording], encoder: AudioEncoder
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Speech features (N, tokens, dim) of every crop's moment, and (N,) whether it has any."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, clip in enumerate(crops.clip):
        rows[int(clip)].append(row)
    windows = np.zeros((len(crops.clip), encoder.tokens, encoder.dim), np.float16)
    heard = np.zeros(len(crops.clip), bool)
    for number, members in rows.items():
        sound = clips[number].sound
        if sound is None:
            continue
        moments = np.rint(crops.time[members] * WINDOW_RATE).astype(int)
        windows[members] = encoder.encode(load_wave(sound), WINDOW_RATE, int(moments.max()) + 1)[moments]
        heard[members] = True
    return windows, heard


def save_component(folder: Path, schedule: DDIMScheduler, **networks: ModelMixin) -> None:
    """The networks of a component, each in a folder of its name, and the noise levels that they were trained with."""
    for name, network in networks.items():
        save_network(network, folder / name)
    schedule.save_pretrained(folder / "scheduler")


def save_network(network: ModelMixin, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Half precision by default, safetensors; without the folder that the network may have come from."""
    network.register_to_config(_name_or_path="")
    network.to(dtype).save_pretrained(folder)
