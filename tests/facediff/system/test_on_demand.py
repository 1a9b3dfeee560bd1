import sys

import pytest

from facediff.system.on_demand import find_on_demand


def test_a_home_is_imported_when_its_name_is_asked_for(tmp_path, monkeypatch) -> None:
    (tmp_path / "far_away_home.py").write_text("Thing = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    find = find_on_demand("near", {"Thing": "far_away_home"})
    assert "far_away_home" not in sys.modules
    assert find("Thing") == 7
    monkeypatch.delitem(sys.modules, "far_away_home")


def test_other_names_are_attribute_errors_of_the_module_that_was_asked() -> None:
    with pytest.raises(AttributeError, match="module 'near' has no attribute 'Nothing'"):
        find_on_demand("near", {"Thing": "far_away_home"})("Nothing")
