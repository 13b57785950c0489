"""From a video to keypoints; see conftest.py for what stands in for the detector."""

import subprocess
import sys
import time

import numpy as np
import pytest

from posenet3d.errors import DataError, DetectorError, KeypointFormatError, StorageError
from posenet3d.integrations import detector_process
from posenet3d.integrations.detector_python import VARIABLE, detector_python
from posenet3d.integrations.mediapipe_video import detect_people
from posenet3d.keypoints.footage import is_footage


@pytest.fixture
def processes(monkeypatch):
    """The detectors' processes, in the order in which they were started."""
    started, start = [], detector_process._started

    def recorded(*arguments):
        started.append(start(*arguments))
        return started[-1]

    monkeypatch.setattr(detector_process, "_started", recorded)
    return started


def test_each_frame_s_landmarks_arrive_in_pixels_and_frames_without_anybody_are_gaps(
    fake_detector, film
):
    told = []
    video = film(["person", "nobody", "person", "person"], promised=4)
    found = detect_people(video, python=fake_detector, on_progress=lambda *each: told.append(each))
    (person,) = found.people
    assert (person.layout, person.unit, person.source) == ("mediapipe_33", "pixels", "walk")
    assert person.image_size == found.image_size == (640, 480)
    assert person.frame_index.tolist() == [0, 2, 3]
    np.testing.assert_allclose(person.points[0, 20], [0.45 * 640, 0.5 * 480])
    assert (person.confidence == 0.9).all()
    assert (found.frames, found.frames_with_someone, found.fps, found.notes) == (4, 3, 25.0, ())
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_whoever_is_seen_longest_comes_first_where_the_detector_changes_from_one_to_another(
    fake_detector, film
):
    video = film([0.0] * 3 + ["nobody"] * 3 + [0.65] * 9)
    found = detect_people(video, python=fake_detector)
    assert [len(each) for each in found.people] == [9, 3]


