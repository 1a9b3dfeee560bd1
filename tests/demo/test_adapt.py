"""What is learnt travels as a zip, and a zip that a visitor gives may be anything."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from facediff.conditioning.captions import CaptionEncoder
from facediff.demo import domain, learning
from facediff.demo.adapt import describe
from facediff.demo.archive import MEMBERS, pack, safe_name, unpack
from facediff.demo.jobs import Jobs, Stopped
from facediff.demo.learning import learn
from facediff.demo.limits import Limits
from facediff.errors import InputError, MediaError, WeightsError
from facediff.models.space_time import small_space_time
from facediff.pipelines.domains import DomainCard, base_hash, read_card, write_domain
from facediff.pipelines.loading import load_domain_talk
from facediff.training.adaptation import AdaptRecipe
from facediff.training.stages import save_network

LORA = "lora/pytorch_lora_weights.safetensors"
SMALL = "small/diffusion_pytorch_model.safetensors"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A domain model that has learnt nothing."""
    folder = tmp_path_factory.mktemp("model") / "ada"
    card = DomainCard(name="Ada L.", method="small", base_sha256=base_hash("base"), prior_strength=0.3)
    with write_domain(folder, card) as partial:
        save_network(small_space_time(), partial / "small")
        save_network(CaptionEncoder(("ada", "smiling")), partial / "captions")
    return folder


@pytest.fixture
def members(model) -> Members:
    """The files of that model."""
    return {name: (model / name).read_bytes() for name in MEMBERS if (model / name).is_file()}


@pytest.fixture
def low_rank() -> Members:
    """The files of a model of low rank, whose file says how to make layers of it."""
    card = {"name": "Ada", "method": "lora", "base_sha256": base_hash("base")}
    changes = {f"mid_block.to_q.lora_{side}.weight": torch.ones(2, 2) for side in "AB"}
    told = {"lora_adapter_metadata": json.dumps({"r": 10**9, "megatron_core": "antigravity"})}
    return {"domain.json": json.dumps(card).encode(), LORA: save(changes, told)}


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def zipped(place: Path, members: Members, **how: int) -> Path:
    """A zip beside a place."""
    path = place.with_name("given.zip")
    with zipfile.ZipFile(path, "w", **how) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def refused(path: Path, place: Path, said: str) -> None:
    """It is, and writes nothing under a name that is not its own."""
    with pytest.raises((MediaError, WeightsError), match=said):
        unpack(path, place)
    written = {p.relative_to(place / "unpacked").as_posix() for p in place.rglob("*") if p.is_file()}
    assert written <= set(MEMBERS)
    assert set(place.parent.iterdir()) == {place, path}


def test_what_is_packed_is_unpacked(model, tmp_path, place):
    made = unpack(pack(model, tmp_path / "given.zip"), place)
    assert made == place / "Ada-L" and [p.name for p in place.iterdir()] == ["Ada-L"]
    assert read_card(made) == read_card(model)
    assert {p.relative_to(made) for p in made.rglob("*")} == {p.relative_to(model) for p in model.rglob("*")}
    for path in made.rglob("*.safetensors"):
        there = load_file(model / path.relative_to(made))
        assert all(torch.equal(weight, there[name]) for name, weight in load_file(path).items())


def test_folders_and_a_preview_are_passed_over(members, place):
    made = unpack(zipped(place, {"small/": b"", "preview.mp4": b"no video", **members}), place)
    assert not (made / "preview.mp4").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../domain.json", "/etc/domain.json", "small/../../domain.json", "C:\\domain.json", "ada/domain.json",
        "small/model.bin", "run.py", "small", "lora/adapter_config.json", "DOMAIN.JSON",
    ],
)  # fmt: skip
def test_other_names_are_refused(members, place, name):
    refused(zipped(place, {**members, name: b"{}"}), place, "is none of its files")


@pytest.mark.parametrize("method", ["one-shot", "video"])
def test_methods_that_the_page_does_not_know_are_refused(members, place, method):
    card = {**json.loads(members["domain.json"]), "method": method}
    refused(zipped(place, {**members, "domain.json": json.dumps(card).encode()}), place, f"of the method {method}")


