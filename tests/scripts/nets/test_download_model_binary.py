"""Caffe's name for `deepdream models get`."""

from pathlib import Path

import pytest

from scripts.nets.download_model_binary import bundled, main


@pytest.mark.parametrize("word", ["motif_googlenet", "models/motif_googlenet"])
def test_takes_a_name_or_caffes_folder_from_any_directory(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word]) == 0
    assert "motif_googlenet.caffemodel is installed already" in capsys.readouterr().out


def test_a_folder_of_ones_own_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bundled("models/mine") == "models/mine"
    assert bundled("models/bvlc_googlenet/") == "bvlc_googlenet"
    (tmp_path / "models" / "bvlc_googlenet").mkdir(parents=True)
    assert bundled("models/bvlc_googlenet/") == "models/bvlc_googlenet/"
