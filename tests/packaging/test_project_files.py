"""The files around the code name what there is: targets, files, extras, versions, Pythons."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import tomllib
import yaml

import deepdream

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOCKERFILES = ["Dockerfile", "Dockerfile.caffe"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
MAKEFILE = (ROOT / "Makefile").read_text()

# what the site's look depends on, and the extra `docs` does not name
UNDER_MKDOCS = {
    "griffelib", "markdown", "mkdocs-autorefs", "mkdocstrings-python", "pygments",
    "pymdown-extensions",
}  # fmt: skip


def yaml_of(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps(workflow: Dict[str, Any]) -> Iterator[Dict[str, str]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def instructions(name: str) -> List[List[str]]:
    """The words of each instruction of a Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.M).replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip()]


def copied(name: str) -> Iterator[str]:
    """What a Dockerfile copies out of the checkout."""
    for word, *rest in instructions(name):
        if word == "COPY" and not rest[0].startswith("--from"):
            yield from rest[:-1]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_targets_that_exist_by_actions_of_one_major(path: Path) -> None:
    workflow = yaml_of(path)
    assert {"name", True, "permissions", "jobs"} <= set(workflow)  # YAML reads `on` as true
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@v\d+", step["uses"]), step
        for target in re.findall(r"^make ([\w-]+)", step.get("run", ""), re.M):
            assert re.search(rf"^{target}:.*##", MAKEFILE, re.M), target
        for name in re.findall(r"docker build.* -f (\S+)", step.get("run", "")):
            assert (ROOT / name).is_file()


def test_every_python_that_is_claimed_is_tested() -> None:
    jobs = yaml_of(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]
    pythons = [
        python
        for name in ("without-an-engine", "suite")
        for python in jobs[name]["strategy"]["matrix"]["python"]
    ]
    start = "Programming Language :: Python :: "
    claimed = [c[len(start) :] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert pythons == claimed
    assert PROJECT["requires-python"] == ">=" + claimed[0]


def test_pre_commit_has_the_ruff_of_make_lint() -> None:
    (rev,) = (
        repo["rev"]
        for repo in yaml_of(ROOT / ".pre-commit-config.yaml")["repos"]
        if repo["repo"].endswith("/ruff-pre-commit")
    )
    assert rev == "v" + PINS["ruff"]


def test_a_citation_has_this_version_the_post_and_the_notebook() -> None:
    cited = yaml_of(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["version"] == deepdream.__version__
    assert " AND ".join(cited["license"]) == PROJECT["license"]
    known = {url.rstrip("/") for url in PROJECT["urls"].values()}
    post, notebook = cited["references"]
    assert {post["url"].rstrip("/"), notebook["repository-code"].rstrip("/")} <= known


def test_exact_versions_are_of_packages_that_something_asks_for() -> None:
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.match(r"[\w-]+", line).group() for line in wanted}
    assert set(PINS) - names == {"uv", *UNDER_MKDOCS}  # uv is of make test-lowest alone
    assert names - set(PINS) == set()


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_made_of_files_and_extras_that_exist(name: str) -> None:
    let_in = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    for path in copied(name):
        assert (ROOT / path).exists(), path
        assert path == "." or any(fnmatch(path, pattern) for pattern in let_in), path
    for pattern in let_in:
        assert list(ROOT.glob(pattern)), pattern
    text = (ROOT / name).read_text()
    for extras in re.findall(r"/source\[([\w,]+)\]", text):
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    for path in re.findall(r"/source/(\S+\.\w+)", text):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_runs_as_somebody_who_is_not_root(name: str) -> None:
    users = [words[1] for words in instructions(name) if words[0] == "USER"]
    assert users[-1].split(":")[0] not in ("root", "0")


def test_what_builds_a_wheel_is_let_into_the_image() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    for pattern in listed["targets"]["wheel"]["include"]:
        assert "!" + pattern.strip("/") in let_in, pattern
