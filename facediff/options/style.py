"""The options of a video in another look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from facediff.options.record import Checked, Opt

WAYS = ("structure", "carried")


@dataclass(frozen=True, kw_only=True)
class StyleOptions(Checked):
    """How a video comes to look otherwise: painted by a hub's model, or performed by the face of a picture."""

    model: Annotated[
        str | None,
        Opt("What paints: a Stable Diffusion's folder, or its name on a hub.", names_model=True, recorded=False,
            flag="--painter"),
    ] = None  # fmt: skip
    text: Annotated[str | None, Opt("What is to be seen, as in 'a marble bust of a woman'.")] = None
    like: Annotated[
        str | Path | None,
        Opt("A picture of who is to be seen, performing the video; with a painter, a picture of anything.",
            names_files=True),
    ] = None  # fmt: skip
    face_shape: Annotated[
        float,
        Opt("Without a painter, how much of the shape of the video's face is kept: 0 is the picture's alone.", 0, 1,
            what="share", page="slider", label="Shape of the video's face"),
    ] = 0.0  # fmt: skip
    image_adapter: Annotated[
        str | None,
        Opt("What shows a painter that picture: an IP-Adapter, its file, its folder, or its name on a hub.",
            names_model=True),
    ] = None  # fmt: skip
    like_strength: Annotated[float, Opt("How much that picture counts for a painter.", 0, 2, what="strength")] = 1.0
    negative: Annotated[str, Opt("What is not to be seen.")] = ""
    way: Annotated[
        str,
        Opt("structure: each frame is led by its own; carried: only the first frame is looked at, and the others come "
            "of it as landmarks move (Text2Video-Zero).", choices=WAYS),
    ] = "structure"  # fmt: skip
    controlnet: Annotated[
        str | None,
        Opt("A ControlNet of depth, a folder or a hub's name; it is shown the face's mesh.", names_model=True),
    ] = None
    detail_lost: Annotated[int, Opt("How much of that structure is blurred away, from 0 to 7 (Gen-1's t_s).", 0, 7)] = 0
    tuned: Annotated[
        str | None,
        Opt("What 'facediff adapt --method one-shot --painter' learnt of this video.", names_model=True),
    ] = None
    invert: Annotated[
        bool,
        Opt("Begin with the noise that the video's own frames come of (DDIM inversion). So it is, too, where the "
            "painter is shown no structure."),
    ] = False  # fmt: skip
    guidance_scale: Annotated[float, Opt("How much more the text counts than without it; 1 is no guidance.", 0, 50)] = (
        7.5
    )
    temporal_guidance: Annotated[
        float, Opt("How much frames follow one another: 1 as the painter has it, 0 each stands alone (Gen-1).", 0, 10)
    ] = 1.0
    steps: Annotated[int, Opt("Denoising steps.", 2, 1000)] = 50
    size: Annotated[int, Opt("Longer side of what is painted, in pixels.", 16, 4096)] = 512
    frames_at_once: Annotated[
        int, Opt("Frames that are painted together, beside the first; more take more memory.", 1, 1000)
    ] = 15
    face: Annotated[
        int | str,
        Opt("Which face, where there are several: 'largest', 'left', 'right', or an index from the left.",
            choices=("largest", "left", "right"), says="'largest', 'left', 'right' or an index from the left"),
    ] = "largest"  # fmt: skip
    seed: Annotated[
        int,
        Opt("Equal seeds give equal frames on one machine.", 0, 2**63 - 1, says="a whole number from 0 to 2**63 - 1",
            recorded=False),
    ] = 0  # fmt: skip
    device: Annotated[str | None, Opt("cpu, cuda, ...; the best there is by default.", recorded=False)] = None
    consent: Annotated[
        str | None, Opt("What the person shown agreed to, in words; every clip's record repeats it.", recorded=False)
    ] = None
