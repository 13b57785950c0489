import pytest
from matplotlib.text import Text
from PIL import Image

from posenet3d.errors import ConfigurationError


@pytest.mark.parametrize(("frames", "moments", "columns"), [(12, 4, 4), (1, 8, 1), (3, 8, 3)])
def test_a_sheet_has_a_column_a_moment_and_a_row_a_kind(
    waving, tmp_path, drawn, frames, moments, columns
):
    waving(frames).save(tmp_path / "sheet.png", moments=moments)
    assert len(drawn[0].axes) == 5 * columns
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.width > 100


def test_a_skeleton_alone_has_no_rows_of_bodies(waving, tmp_path, drawn):
    waving(body=False).save(tmp_path / "sheet.png", moments=2)
    assert len(drawn[0].axes) == 3 * 2


def test_a_gap_keeps_its_time_and_is_told(waving, tmp_path, drawn):
    lifted = waving(3, fps=10.0, body=False, frame_index=[20, 21, 29])
    lifted.save(tmp_path / "sheet.png", moments=3)
    words = [text.get_text() for text in drawn[0].findobj(Text)]
    assert {"0.00 s", "0.10 s", "0.90 s"} <= set(words)
    assert any("3 frames at 10 a second, 7 missing in between" in each for each in words)


def test_words_of_a_narrow_sheet_are_not_cut_off(waving, tmp_path, drawn):
    waving(1, body=False).save(tmp_path / "sheet.png")
    (figure,) = drawn
    figure.draw_without_rendering()
    right = figure.get_window_extent().x1
    assert all(text.get_window_extent().x1 <= right for text in figure.texts)
    assert all(legend.get_window_extent().x1 <= right for legend in figure.legends)


def test_a_name_with_a_dollar_is_no_formula(waving, tmp_path, drawn):
    waving(body=False, source=r"take $\frac{1$").save(tmp_path / "sheet.png", moments=1)
    assert (tmp_path / "sheet.png").exists()


def test_an_option_of_none_is_refused(waving, tmp_path):
    with pytest.raises(ConfigurationError, match="moments"):
        waving().save(tmp_path / "sheet.png", moments=0)