def test_a_folder_of_images_is_read_in_the_order_of_the_numbers_and_its_rate_must_be_told(
    fake_detector, tmp_path
):
    folder = tmp_path / "främes"
    folder.mkdir()
    for number in (2, 10, 1):
        (folder / f"f{number}.png").write_bytes(b"i" * 64)
    (folder / ".hidden.png").write_bytes(b"no image")
    assert is_footage(folder)
    with pytest.raises(DataError, match="fps="):
        detect_people(folder, python=fake_detector)
    found = detect_people(folder, fps=10, python=fake_detector)
    assert (found.frames, found.fps, found.image_size) == (3, 10.0, (64, 64))
    (folder / "f3.png").write_bytes(b"i" * 32)
    with pytest.raises(DataError, match=r"f3.png: expected 64 x 64 .* got 32 x 32"):
        detect_people(folder, fps=10, python=fake_detector)
    (folder / "f3.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"f3.png: expected an image"):
        detect_people(folder, fps=10, python=fake_detector)
    (folder / "keypoints.json").touch()
    assert not is_footage(folder)


def test_one_image_is_one_frame(fake_detector, tmp_path):
    (tmp_path / "photo.JPG").write_bytes(b"i" * 9)
    found = detect_people(tmp_path / "photo.JPG", python=fake_detector)
    assert (found.frames, found.fps, len(found.people[0])) == (1, 1.0, 1)


def test_frames_that_come_unevenly_and_files_cut_off_are_told(fake_detector, film):
    uneven = film(["person"] * 6, ms=[0, 40, 120, 1000, 1080, 1200], fps=25.0, promised=90)
    found = detect_people(uneven, python=fake_detector)
    assert found.fps == pytest.approx(5 / 1.2)
    assert "promises 3.6 s, 1.24 s could be decoded" in found.notes[0]
    assert "unevenly" in found.notes[1]
    assert detect_people(uneven, fps=25, python=fake_detector).fps == 25.0


def test_some_lost_frames_do_not_change_the_rate_and_a_wrong_count_is_no_loss(fake_detector, film):
    lossy = film(["person"] * 9, ms=[0, 40, 80, 120, 160, 200, 240, 280, 520], promised=22)
    found = detect_people(lossy, python=fake_detector)
    assert found.fps == 25.0
    assert len(found.notes) == 1
    assert "one is 0.2 s off" in found.notes[0]


def test_a_rate_that_only_the_frames_times_tell_is_taken_from_them(fake_detector, film):
    video = film(["person"] * 3, fps=0.0, ms=[0, 20, 40], promised=-1)
    assert detect_people(video, python=fake_detector).fps == pytest.approx(50)
    with pytest.raises(DataError, match="fps="):
        detect_people(film(["person"] * 3, fps=0.0), python=fake_detector)


@pytest.mark.parametrize("fps", [0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused_before_the_detector_starts(film, fps):
    with pytest.raises(KeypointFormatError, match="fps"):
        detect_people(film(["person"]), fps=fps, python="not even there")


def test_what_is_no_video_or_shows_nobody_is_told(fake_detector, film, tmp_path):
    with pytest.raises(StorageError, match="nothing there"):
        detect_people(tmp_path / "gone.mp4", python=fake_detector)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DataError, match=r"text.mp4: expected a video"):
        detect_people(tmp_path / "text.mp4", python=fake_detector)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected images"):
        detect_people(tmp_path / "empty", python=fake_detector)
    with pytest.raises(DataError, match="found nobody in 7 frames"):
        detect_people(film(["nobody"] * 7), python=fake_detector)


def test_a_python_without_the_detector_says_which_two_commands_install_one(monkeypatch, film):
    video = film(["person"])
    commands = r"(?s)-m venv detector\n.*pip install mediapipe==0\.10\.14\n.*--detector-python"
    with pytest.raises(DetectorError, match=commands):
        detect_people(video, python="no-such-python")
    monkeypatch.setenv(VARIABLE, "no-such-python-either")
    with pytest.raises(DetectorError, match=f"(?s)either: {VARIABLE}.*{commands[4:]}"):
        detect_people(video)
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DetectorError, match=commands):
        detect_people(video)


def test_the_variable_names_the_detector_and_a_link_is_not_resolved(
    monkeypatch, fake_detector, tmp_path
):
    link = tmp_path / "link"
    link.symlink_to(fake_detector)
    monkeypatch.setenv(VARIABLE, str(link))
    assert detector_python() == str(link)
    assert detector_python(fake_detector) == str(fake_detector)


def test_another_version_or_none_of_the_detector_is_refused(fake_detector, film, tmp_path):
    told = tmp_path / "packages" / "mediapipe-0.10.14.dist-info" / "METADATA"
    told.write_text(told.read_text().replace("0.10.14", "0.10.35"))
    with pytest.raises(DetectorError, match=r"mediapipe 0\.10\.35 .* expected 0\.10\.14;"):
        detect_people(film(["person"]), python=fake_detector)
    told.unlink()
    told.parent.rmdir()
    with pytest.raises(DetectorError, match="mediapipe is not installed there"):
        detect_people(film(["person"]), python=fake_detector)
    broken = tmp_path / "packages" / "cv2.py"
    broken.write_text("raise ImportError('libGL.so.1')")
    (tmp_path / "packages" / "mediapipe-0.10.14.dist-info").mkdir()
    told.write_text("Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.14\n")
    with pytest.raises(DetectorError, match="libGL"):
        detect_people(film(["person"]), python=fake_detector)


def test_a_detector_that_crashes_or_fails_is_told_with_its_last_words(fake_detector, film):
    with pytest.raises(DetectorError, match=r"(?s)code -11\).*out of luck"):
        detect_people(film(["person", "crash"]), python=fake_detector)
    with pytest.raises(DetectorError, match="the graph has errors"):
        detect_people(film(["person", "raise"]), python=fake_detector)


def test_a_program_that_is_no_python_is_told(tmp_path, film):
    for name, line in (("silent", "exit 0"), ("chatty", "echo hello; sleep 60")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
        with pytest.raises(DetectorError, match=r"ended|lines of JSON"):
            detect_people(film(["person"]), python=tmp_path / name)


@pytest.mark.parametrize(
    "line",
    [
        '{"opened": {}}',
        '{"opened": 3}',
        '{"frame": 0}',
        '{"opened": {"width": 9, "height": 9, "fps": 1, "frames": 1}}\n{"landmarks": [[1]]}',
        '{"opened": {"width": 9, "height": 9, "fps": 1, "frames": 1}}\n'
        '{"seconds": 0, "landmarks": [[1, 2, 3]]}',
        "[1]",
    ],
)
def test_answers_that_are_not_the_worker_s_are_refused(tmp_path, film, line):
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\ncat <<'END'\n{line}\nEND\nsleep 60\n")
    fake.chmod(0o755)
    with pytest.raises(DetectorError, match=r"fault|lines of JSON"):
        detect_people(film(["person"]), python=fake)


def test_a_detector_that_hangs_is_given_up(fake_detector, film, monkeypatch, processes):
    monkeypatch.setattr(detector_process, "PATIENCE", 3.0)
    start = time.monotonic()
    with pytest.raises(DetectorError, match="no answer for 3 s"):
        detect_people(film(["person", "hang"]), python=fake_detector)
    assert time.monotonic() - start < 30
    assert processes[0].poll() is not None


def test_an_interrupt_ends_the_detector_too(fake_detector, film, processes):
    def interrupt(done: int, total: int | None) -> None:
        assert processes[0].poll() is None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_people(film(["person", "hang"]), python=fake_detector, on_progress=interrupt)
    assert processes[0].poll() is not None


ASKING = """
import sys
from posenet3d.integrations import detector_process as process
from posenet3d.integrations.mediapipe_video import detect_people

start = process._started
process._started = lambda *given: started.append(start(*given)) or started[-1]
started = []
detect_people(sys.argv[1], python=sys.argv[2], on_progress=lambda *_: print(started[0].pid))
"""


def test_the_detector_ends_when_whoever_asked_is_killed(
    fake_detector, film, is_running, check_it_ends
):
    asking = subprocess.Popen(
        [sys.executable, "-u", "-c", ASKING, str(film(["person", "hang"])), str(fake_detector)],
        stdout=subprocess.PIPE,
    )
    assert asking.stdout is not None
    with asking:
        worker = int(asking.stdout.readline())
        assert is_running(worker)
        asking.kill()
    check_it_ends(worker, 20.0)
