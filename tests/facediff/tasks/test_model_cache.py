"""What is loaded once is shared by all who ask alike."""

from facediff.pipelines.domains import domain_hash
from facediff.pipelines.video_adapter import Mix
from facediff.tasks import model_cache


def test_a_domain_is_loaded_once_for_each_way_of_asking(adapted, tiny_model) -> None:
    asked = (str(tiny_model), str(adapted.folder), domain_hash(adapted.folder), None, "cpu", None)
    motion, painting = model_cache.load_adapted_talk(*asked)
    assert model_cache.load_adapted_talk(*asked)[1] is painting and model_cache.load_adapted_talk(*asked)[0] is motion
    other = model_cache.load_adapted_talk(*asked[:5], "dpm++")[1]
    assert other is not painting
    assert type(other.scheduler) is not type(painting.scheduler)
    assert model_cache.load_adapted_talk(*asked[:2], "of what lies there now", *asked[3:])[1] is not painting


def test_who_mixes_it_otherwise_does_not_change_it_for_others(adapted, tiny_model) -> None:
    asked = (str(tiny_model), str(adapted.folder), domain_hash(adapted.folder), None, "cpu", None)
    _, painting = model_cache.load_adapted_talk(*asked)
    painting.with_mix(Mix(strength=0.123), "woman")
    _, again = model_cache.load_adapted_talk(*asked)
    assert again.mix.strength == adapted.card.prior_strength and again.caption == ""
