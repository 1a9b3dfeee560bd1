"""Without the extra, the command says how to get it."""

from __future__ import annotations

import sys

from typer.testing import CliRunner

from facediff.cli import app


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 2
    assert "facediff demo needs gradio: pip install 'facediff[demo]'" in result.stderr
