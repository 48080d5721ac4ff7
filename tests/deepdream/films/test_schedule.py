"""Settings that change from frame to frame."""

from dataclasses import replace

import pytest

from deepdream.errors import ScheduleError
from deepdream.films.schedule import Schedule, in_turn
from deepdream.request import schedules
from deepdream.settings import DREAM


def test_texts_change_at_their_frames_and_are_the_dreams_own_before():
    schedule = Schedule(end=((2, "4c"), (5, "4d")))
    ends = [schedule.at(DREAM, frame).end for frame in range(7)]
    assert ends == [DREAM.end, DREAM.end, "4c", "4c", "4c", "4d", "4d"]


def test_numbers_go_evenly_from_one_to_the_next():
    schedule = Schedule(
        step_size=((1, 1.0), (3, 2.0)), guide_weights=((0, (1.0, 0.0)), (4, (0.0, 2.0)))
    )
    dreams = [schedule.at(DREAM, frame) for frame in range(5)]
    assert [d.step_size for d in dreams] == [DREAM.step_size, 1, 1.5, 2, 2]
    assert dreams[3].guide_weights == (0.25, 1.5)


def test_a_period_leads_back_to_its_beginning():
    schedule = Schedule(step_size=((0, 1.0), (2, 3.0)), period=4)
    assert [schedule.at(DREAM, n).step_size for n in range(9)] == [1, 2, 3, 2, 1, 2, 3, 2, 1]
    later = Schedule(step_size=((1, 1.0), (3, 3.0)), period=4)
    assert [later.at(DREAM, n).step_size for n in range(5)] == [2, 1, 2, 3, 2]
    ends = [in_turn(["a", "b"], 2).at(DREAM, n).end for n in range(5)]
    assert ends == ["a", "a", "b", "b", "a"]


def test_the_dream_itself_is_left_out_where_no_frame_is_its_own():
    assert in_turn(["a", "b"], 2).dreams(DREAM) == [replace(DREAM, end=end) for end in "ab"]
    late = Schedule(objective=((3, 'l2("a")'),))
    assert late.dreams(DREAM) == [DREAM, replace(DREAM, objective='l2("a")')]
    assert Schedule().dreams(DREAM) == [DREAM]


@pytest.mark.parametrize("text, said", [
    ("{", "is no JSON"),
    ("[]", "it is [], not an object of end, objective, step_size, guide_weights, period"),
    ("{}", "schedules nothing"),
    ('{"end": {"-1": "4c"}}', "a name in end is '-1', not the number of a frame"),
    ('{"end": {"0": "4c", "0": "4d"}}', "it has '0' twice"),
    ('{"step_size": {"0": 0}}', "step_size['0'] is 0, not a number over 0"),
    ('{"objective": {"0": "open(1)"}}', "objective 'open(1)'"),
    ('{"jitter": {"0": 1}}', "'jitter' is unknown"),
    ('{"end": {"4": "4c"}, "period": 4}', "end has frame 4, but period is 4, so it never comes"),
    ("[" * 100000, "it is nested too deep"),
    ("\xff", "is no text in UTF-8"),
])  # fmt: skip
def test_what_is_no_schedule_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "s.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ScheduleError) as e:
        schedules.load(path)
    assert said in str(e.value) and str(path) in str(e.value) and "\n" not in str(e.value)


def test_a_schedule_that_is_not_there(tmp_path):
    with pytest.raises(ScheduleError, match="no.json: cannot be read: No such file"):
        schedules.load(tmp_path / "no.json")
    with pytest.raises(ScheduleError, match="a folder, given where a schedule goes"):
        schedules.load(tmp_path)
