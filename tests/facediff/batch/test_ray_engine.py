"""Ray: the same results, even if a node is lost."""

from __future__ import annotations

import signal
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facediff.audio.wave import load_wave
from facediff.batch import local, ray_engine, tasks
from facediff.batch.jobs import read_jobs
from facediff.batch.run import run_batch
from facediff.errors import ConfigError, MissingExtra
from facediff.media import VideoReader, VideoWriter

HELLO = Path(tasks.facediff.__file__).parent / "samples" / "hello.flac"


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"the engine ray needs ray: pip install 'facediff\[ray\]'"):
        next(ray_engine.run([], tasks.render))


def test_there_is_one_worker_at_least():
    with pytest.raises(ConfigError, match="one worker at least, not 0"):
        next(ray_engine.run([], tasks.render, workers=0))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_is_not_there_is_named(address):
    with pytest.raises(ConfigError, match=f"there is no Ray cluster at {address}: "):
        next(ray_engine.run([], tasks.render, address=address))


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one core each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    before = signal.getsignal(signal.SIGTERM)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.second = cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def jobs_file(tmp_path) -> Path:
    Image.fromarray(astronaut()).resize((256, 256)).save(tmp_path / "anna.png")
    with VideoWriter(tmp_path / "hi.mp4", (16, 16), Fraction(25), audio=load_wave(HELLO)[8000:12800]) as writer:
        for _ in range(7):
            writer.write(np.zeros((16, 16, 3), np.uint8))
    rows = [f"talk,{'none' if k == 2 else 'anna'}.png,hi.mp4,{k},1,5,cpu" for k in range(6)]
    (tmp_path / "jobs.csv").write_text("\n".join(("task,source,speech,seed,steps,fps,device", *rows)))
    return tmp_path / "jobs.csv"


@pytest.mark.slow
def test_a_lost_node_changes_nothing(cluster, jobs_file):
    folder = jobs_file.parent
    jobs = read_jobs(jobs_file, tasks.tasks(), folder / "out")
    lost = []

    def lose(entry) -> None:
        if entry.is_done and not lost:
            lost.append(cluster.second)
            cluster.remove_node(cluster.second, allow_graceful=False)

    on_ray = partial(ray_engine.run, render=tasks.render, address=cluster.address)
    report = run_batch(jobs, folder / "ray", engine=on_ray, identify=tasks.identify, progress=lose)
    here = partial(local.run, render=tasks.render)
    expected = run_batch(jobs, folder / "out", engine=here, identify=tasks.identify)
    assert lost and report.failed_count == expected.failed_count == 1
    told = [(e.output, e.status, e.reason, e.key, e.frames) for e in report.entries]
    assert told == [(e.output, e.status, e.reason, e.key, e.frames) for e in expected.entries]
    for name in (entry.output for entry in report.entries if entry.is_done):  # signed anew, so bytes differ
        one, other = (list(VideoReader(folder / run / name)) for run in ("ray", "out"))
        np.testing.assert_array_equal(one, other)
    assert not [p for p in (folder / "ray").rglob("*") if p.name.startswith(".facediff")]
