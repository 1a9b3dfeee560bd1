"""The domain model that a clip is painted with, one of the package or an upload, and how it is composed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facediff.demo.archive import unpack
from facediff.demo.controls import parameter
from facediff.demo.jobs import Jobs
from facediff.demo.uploads import Upload
from facediff.pipelines.domains import embedded_domains
from facediff.system.weights import CHECKPOINTS

NONE = "none"
BEST = "best"
OWN = "own"
STRENGTHS = [tenths / 10 for tenths in range(11)]


PARAMETERS = [parameter("domain", NONE), parameter("domain_file", None), parameter("prior_strength", BEST)]
PRIOR_PARAMETER = parameter("prior", OWN)


@dataclass(frozen=True)
class Domain:
    """The components that say which.

    Attributes:
        name: Of one in the package, or ``none``.
        archive: A zip that the tab Adapt gave; goes before ``name``.
        strength: Share of the prior, from 0 to 1, or ``best``: what was best when it was learnt.
        prior: A model of the package, or ``own``: the one that all is made with.
    """

    name: gr.Dropdown
    archive: Upload
    strength: gr.Dropdown
    prior: gr.Dropdown

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What ``read_domain`` takes, in its order, but for ``prior``, which programs send later."""
        return [self.name, self.archive, self.strength]


def domain_options() -> Domain:
    """Adds the components to the page."""
    names = embedded_domains()
    name = gr.Dropdown(
        [NONE, *names], value=NONE, label="Domain", info="Paints mouths as in the videos of one presenter.",
        visible=bool(names),
    )  # fmt: skip
    label = "Or a domain model from Adapt" if names else "Domain model from Adapt"
    archive = Upload(file_types=[".zip"], label=label, height=150)
    strength = gr.Dropdown(  # an empty number is sent as 0
        [BEST, *STRENGTHS], value=BEST, label="Prior's strength",
        info="With a domain model: 0 is that alone, 1 is nothing of it.",
    )  # fmt: skip
    models = embedded_models()
    prior = gr.Dropdown(
        [OWN, *models], value=OWN, label="Prior", info="The model that a domain model is composed with.",
        visible=len(models) > 1,
    )  # fmt: skip
    return Domain(name, archive, strength, prior)


def read_domain(
    name: str | None, archive: str | None, strength: float | str | None, prior: str | None, jobs: Jobs
) -> dict[str, Any]:
    """What ``Avatar.talk`` and ``Avatar.animate`` are told about it; nothing where there is none.

    Raises:
        InputError, WeightsError: The upload is not a domain model.
    """
    if archive is not None:
        domain: str | Path = unpack(archive, jobs.new_path("domain").parent)
    elif name in embedded_domains():
        domain = str(name)
    else:
        return {}
    return {
        "domain": domain,
        "prior": prior if prior in embedded_models() else None,
        "prior_strength": strength if isinstance(strength, float | int) else None,
    }


def embedded_models() -> list[str]:
    """Names of the models in the package."""
    return sorted(p.name for p in CHECKPOINTS.iterdir() if p.is_dir() and not p.name.startswith("_"))
