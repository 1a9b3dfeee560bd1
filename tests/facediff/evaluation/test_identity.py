"""Gates: one person is like herself, and a stranger is not; which of the two frames does not matter."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import InputError
from facediff.evaluation.identity import coherence


def test_another_person_is_less_like_the_portrait(figure) -> None:
    assert figure("csim_facediff", "plain") > 0.7
    assert figure("csim_facediff", "stranger") < figure("csim_facediff", "soft") - 0.2


def test_identities_are_no_distance_from_themselves_and_far_from_a_strangers(figure) -> None:
    assert figure("aed_id_facediff", "plain") == pytest.approx(0, abs=1e-6)
    assert figure("aed_id_facediff", "stranger") > 3 * figure("aed_id_facediff", "soft")


def test_expressions_that_come_late_are_others(figure) -> None:
    assert figure("aed_exp_facediff", "plain") == pytest.approx(0, abs=1e-6)
    assert figure("aed_exp_facediff", "late") > 1.2 * figure("aed_exp_facediff", "soft")


def test_shuffled_frames_are_as_coherent_overall_and_less_from_one_to_the_next(figure) -> None:
    assert figure("tl_id_facediff", "plain") == figure("tg_id_facediff", "plain") == pytest.approx(1)
    assert figure("tl_id_facediff", "shuffled") < 0.999
    assert figure("tg_id_facediff", "shuffled") == pytest.approx(1, abs=0.01)


def test_coherence_is_the_mean_cosine_of_neighbours_and_of_all_pairs() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 1], [np.nan, np.nan], [1, 0]], float)
    found = coherence(vectors)
    assert found.local == pytest.approx(0.5)  # 0 and 1; what follows the gap has no neighbour
    assert found.overall == pytest.approx(2 / 6)
    with pytest.raises(InputError, match="seen in 1 frames"):
        coherence(vectors[2:4])
