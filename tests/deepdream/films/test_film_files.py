"""Films read and written."""

from fractions import Fraction

import numpy as np
import pytest

from deepdream import pictures
from deepdream.errors import FilmError
from deepdream.films import reading, writing
from tests.support import films

pytest.importorskip("av")


@pytest.fixture
def frames():
    return films.panning(5)


@pytest.fixture
def film(tmp_path, frames):
    path = tmp_path / "film.mp4"
    films.write(path, frames, sound="aac")
    return path


def test_a_film_is_read_as_it_is_shown(film, frames):
    read = reading.opened(str(film))
    assert (read.size, read.count, read.rate, read.notes) == ((48, 64), 5, 24, ())
    shown = list(read.frames())
    assert np.abs(np.float32(shown) - np.float32(frames)).mean() < 6  # yuv420p's loss
    np.testing.assert_array_equal(list(read.frames(3)), shown[3:])


def test_a_film_is_written_with_times_and_sound_of_another(tmp_path, frames):
    source, out = tmp_path / "film.mp4", tmp_path / "out.mp4"
    times = [0, 1000, 3000, 3500, 5000]
    films.write(source, frames, times=times, sound="aac")
    read = reading.opened(str(source))
    assert read.notes == ("its frame rate varies; every frame keeps its own time",)
    writing.save_film(out, frames[::-1], read)
    shown, seconds = films.seen(out)
    np.testing.assert_allclose(seconds, films.seen(source)[1], atol=1e-4)
    assert np.abs(np.float32(shown) - np.float32(frames[::-1])).mean() < 6
    assert films.heard(out)[0] == "aac"
    np.testing.assert_array_equal(films.heard(out)[1], films.heard(source)[1])


def test_colours_come_out_as_they_went_in(tmp_path, film):
    levels = [np.full((48, 64, 3), colour, np.uint8) for colour in ((200, 40, 60), (30, 90, 220))]
    like = reading.opened(str(film))
    writing.save_film(tmp_path / "out.mp4", levels, like)
    shown = list(reading.opened(str(tmp_path / "out.mp4")).frames())
    np.testing.assert_allclose(np.float32(shown), np.float32(levels), atol=3)


def test_sound_that_the_format_cannot_hold_is_encoded_again(tmp_path, frames):
    source = tmp_path / "film.avi"
    films.write(source, frames * 5, sound="adpcm_ms")
    writing.save_film(tmp_path / "out.mp4", frames * 5, reading.opened(str(source)))
    codec, wave = films.heard(tmp_path / "out.mp4")
    assert codec == "aac" and 0.1 < np.sqrt(np.square(wave).mean()) < 0.4


def test_frames_of_odd_size_lose_nothing(tmp_path, film):
    odd = [np.random.RandomState(1).randint(0, 256, (47, 63, 3)).astype(np.uint8)] * 2
    writing.save_film(tmp_path / "out.mp4", odd, reading.opened(str(film)))
    shown, _ = films.seen(tmp_path / "out.mp4")
    assert shown[0].shape == (48, 64, 3)


def test_a_folder_is_a_film(tmp_path, frames):
    for number, frame in enumerate(frames):
        pictures.save(tmp_path / f"{number:04}.png", frame)
    (tmp_path / "notes.txt").write_text("no frame")
    read = reading.opened(str(tmp_path), Fraction(30000, 1001))
    assert (read.size, read.count, read.rate) == ((48, 64), 5, Fraction(30000, 1001))
    np.testing.assert_array_equal(list(read.frames(2)), frames[2:])
    before = read.sha1()
    pictures.save(tmp_path / "0002.png", frames[0])
    assert reading.opened(str(tmp_path)).sha1() != before
    writing.save_film(tmp_path / "out.mp4", frames, read)
    np.testing.assert_allclose(
        np.diff(films.seen(tmp_path / "out.mp4")[1]), 1001 / 30000, atol=1e-4
    )


def test_films_of_ten_bits_are_read(tmp_path, frames):
    films.write(tmp_path / "ten.mp4", frames, pixels="yuv420p10le")
    read = reading.opened(str(tmp_path / "ten.mp4"))
    assert read.notes == ("it has 10 bits for each colour; the dream has 8",)
    assert np.abs(np.float32(list(read.frames())) - np.float32(frames)).mean() < 6


def refused(path, said, rate=None):
    with pytest.raises(FilmError) as e:
        reading.opened(str(path), rate)
    assert said in str(e.value) and str(path) in str(e.value) and "\n" not in str(e.value)


