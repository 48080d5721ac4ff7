"""A Chromium is found, or installed by a stand-in for apt, or it is said what is in the way."""

from pathlib import Path

import pytest

from scripts.docs import browser

APT = """#!/bin/sh
echo "$@" >> '{folder}/calls'
case "$*" in *install*) printf '#!/bin/sh\\n' > '{folder}/chromium'; chmod +x '{folder}/chromium';;
esac
exit {code}
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a browser: the only folder of its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("chmod", "printf"):
        (folder / name).symlink_to(f"/bin/{name}" if name == "chmod" else "/usr/bin/printf")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return folder


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a run that fails."""
    assert browser.main([]) == 2
    said = capsys.readouterr()
    assert not said.out and len(said.err.splitlines()) == 1
    return said.err


def test_a_browser_that_is_there_is_taken(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = program(bare / "google-chrome")
    assert browser.main([]) == 0 and capsys.readouterr().out == f"{path}\n"


def test_a_browser_can_be_named(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(bare / "chromium")
    monkeypatch.setenv("CHROMIUM", str(program(tmp_path / "mine")))
    assert browser.find() == str(tmp_path / "mine")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    assert "none: no such program" in refusal(capsys)


def test_a_missing_one_is_installed(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(bare / "apt-get", APT.format(folder=bare, code=0))
    assert browser.main([]) == 0 and capsys.readouterr().out == f"{bare / 'chromium'}\n"
    update, install = (bare / "calls").read_text().splitlines()
    assert update.endswith("update") and "--no-install-recommends chromium" in install


def test_what_is_in_the_way_is_said(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no apt-get; install Chromium" in refusal(capsys)
    program(bare / "apt-get", APT.format(folder=bare, code=100))
    assert "update` ended with code 100" in refusal(capsys)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "sudo apt-get install chromium" in refusal(capsys)
