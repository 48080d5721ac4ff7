"""The benchmark: its command lines can be typed, and its tables compare like with like."""

import argparse

import pytest

from deepdream.cli.main import parser
from scripts.bench import bench, bench_worker, cores, sides, users


@pytest.mark.parametrize("use", [*users.USES, *users.QUICK], ids=lambda use: use.name)
def test_what_users_do_are_command_lines(use):
    words = use.words.format(out="out").split()
    parser(words[:1]).parse_args([*words, "--overwrite", "--quiet"])


class Side:
    """An engine that takes so many seconds, and half of them more whenever it is asked."""

    def __init__(self, engine, seconds):
        self.engine, self.name, self.seconds, self.asked = engine, engine, seconds, []

    def ask(self, **question):
        self.asked.append(question)
        return {"seconds": self.seconds * (1 + len(self.asked) / 2), "peak": 100 * self.seconds}

    def end(self):
        pass


def test_engines_take_turns_and_their_medians_are_compared(monkeypatch, capsys):
    each = [Side("compat", 1.0), Side("caffe", 4.0)]
    monkeypatch.setattr(users, "workers", lambda args, script: each)
    monkeypatch.setattr(users, "QUICK", users.QUICK[1:2])
    users.show(argparse.Namespace(quick=True, user_repeats=3))
    ours, its = capsys.readouterr().out.splitlines()[-2:]
    # the first of four answers is left out, and two frames share the time
    assert ours == "| a frame of a small zoom | compat | 1.25 s |  | 100 MB |  |"
    assert its == "| a frame of a small zoom | caffe | 5.00 s | 0.25 | 400 MB | 0.25 |"
    assert each[0].asked == each[1].asked and len(each[0].asked) == 4


@pytest.mark.parametrize(
    ("there_are", "wanted"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (16, [1, 2, 4, 8, 16])]
)
def test_cores_are_doubled_up_to_those_that_there_are(there_are, wanted):
    assert cores.numbers(there_are) == wanted


def test_a_step_on_more_threads_is_compared_with_one(monkeypatch, capsys, tmp_path):
    seconds, asked = {"1": 8.0, "2": 5.0, "4": 4.0}, []

    def worker(python, engine, script, CAFFE_COMPAT_THREADS):
        taken = seconds[CAFFE_COMPAT_THREADS]
        asked.append((engine, CAFFE_COMPAT_THREADS))
        side = Side(engine, taken)
        side.ask = lambda size, layers: {"forward": taken / 4, "backward": 3 * taken / 4}
        return side

    monkeypatch.setattr(cores, "Worker", worker)
    plotted = tmp_path / "cores.svg"
    words = ["--size", "64x48", "--threads", "1", "2", "4", "--plot-cores", str(plotted)]
    cores.show(bench.parse(words))
    lines = capsys.readouterr().out.splitlines()
    assert "| 64x48 | 2 | 5.000 s | 1.60 | 0.80 |" in lines
    assert "| 64x48 | 4 | 4.000 s | 2.00 | 0.50 |" in lines
    assert asked == [("compat", "1"), ("compat", "2"), ("compat", "4")]
    assert "64x48" in plotted.read_text() and "threads" in plotted.read_text()
    cores.show(bench.parse(["--size", "64x48", "--threads", "2", "4"]))
    assert "| 64x48 | 4 | 4.000 s | 2.50 | 0.62 |" in capsys.readouterr().out


def test_times_by_layer_are_of_layers_that_run():
    side = bench_worker.CaffeSide("compat")
    with side._context:
        side.prepare(32, 32)
        for _ in range(3):
            side.forward()
            side.backward()
        times = side.layer_times()
    assert min(times["Convolution 3x3"]) > 0 and min(times["Pooling"]) > 0


def test_a_median_with_a_missing_number_is_none():
    assert sides.medians([{"peak": 2.0}, {"peak": 1.0}, {"peak": 4.0}]) == {"peak": 2.0}
    peak = sides.medians([{"peak": None}])["peak"]
    assert peak != peak


def test_every_part_is_run_unless_some_are_named():
    assert bench.parse([]).part == ["steps", "users", "curve", "cores", "start", "gpu"]
    assert bench.parse(["--part", "start"]).part == ["start"]


@pytest.mark.parametrize("option", ["--repeats=0", "--threads=0", "--megapixels=nan"])
def test_numbers_that_measure_nothing_are_refused(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as e:
        bench.parse([option])
    assert e.value.code == 2 and "is not a number above 0" in capsys.readouterr().err