def test_links_are_refused(members, place):
    path = zipped(place, members)
    link = zipfile.ZipInfo(LORA)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    refused(path, place, "is a link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(members, place):
    path = zipped(place, members)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("domain.json", b"{}")
    refused(path, place, "holds domain.json twice")


def test_a_decompression_bomb_is_not_decompressed(members, place):
    path = zipped(place, {**members, SMALL: bytes(33_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    refused(path, place, "is larger than 32 MB")


def test_a_size_that_is_a_lie_is_refused(members, place):
    path = zipped(place, {**members, SMALL: bytes(33_000_000)}, compression=zipfile.ZIP_DEFLATED)
    told = (33_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(told, (1000).to_bytes(4, "little")))
    refused(path, place, "is damaged")


def test_a_long_list_is_not_read(place, monkeypatch):
    path = zipped(place, {f"{number}": b"" for number in range(400)})
    monkeypatch.setattr(zipfile, "ZipFile", lambda *args: pytest.fail("it was read"))
    refused(path, place, "too many files")


def without_end(content: bytes) -> bytes:
    return content[:-10]


def with_a_second_end(content: bytes) -> bytes:
    """Which would tell of another list, of any length."""
    return content[:-22] + b"PK\x06\x07" + bytes(16) + content[-22:]


def encrypted(content: bytes) -> bytes:
    start = content.index(b"PK\x01\x02")
    return content[: start + 8] + b"\x01" + content[start + 9 :]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_end, "damaged, or not a zip"),
        (with_a_second_end, "too many files"),
        (encrypted, "damaged, or not a zip"),
        (lambda content: b"", "damaged, or not a zip"),
        (lambda content: b"garbage" * 99, "damaged, or not a zip"),
    ],
)
def test_damaged_zips_are_refused(members, place, change: Callable[[bytes], bytes], said):
    path = zipped(place, members)
    path.write_bytes(change(path.read_bytes()))
    refused(path, place, said)


def test_packing_that_takes_much_memory_is_refused(members, place):
    refused(zipped(place, members, compression=zipfile.ZIP_LZMA), place, "damaged, or not a zip")


@pytest.mark.parametrize("name", ["domain.json", SMALL, "captions/config.json"])
def test_half_a_model_is_refused(members, place, name):
    del members[name]
    refused(zipped(place, members), place, f"holds no {name}")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("domain.json", b"[" * 50_000, "damaged"),
        ("domain.json", b"[]", "damaged"),
        ("domain.json", b'{"name": "a"}', "not the card of a domain model"),
        ("captions/config.json", b'{"vocabulary": "words"}', "no list of words"),
        ("captions/config.json", json.dumps({"vocabulary": ["a"] * 2001}).encode(), "no list of words"),
    ],
)
def test_texts_that_say_something_else_are_refused(members, place, name, content, said):
    refused(zipped(place, {**members, name: content}), place, said)


def test_configs_are_not_taken_over(model, members, place):
    """They could ask for networks of any size."""
    huge = {"block_out_channels": [10**6] * 9, "quantization_config": {"quant_method": "bitsandbytes_8bit"}}
    words = {"vocabulary": ["ada"], "dim": 10**9}
    configs = {"small/config.json": json.dumps(huge).encode(), "captions/config.json": json.dumps(words).encode()}
    made = unpack(zipped(place, {**members, **configs}), place)
    small, captions = (json.loads((made / name).read_text()) for name in configs)
    assert small["block_out_channels"] == list(small_space_time().config["block_out_channels"])
    assert "quantization_config" not in small
    assert (captions["vocabulary"], captions["dim"]) == (["ada"], 128)


def test_weights_that_do_not_fit_are_refused_in_words(members, place):
    made = unpack(zipped(place, {**members, SMALL: save({"a": torch.zeros(1)})}), place)
    with pytest.raises(WeightsError, match="are not those of a UNetMotionModel|cannot be loaded"):
        load_domain_talk("base", made, "cpu")


def test_a_low_rank_model_is_told_nothing_by_its_file(low_rank, place):
    """Its metadata would name modules to import, and sizes of layers."""
    made = unpack(zipped(place, low_rank), place)
    with safe_open(made / LORA, "pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert len(file.keys()) == 2


@pytest.mark.parametrize("content", [save({"a.lokr_w1": torch.zeros(1)}), save({}), b"garbage", b""])
def test_what_are_no_low_rank_changes_is_refused(low_rank, place, content):
    refused(zipped(place, {**low_rank, LORA: content}), place, "no low-rank changes|damaged")


def test_low_rank_changes_are_what_peft_makes_of_them(place):
    peft = pytest.importorskip("peft")
    from facediff.pipelines.loading import load_talk
    from facediff.training.adaptation import LORA_TARGETS

    unet = load_talk("base", "cpu")[1].unet
    unet.add_adapter(peft.LoraConfig(r=3, lora_alpha=3, target_modules=LORA_TARGETS, init_lora_weights=False))
    unet.save_lora_adapter(place.parent / "made", weight_name="pytorch_lora_weights.safetensors")
    card = {"name": "Ada", "method": "lora", "base_sha256": base_hash("base", "lora")}
    content = (place.parent / "made" / "pytorch_lora_weights.safetensors").read_bytes()
    made = unpack(zipped(place, {"domain.json": json.dumps(card).encode(), LORA: content}), place)
    loaded = load_domain_talk("base", made, "cpu")[1].unet.state_dict()
    known = {name.replace(".default.", ".default_0."): weight for name, weight in unet.state_dict().items()}
    assert loaded.keys() == known.keys()
    assert all(torch.equal(loaded[name], weight) for name, weight in known.items())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Ada L.", "Ada-L"), ("../../etc/passwd", "etc-passwd"), ("Jürgen", "Jürgen"), ("", "domain"),
        ("...", "domain"), ("x" * 999, "x" * 40),
    ],
)  # fmt: skip
def test_names_of_files_are_harmless(name, safe):
    assert safe_name(name) == safe


