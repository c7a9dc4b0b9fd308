"""The removal of features that nothing needs any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from region4d.studies.probe.jobs import ForgetFeatures


def test_a_removal_that_was_stopped_is_unfinished_and_leaves_no_half_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "layer0").write_text("features")
    forget = ForgetFeatures(tmp_path / "store")
    assert not forget.finished

    def stop(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            forget.run()
    assert not (tmp_path / "store").exists()  # which an extraction would take for a store of its own
    assert not forget.finished
    forget.run()
    assert forget.finished
    assert not list(tmp_path.iterdir())
