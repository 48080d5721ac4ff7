"""The soak test: each of its campaigns runs, and faults are found and told with their seeds."""

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.soak import inputs, processes, runs, soak, worker
from scripts.soak.campaign import Fault, Shop, judged

PLANTED = Path(__file__).with_name("planted.py")
# each of their attempts is a process or two; with these seeds, they reach what they attack
SLOW = [c.name for c in processes.CAMPAIGNS] + ["downloads", "compiled loops"]
SEEDS = {**dict.fromkeys(SLOW, 2), "kills": 1, "two writers": 0}
RUNS = [c.name for c in runs.CAMPAIGNS]  # every stop is a process or two
QUICK = sorted({*worker.CAMPAIGNS} - {*SLOW, *RUNS})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("soak")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", QUICK)
def test_a_quick_campaign_finds_nothing(name, home):
    shop = Shop(home)
    endings = [worker.attempt(worker.CAMPAIGNS[name], seed, shop) for seed in range(3)]
    assert not [ended for ended in endings if ended.startswith("fault")]


@pytest.mark.slow
def test_slow_campaigns_find_nothing(home):
    with ThreadPoolExecutor(2) as pool:
        shops = [Shop(home, f"attempt {name}") for name in SLOW]
        endings = pool.map(
            lambda name, shop: worker.attempt(worker.CAMPAIGNS[name], SEEDS[name], shop),
            SLOW,
            shops,
        )
        found = dict(zip(SLOW, endings))
    assert not [(n, ended) for n, ended in found.items() if ended.startswith("fault")]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_long_run_survives_what_stops_it(name, home, monkeypatch):
    monkeypatch.setattr(runs, "STOPS", 2)
    shop = Shop(home)
    assert worker.attempt(worker.CAMPAIGNS[name], 4, shop) == "whole"
    assert sum(shop.stops.values()) == 2


@pytest.mark.slow
def test_a_long_run_whose_results_differ_is_a_fault(home, monkeypatch):
    monkeypatch.setattr(runs, "STOPS", 1)
    whole = runs.Kind.whole
    monkeypatch.setattr(runs.Kind, "whole", lambda *of: {**whole(*of), "frames/0009.jpg": b""})
    ended = worker.attempt(worker.CAMPAIGNS["zooms"], 1, Shop(home))
    assert ended.startswith("fault: frames/0009.jpg is not what it should be")


def test_stops_of_long_runs_are_counted():
    tally = soak.Tally()
    tally.add(1, "whole", {"kill -9": 3, "SIGTERM": 1})
    tally.add(2, "fault: planted", {"kill -9": 2})
    assert soak.survived({"zooms": tally, "nets": soak.Tally()}) == (
        "stops of long runs survived / tried: 4/6 (SIGTERM 1/1, kill -9 3/5)"
    )
    assert soak.survived({"nets": soak.Tally()}) == ""


def test_so_many_attempts_are_made_however_long_they_take():
    tally = soak.run("stopped", 0, jobs=2, seed=5, program=PLANTED, least=2)
    assert tally.endings == {"whole": 4} and tally.survived == {"kill -9": 4}


@pytest.mark.slow
def test_a_fault_is_told_with_the_seed_that_makes_it_again():
    tally = soak.run("planted", 1, jobs=1, seed=5, program=PLANTED)
    told = tally.faults[0]
    seed = told[len("seed ") : told.index(":")]
    assert told == f"seed {seed}: fault: planted" and tally.endings["done"]
    assert tally.endings["fault"] == len(tally.faults)
    again = subprocess.run(
        [sys.executable, str(PLANTED), "planted", "--seed", seed, "--count", "1"],
        capture_output=True,
        text=True,
    )
    assert "fault: planted" in again.stdout


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_another_goes_on():
    tally = soak.run("dies", 1.5, jobs=1, seed=5, program=PLANTED)
    assert tally.faults[:2] == [f"seed {n}: fault: the process ended with code 3" for n in (5, 6)]


@pytest.mark.slow
def test_a_process_that_hangs_is_killed_and_told():
    tally = soak.run("hangs", 0.1, jobs=1, seed=5, program=PLANTED, patience=2)
    assert tally.faults == ["seed 5: fault: the process said nothing for 2 s"]


def test_a_campaign_without_an_attempt_is_no_success():
    tally = soak.run("planted", 0, jobs=1, seed=5, program=PLANTED)
    assert not tally.endings and "no attempt ended within 0 seconds" in tally.faults[0]


def test_the_table_has_every_ending_and_the_number_of_faults():
    tally = soak.Tally()
    for seed, ended in enumerate(("done", "refused", "done", "fault: planted")):
        tally.add(seed, ended)
    assert soak.table({"nets": tally}).splitlines()[-1] == (
        f"| nets | {worker.CAMPAIGNS['nets'].attack} | 4 | 2 done, 1 refused | 1 |"
    )


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [
        (1, "", "Traceback (most recent call last)"),
        (0, "", "Traceback (most recent call last)"),
        (-11, "", ""),
        (2, "", ""),
        (2, "", "deepdream dream: one\ndeepdream dream: two"),
        (0, "\x1b[31m", ""),
    ],
)
def test_what_is_a_fault(code, out, err):
    with pytest.raises(Fault):
        judged(code, out, err)


def test_each_of_several_pictures_may_say_why_in_a_line_of_its_own():
    told = "deepdream dream: a.png: no such picture\ndeepdream dream: b.png: no such picture"
    assert judged(2, "0 of 2 pictures done; 2 failed\n", told) == "refused"


def test_damage_is_the_same_for_the_same_seed():
    whole = bytes(range(256))
    first, second = (inputs.mutated(whole, random.Random(3)) for _ in range(2))
    assert first == second != whole