@pytest.mark.parametrize("transfer, name", [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused(tmp_path, frames, transfer, name):
    films.write(tmp_path / "hdr.mp4", frames, pixels="yuv420p10le", transfer=transfer)
    refused(tmp_path / "hdr.mp4", f"is HDR ({name})")


def test_a_film_that_is_cut_off(tmp_path):
    whole = tmp_path / "whole.mp4"
    films.write(whole, films.panning(60), options={"movflags": "faststart"})
    data = whole.read_bytes()
    (tmp_path / "part.mp4").write_bytes(data[: len(data) // 2])
    refused(tmp_path / "part.mp4", "is cut off or damaged: after ")
    (tmp_path / "less.mp4").write_bytes(data[:200])
    refused(tmp_path / "less.mp4", "has no pictures, only sound or nothing at all")
    films.write(tmp_path / "whole.mkv", films.panning(60))
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "part.mkv").write_bytes(data[: len(data) // 2])
    refused(tmp_path / "part.mkv", "is cut off: it says that it takes 2.5 s, and ends after")


def test_what_is_no_film(tmp_path, frames):
    refused(tmp_path / "no.mp4", "no such film")
    (tmp_path / "text.mp4").write_text("once upon a time " * 99)
    refused(tmp_path / "text.mp4", "cannot be read as a film")
    (tmp_path / "empty.mp4").write_bytes(b"")
    refused(tmp_path / "empty.mp4", "cannot be read as a film")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "has no frames; a film's are pictures")
    pictures.save(tmp_path / "folder" / "0.png", frames[0])
    pictures.save(tmp_path / "folder" / "1.png", frames[0][:20])
    with pytest.raises(FilmError, match="1.png: is 64x20, and 0.png 64x48"):
        reading.opened(str(tmp_path / "folder"))


def test_sound_alone_is_no_film(tmp_path):
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        films._add_sound(container, "aac", 0.5)
    refused(path, "has no pictures, only sound or nothing at all")


def test_a_file_has_a_rate_of_its_own(film):
    refused(film, "has a frame rate of its own", Fraction(25))


def test_a_film_is_turned_as_a_player_turns_it(tmp_path, frames):
    films.write(tmp_path / "plain.mp4", frames)
    films.write(tmp_path / "turned.mp4", frames, turn=90)
    (plain, *_), (turned, *_) = (
        list(reading.opened(str(tmp_path / name)).frames()) for name in ("plain.mp4", "turned.mp4")
    )
    assert turned.shape == (64, 48, 3)
    np.testing.assert_array_equal(turned, np.rot90(plain))


def test_a_playlist_that_names_other_files_is_no_film(tmp_path, film):
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", str(film), "#EXT-X-ENDLIST"]
    for name in ("list.m3u8", "list.mp4"):
        (tmp_path / name).write_text("\n".join(lines))
        refused(tmp_path / name, "cannot be read as a film")
    (tmp_path / "join.txt").write_text(f"ffconcat version 1.0\nfile {film.name}\n")
    refused(tmp_path / "join.txt", "cannot be read as a film")


def test_frames_without_times_follow_the_rate(tmp_path, frames):
    films.write(tmp_path / "bare.h264", frames)
    read = reading.opened(str(tmp_path / "bare.h264"))
    assert read.count == 5 and len(set(read.times)) == 5
    writing.save_film(tmp_path / "out.mp4", frames, read)
    shown, seconds = films.seen(tmp_path / "out.mp4")
    assert len(shown) == 5 and (np.diff(seconds) > 0).all()


def test_a_film_that_does_not_begin_at_zero_begins_there_afterwards(tmp_path, frames):
    source, out = tmp_path / "film.mkv", tmp_path / "out.mp4"
    films.write(source, frames, times=[48000 + 1000 * n for n in range(5)])
    before = films.seen(source)[1]
    assert before[0] == pytest.approx(2)
    writing.save_film(out, frames, reading.opened(str(source)))
    np.testing.assert_allclose(films.seen(out)[1], np.subtract(before, 2), atol=1e-3)


def test_sound_of_a_transport_stream_is_copied(tmp_path, frames):
    source, out = tmp_path / "film.ts", tmp_path / "out.mp4"
    films.write(source, frames * 4, sound="aac")
    writing.save_film(out, frames * 4, reading.opened(str(source)))
    (codec, wave), heard = films.heard(out), films.heard(source)[1]
    assert codec == "aac" and abs(wave.shape[1] - heard.shape[1]) <= 2048
    assert 0.1 < np.sqrt(np.square(wave).mean()) < 0.4
