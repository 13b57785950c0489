"""The card of weights: every fact on it, in Markdown that holds together."""

import json

import pytest
from pydantic import ValidationError

from posenet3d.networks import ModelCard
from posenet3d.networks.card import FIGURES, DataSource, Measured, Rounding, Section, Spread


@pytest.fixture
def card():
    errors = {"p_mpjpe": Spread(mean=41.04, deviation=0.52, shipped=40.6)}
    return ModelCard(
        name="toy",
        summary="A toy that lifts.",
        licence="Apache-2.0.",
        data=(DataSource(name="Clips", use="All.", licence='"Free."', acknowledgement="Thanks."),),
        inputs=("Nine frames.",),
        outputs=("Skeletons.",),
        limits=("One person.",),
        measured_on="Strangers.",
        measured=(
            Measured(protocol="cmu14", seen="exact", head="mean", figures=errors),
            Measured(protocol="cmu14", seen="exact", head="flat", figures={}),
        ),
        precision="fp16",
        rounding=(Rounding(protocol="cmu14", head="mean", fp32=41.0, fp16=41.002),),
        rounding_on="2 clips",
        parameters=1234567,
        weights_bytes=2_500_000,
        weights_sha256="c0ffee",
        seed=3,
        seeds=(3, 1),
        commit="abc123",
        date="2026-11-23",
        command="python train.py --seeds 3 1",
        train_command="posenet3d train",
        made_with=("A minute.",),
    )


def test_every_fact_is_on_the_page(card):
    page = card.to_markdown()
    for fact in (
        "# Model card: `toy`",
        "A toy that lifts.",
        "Apache-2.0.",
        '**Clips**: All. Its terms: "Free." Thanks.',
        "- Nine frames.",
        "- Skeletons.",
        "- One person.",
        "Strangers.",
        "seed 3",
        "over seeds 3, 1",
        "| cmu14 | exact | mean | 40.6 (41.0 ± 0.5) |",
        "| cmu14 | exact | flat | – |",
        "1,234,567 numbers, 2.5 MB, stored as fp16, loaded as fp32",
        "SHA-256 `c0ffee`",
        "by 0.002 mm at most, on 2 clips",
        "| cmu14 | mean | 41.000 | 41.002 | +0.0020 |",
        "Commit `abc123`, 2026-11-23.",
        "A minute.",
        "    python train.py --seeds 3 1",
        "    posenet3d train",
        'PoseNet3D.from_pretrained("toy")',
    ):
        assert fact in page


def test_every_table_has_as_many_cells_in_each_row(card):
    for section in card.sections():
        assert len({len(row) for row in section.rows}) <= 1, section.title


def test_a_card_comes_back_from_its_json_and_refuses_what_it_does_not_know(card):
    assert ModelCard.model_validate_json(card.model_dump_json()) == card
    with pytest.raises(ValidationError, match="unheard_of"):
        ModelCard.model_validate(json.loads(card.model_dump_json()) | {"unheard_of": 1})


def test_a_card_without_figures_says_so(card):
    page = card.model_copy(update={"measured": (), "rounding": ()}).to_markdown()
    assert "Not measured." in page
    assert "P-MPJPE" not in page


def test_one_seed_has_no_spread(card):
    alone = card.model_copy(update={"seeds": (3,)})
    assert "standard deviation" not in alone.to_markdown()
    assert Spread(mean=40.6, shipped=40.6).told(1) == "40.6"


def test_figures_have_headings_with_their_unit():
    assert all("mm" in heading or "%" in heading for heading in FIGURES.values())


def test_a_section_has_its_parts_in_order_with_blank_lines_between():
    section = Section(text=("One.",), items=("a", "b"), rows=(("x", "y"), ("1", "2")), code=("do",))
    assert list(section.markdown()) == [
        *("One.", "", "- a", "- b", ""),
        *("| x | y |", "|---|---|", "| 1 | 2 |", "", "    do", ""),
    ]