def test_videos_to_learn_from_are_within_the_limits(uploads, tmp_path):
    film = str(uploads / "short.mp4")
    limits = Limits(videos=2)
    assert list(limits.check_footage([film, film])) == [Path(film)] * 2
    (tmp_path / "a.mp4").write_bytes(b"garbage" * 99)
    for given, said in (
        (None, "choose some videos first"),
        ([], "choose some videos first"),
        ([film] * 3, "3 videos were given; at most 2 are taken"),
        ([film, str(uploads / "portrait.png")], r"portrait\.png is no video"),
        ([str(tmp_path / "a.mp4")], "cannot be read as a video"),
    ):
        with pytest.raises(InputError, match=said):
            list(limits.check_footage(given))


def silent(*told: object) -> None: ...


def test_names_of_uploads_are_not_taken_over(uploads, tmp_path, place, monkeypatch):
    weird = tmp_path / "-i; rm -rf .. .MP4"
    weird.write_bytes((uploads / "short.mp4").read_bytes())
    seen = []

    def adapt(footage, output, recipe, *, name, progress):
        seen.extend([*(p.name for p in footage.iterdir()), output.relative_to(place), name])
        progress("training", 1, 9)

    monkeypatch.setattr(learning, "adapt", adapt)

    def cancelled(done: int, total: int, things: str = "", doing: str = "") -> None:
        if things == "steps":
            raise Stopped

    with pytest.raises(Stopped):
        learn([str(weird)], "../A\n b", AdaptRecipe(steps=9), Limits(), place, cancelled)
    assert seen == ["000.mp4", Path("model", "A-b"), "../A b"]
    assert not place.exists()  # what is cancelled leaves nothing


def test_what_cannot_be_learnt_leaves_nothing(uploads, place):
    with pytest.raises(MediaError):
        learn([str(uploads / "portrait.png")], "a", AdaptRecipe(steps=9), Limits(), place, silent)
    assert not place.exists()


def test_a_domain_is_one_of_the_package_or_an_upload(members, tmp_path, place, monkeypatch):
    monkeypatch.setattr(domain, "embedded_domains", lambda: ["studio"])
    jobs = Jobs(tmp_path / "results")
    assert domain.read_domain("none", None, 0.5, jobs) == {}
    assert domain.read_domain("/etc", None, 0.5, jobs) == {}
    assert domain.read_domain("studio", None, 0.5, jobs) == {"domain": "studio", "prior_strength": 0.5}
    assert domain.read_domain("studio", None, "best", jobs) == {"domain": "studio", "prior_strength": None}
    composed = {"domain": "studio", "prior_strength": None, "prior": "base"}
    assert domain.read_domain("studio", None, "best", jobs, "base") == composed
    assert "prior" not in domain.read_domain("studio", None, "best", jobs, "/etc")
    given = domain.read_domain("studio", str(zipped(place, members)), 0, jobs)
    assert given["prior_strength"] == 0 and read_card(given["domain"]).name == "Ada L."
    assert given["domain"].parents[1] == jobs.folder
    jobs.close()


def test_what_was_learnt_is_told():
    card = DomainCard(
        name="a", method="small", base_sha256="", prior_strength=0.5, clips=2, seconds=41.5,
        figures={"strength 0": 0.2, "strength 0.5": 0.1, "strength 1": 0.3},
    )  # fmt: skip
    assert describe(card, 245) == (
        "Learnt from 41.5 s of 2 videos in 4 min 05 s. The prior's strength, the share of the large model, is 0.5 from "
        "now on. Error on footage held out: 0.1000; 0.2000 of what was learnt alone, 0.3000 of the large model alone."
    )
    card = DomainCard(name="a", method="lora", base_sha256="", clips=1, seconds=4, figures={"lora": 0.1, "prior": 0.2})
    assert describe(card, 9).endswith("Error on footage held out: 0.1000; 0.2000 of the large model alone.")
    card = DomainCard(name="a", method="lora", base_sha256="", clips=1, seconds=4, figures={"lora": float("nan")})
    assert describe(card, 9) == "Learnt from 4 s of a video in 9 s. There was too little footage to measure it on."
