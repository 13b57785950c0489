import importlib.util
import json
import sys
from types import SimpleNamespace

import pytest

TEST, HELD_OUT = "test subjects", "held out S02 S06"
RUNS = ("posenet3d-exact", "chen2019-exact", "posenet3d", "chen2019", "no-sja", "linear-sja")
RUNS += ("baseline-1", "baseline-2")


@pytest.fixture
def accuracy(repository, monkeypatch):
    """The benchmark's files."""
    folder = repository / "benchmarks"
    if not (folder / "accuracy.py").exists():
        pytest.skip("no benchmarks beside these tests")
    monkeypatch.syspath_prepend(str(folder))
    names = ("relations_page", "accuracy_rows", "accuracy_findings")
    names += ("accuracy_goals", "accuracy_page", "accuracy")
    made = {}
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        made[name.removeprefix("accuracy_")] = module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    return SimpleNamespace(**made)


def figures(p_mpjpe, mpjve=1.0, mblstd=1.0):
    return {"p_mpjpe": p_mpjpe, "mpjve": mpjve, "mblstd": mblstd, "right_way_round": True}


def relations(errors, measured="test", seeds=(0, 1, 2), base="quick", flat=126.0, pitch=12.0):
    """What `relations.py` writes; errors by run, those of the student by "run/student"."""
    stages = {"posenet3d-exact": "joint", "posenet3d": "joint", "baseline-1": "student"}
    stages |= dict.fromkeys(("chen2019", "chen2019-exact", "chen2019-exact-views"), "teacher")
    records = []
    for run, error in errors.items():
        last = stages.get(run, "sja")
        heads = {"teacher": figures(*error)} if last == "teacher" else {"student": figures(*error)}
        if last == "joint":
            heads = {head: figures(*error) for head in ("teacher", "student", "mean")}
        heads["flat"] = figures(flat if "exact" in run else flat + 5)
        measures = {last: heads}
        if run == "posenet3d":  # SJA alone, before fine-tuning
            measures["sja"] = {"student": figures(error[0] + 1), "flat": figures(flat + 5)}
        records += [
            {
                "run": run,
                "seed": seed,
                "seen": "exact" if "exact" in run else "detected",
                "commit": "c0ffee",
                "figures": measures,
                "config": {
                    "network": {"frames": 9},
                    "batch_size": 100,
                    "stages": [{"name": "sja", "batch_size": 50}, {"name": last}],
                },
                "report": {
                    "camera_pitch_degrees": pitch,
                    "stages": [{"name": "sja", "steps": 10}, {"name": last, "steps": 20}],
                },
            }
            for seed in seeds
        ]
    records = json.loads(json.dumps(records))  # no two share a dictionary
    facts = {"base": base, "protocol": "cmu14", "measured": measured, "noise": "gentle"}
    return facts | {"clips": None, "records": records}


GOOD = {
    "posenet3d-exact": (47.0,),
    "chen2019-exact": (60.0,),
    "posenet3d": (60.0, 7.0, 20.0),
    "chen2019": (80.0, 22.0, 40.0),
    "no-sja": (70.0,),
    "linear-sja": (100.0,),
    "baseline-1": (120.0,),
    "baseline-2": (90.0,),
}


def peer(name, p_mpjpe, judged=TEST, kind="2D only", windows=2_000_000, seed=0, **other):
    metrics = {"p_mpjpe": p_mpjpe, "mpjve": p_mpjpe / 10}
    return {
        "name": name,
        "kind": kind,
        "protocol": "cmu14",
        "judged_on": judged,
        "metrics": metrics,
        "metrics_as_trained": {"p_mpjpe": p_mpjpe},
        "settings_name": "small",
        "seed": seed,
        "frames": 1,
        "windows_seen": windows,
        "commit": "beef",
        "peer_commit": "0123" if kind != "floor" else None,
        **other,
    }


def best(p_mpjpe, windows=1_000_000, **other):
    return peer("best, mean", p_mpjpe, windows=windows, **other) | {"peer_commit": None}


ALL_PEERS = [
    peer("VideoPose3D RF 9", 40.0, kind="supervised"),
    peer("C3DPO", 85.0),
    peer("Chen et al. (lyuheng)", 90.0),
    peer("ElePose", 75.0),
]


def pretrained(fixed, wild, measured="test"):
    heads = ("teacher", "mean")
    return {
        "preset": "best",
        "protocol": "cmu14-wild",
        "measured": measured,
        "hold_out": [],
        "clips": None,
        "records": [
            {
                "seed": seed,
                "commit": "f00d",
                "config": {
                    "network": {"frames": 9},
                    "batch_size": 10,
                    "stages": [{"name": "joint"}],
                },
                "report": {"stages": [{"name": "joint", "steps": 5}]},
                "figures": {
                    "cmu14": {"exact": {head: figures(fixed + seed) for head in heads}},
                    "cmu14-wild": {"exact": {head: figures(wild + seed) for head in heads}},
                },
            }
            for seed in (0, 1)
        ],
    }


@pytest.fixture
def judged(accuracy, tmp_path):
    """Verdicts by key of some results in a folder."""

    def judge(**documents):
        for name, document in documents.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        rows = accuracy.rows.read(tmp_path)
        return {each.goal.key: each for each in accuracy.goals.verdicts(rows)}

    return judge


def test_without_results_nothing_is_settled_and_each_goal_says_what_to_run(judged):
    found = judged()
    assert len([each for each in found.values() if not each.goal.reads]) == 10
    assert {each.state for each in found.values()} == {"not settled"}
    assert all(each.goal.command.startswith("python benchmarks/") for each in found.values())


def test_relations_on_the_test_subjects_meet_their_goals(judged):
    found = judged(relations_test=relations(GOOD))
    met = {key for key, each in found.items() if each.state == "met"}
    assert met == {"paper-chen", "sja", "sja-baselines", "mpjve", "mblstd", "student"}
    assert found["paper-chen"].on_test.value == pytest.approx(47 / 60)


@pytest.mark.parametrize(
    ("run", "error", "key", "why"),
    [
        ("posenet3d-exact", (60.0,), "paper-chen", "missed by 0.19 (23 %)"),
        ("no-sja", (50.0,), "sja", "missed: posenet3d by 11.0 mm over no-sja"),
        ("linear-sja", (69.0,), "sja", "missed: no-sja by 1.0 mm over linear-sja"),
        ("baseline-2", (61.0,), "sja-baselines", "missed: posenet3d by 0.0 mm over baseline-2"),
        ("chen2019", (80.0, 14.0, 40.0), "mpjve", "missed by 0.15 (43 %)"),
        ("chen2019", (80.0, 22.0, 25.0), "mblstd", "missed by 0.18 (29 %)"),
    ],
)
def test_a_missed_relation_says_by_how_much(judged, run, error, key, why):
    verdict = judged(relations_test=relations(GOOD | {run: error}))[key]
    assert (verdict.state, verdict.on_test.why) == ("missed", why)


def with_stitched(document, **figures):
    for record in document["records"]:
        if record["run"] == "posenet3d":
            heads = {"mean": record["figures"]["joint"]["mean"] | figures}
            record["stitched"] = {"commit": "f00d", "figures": {"joint": heads}}
    return document


def test_a_missed_goal_is_read_stitched_beside_it_and_stays_missed(accuracy, judged, tmp_path):
    document = relations(GOOD | {"posenet3d": (60.0, 9.0, 30.0)})
    found = judged(relations_test=with_stitched(document, mpjve=7.0, mblstd=28.0))
    states = {key: each.state for key, each in found.items()}
    assert (states["mpjve"], states["mpjve-stitched"]) == ("missed", "met")
    assert (states["mblstd"], states["mblstd-stitched"]) == ("missed", "missed")
    assert {row.commit for row in found["mpjve-stitched"].on_test.rows} == {"c0ffee", "f00d"}
    page = accuracy.page.render(accuracy.rows.read(tmp_path), list(found.values()), {})
    assert "Of 10 goals 4 are met on the test subjects by the protocol's centre frame, 2" in page
    assert "With 2 of them stitched, as the library lifts, 5 are met." in page
    assert page.count("Nothing is written down yet.") == 2
    assert "PoseNet3D `quick`, mean, stitched |" in page


def test_stitched_readings_that_are_not_measured_are_not_counted(accuracy, judged, tmp_path):
    found = judged(relations_test=relations(GOOD))
    page = accuracy.page.render(accuracy.rows.read(tmp_path), list(found.values()), {})
    assert "Of 10 goals 6 are met" in page
    assert "of them stitched" not in page


@pytest.mark.parametrize(("student", "state"), [(50.0, "met"), (60.0, "missed")])
def test_the_student_of_the_weights_for_detected_2d_is_read_beside_the_goal(judged, student, state):
    document = pretrained(40.0, 44.0) | {"preset": "detected"}
    for record in document["records"]:
        heads = {"teacher": figures(50.0), "student": figures(student)}
        record["figures"]["cmu14"]["openpose"] = heads
    found = judged(pretrained_detected=document)
    assert (found["student-detected"].state, found["student"].state) == (state, "not settled")


def test_held_out_people_meet_no_goal(judged):
    verdict = judged(relations=relations(GOOD, measured=["S06", "S02"]))["paper-chen"]
    assert verdict.state == "not settled"
    assert verdict.on_test is None
    assert verdict.held_out.state == "met"
    assert verdict.held_out.rows[0].measured == HELD_OUT


def test_a_ratio_is_of_the_seeds_that_both_have(judged):
    document = relations(GOOD)
    chen = {"chen2019-exact": (94.0,)}
    document["records"] = [r for r in document["records"] if r["run"] != "chen2019-exact"]
    document["records"] += relations(chen, seeds=(2, 3))["records"]
    found = judged(relations_test=document)["paper-chen"].on_test
    assert found.value == pytest.approx(0.5)
    assert {row.seed for row in found.rows} == {2}


def test_best_is_below_every_peer_and_near_the_ceiling(judged):
    found = judged(peers=[*ALL_PEERS, best(49.0)])
    assert found["best-peers"].state == "met"
    assert found["best-ceiling"].state == "met"
    assert found["best-ceiling"].on_test.value == pytest.approx(49 / 40)
    for key in ("best-peers", "best-ceiling"):  # not their published ones
        assert found[key].on_test.figure.endswith(" (settings `small`)")


def test_best_above_a_peer_or_far_from_the_ceiling_is_missed(judged):
    found = judged(peers=[*ALL_PEERS, best(76.0)])
    assert found["best-peers"].on_test.why == "missed: below it ElePose by 1.0 mm"
    assert found["best-ceiling"].on_test.why == "missed by 0.65 (52 %)"


def test_a_peer_that_is_not_measured_leaves_the_goal_open(judged):
    some = [row for row in ALL_PEERS if row["name"] != "C3DPO"]
    verdict = judged(peers=[*some, best(49.0)])["best-peers"]
    assert (verdict.state, verdict.on_test.why) == ("not settled", "not measured: C3DPO")


def test_no_goal_rests_on_peers_with_smaller_budgets(judged):
    rows = [row | {"windows_seen": 500_000} for row in ALL_PEERS]
    found = judged(peers=[*rows, best(49.0)])
    assert found["best-peers"].state == found["best-ceiling"].state == "not settled"
    assert "ElePose 0.50" in found["best-peers"].on_test.why


def test_of_a_peers_settings_the_best_stand_for_it(judged):
    again = peer("ElePose", 48.0, windows=3_000_000)
    verdict = judged(peers=[*ALL_PEERS, again, best(49.0)])["best-peers"]
    assert verdict.on_test.why == "missed: below it ElePose by 1.0 mm"


def test_smoke_runs_stand_nowhere(judged):
    rows = [row | {"smoke": True} for row in ALL_PEERS]
    assert judged(peers=[*rows, best(49.0)])["best-peers"].on_test is None


def test_peers_and_best_of_different_people_are_not_compared(judged):
    rows = [row | {"judged_on": HELD_OUT} for row in ALL_PEERS]
    verdict = judged(peers=[*rows, best(49.0)])["best-peers"]
    assert verdict.on_test is None
    assert verdict.held_out is None


@pytest.mark.parametrize(("wild", "state"), [(44.0, "met"), (50.0, "missed")])
def test_wild_cameras_are_set_against_the_same_networks_own_figure(judged, wild, state):
    verdict = judged(pretrained=pretrained(40.0, wild))["wild"]
    assert verdict.state == state
    assert {row.seed for row in verdict.on_test.rows} == {0, 1}


def mirror(pitches, errors=(60.0, 140.0), **other):
    run = {"rig": "cmu14", "sampler": "learned", "hidden": "", "guard": True, "commit": "abc"}
    run |= dict(zip(("p_mpjpe", "mirrored"), errors, strict=True)) | other
    runs = [run | {"seed": seed, "pitch": pitch} for seed, pitch in enumerate(pitches)]
    return {"facts": {"held_out": ["S02", "S06"]}, "runs": runs}


def test_ten_seeds_the_right_way_round_on_test_meet_the_goal(judged):
    ten = relations({"posenet3d-exact": (47.0,)}, seeds=range(10))
    assert judged(relations_test=ten)["right-way-round"].state == "met"


def ten_seeds_of_pitch(pitch, measured="test"):
    facts = {"measured": measured, "held_out": ["S02", "S06"]}
    facts["cases"] = [{"name": "steps-2000", "says": "2,000 steps", "steps": 2000, "batch": 64}]
    run = {"case": "steps-2000", "commit": "abc", "p_mpjpe": 50.0, "mirrored": 160.0}
    others = {**run, "case": "steps-300", "seed": 0, "pitch": 17.0}
    return {
        "facts": facts,
        "runs": [*({**run, "seed": seed, "pitch": pitch} for seed in range(10)), others],
    }


def test_ten_seeds_of_the_first_stage_are_read_before_three_of_all_stages(judged):
    late = relations(GOOD | {"posenet3d-exact": (47.0,)}, pitch=15.4)
    found = judged(relations_test=late, pitch_test=ten_seeds_of_pitch(13.9))
    assert found["right-way-round"].state == "met"
    assert "2,000 steps; pitch off by at most 1.2°" in found["right-way-round"].on_test.figure
    beside = found["right-way-round-all-stages"].on_test
    assert beside.why == "missed: pitch by 1.2° too far off"


def test_of_two_benchmarks_of_ten_seeds_the_longer_trainings_are_read(judged):
    found = judged(
        depth_mirror=mirror([17.0] * 10), pitch=ten_seeds_of_pitch(13.9, measured="held out")
    )
    assert found["right-way-round"].held_out.state == "met"
    assert found["right-way-round"].on_test is None


def test_three_seeds_do_not_settle_what_ten_must(judged):
    verdict = judged(relations_test=relations(GOOD))["right-way-round"]
    assert (verdict.state, verdict.on_test.why) == ("not settled", "3 of 10 seeds are measured")


def test_a_mirrored_seed_misses_even_before_there_are_ten(judged):
    document = relations(GOOD)
    document["records"][1]["figures"]["joint"]["mean"]["right_way_round"] = False
    verdict = judged(relations_test=document)["right-way-round"]
    assert verdict.on_test.why == "missed: not the right way round: seeds 1"


def test_small_trainings_show_the_way_round_on_held_out_people_only(judged):
    found = judged(depth_mirror=mirror([12.0] * 9 + [14.5]))["right-way-round"]
    assert found.state == "not settled"
    assert found.held_out.why == "missed: pitch by 0.3° too far off"
    assert judged(depth_mirror=mirror([12.0] * 10))["right-way-round"].held_out.state == "met"
    none = judged(depth_mirror=mirror([12.0] * 10, guard=False))["right-way-round"]
    assert none.held_out is None


def test_a_measurement_told_in_two_files_is_one_row(accuracy, judged, tmp_path):
    document = relations({"posenet3d-exact": (47.0, 4.7)}, seeds=(0,), base="best")
    judged(relations_test=document, peers=[best(47.0), best(48.0, seed=1)])
    rows = accuracy.rows.once(accuracy.rows.read(tmp_path))
    means = [row for row in rows if row.head == "mean"]
    assert [(row.file, row.seed) for row in means] == [
        ("relations_test.json", 0),
        ("peers.json", 1),
    ]
    assert sum(row.kind == "floor" for row in rows) == 1


def test_other_frames_are_refused(judged):
    floor = peer("flat depth", 125.0, kind="floor")
    with pytest.raises(SystemExit, match=r"126.00 in relations_test.json and 125.00 in peers.json"):
        judged(relations_test=relations(GOOD), peers=[floor])


def test_a_trial_with_few_clips_is_refused(judged):
    with pytest.raises(SystemExit, match="a trial with 3 clips"):
        judged(relations_test=relations(GOOD) | {"clips": 3})


def test_windows_are_counted_until_the_stage_that_is_measured(accuracy):
    (record, *_) = relations({"posenet3d": (60.0,)})["records"]
    told = record["config"], record["report"]
    assert accuracy.rows.windows_until(*told, "sja") == 500
    assert accuracy.rows.windows_until(*told, "joint") == 2500


def test_the_page_has_ceilings_on_top_the_floor_at_the_bottom_and_no_people_mixed(
    accuracy, judged, tmp_path
):
    mirrored = peer("C3DPO", 85.0) | {"depth_sign": "negated, chosen by the truth"}
    mirrored["metrics_as_trained"] = {"p_mpjpe": 160.0}
    rows = [*ALL_PEERS[:1], mirrored, best(49.0), best(50.0, seed=1)]
    rows += [peer("flat depth", 126.0, kind="floor"), peer("ElePose", 20.0, judged=HELD_OUT)]
    found = judged(peers=rows)
    page = accuracy.page.render(accuracy.rows.read(tmp_path), list(found.values()), {})
    test, _, held = page.partition("## On held-out training subjects")
    lines = [
        line.split(" | ")[0].strip("| ") for line in test.splitlines() if line.startswith("| ")
    ]
    table = lines[1 : lines.index("goal")]
    assert table == ["VideoPose3D RF 9", "PoseNet3D `best`, mean", "C3DPO", "flat depth"]
    assert "49.5 ± 0.7" in test
    assert "85.0 (160.0)" in test
    assert "20.0" in held
    assert "20.0" not in test


def test_notes_of_missed_goals_stand_on_the_page(accuracy, judged, tmp_path):
    found = judged(relations_test=relations(GOOD | {"no-sja": (50.0,)}))
    notes = accuracy.accuracy.notes_of("# T\n\n## sja\nMore\nsteps.\n\n## wild\nNo.", list(found))
    page = accuracy.page.render(accuracy.rows.read(tmp_path), list(found.values()), notes)
    assert ", detected 2D. More steps." in page
    assert "No." not in page
    with pytest.raises(SystemExit, match="nonsense"):
        accuracy.accuracy.notes_of("\n## nonsense\n", list(found))


def test_the_document_holds_what_the_page_says(accuracy, judged, tmp_path):
    found = judged(peers=[*ALL_PEERS, best(49.0)])
    made = accuracy.page.document(accuracy.rows.read(tmp_path), list(found.values()), "python x")
    assert json.loads(json.dumps(made)) == made
    (goal,) = [each for each in made["goals"] if each["key"] == "best-ceiling"]
    assert goal["test"]["value"] == pytest.approx(1.225)
    assert {row["name"] for row in made["rows"]} >= {"ElePose", "PoseNet3D `best`, mean"}


def test_runs_of_fewer_steps_than_their_presets_say_so(accuracy, judged, tmp_path):
    found = judged(relations_test=relations(GOOD) | {"budget": 0.3})
    assert found["paper-chen"].on_test.figure.endswith("(base `quick`, steps × 0.3)")
    page = accuracy.page.render(accuracy.rows.read(tmp_path), list(found.values()), {})
    assert "| quick, steps × 0.3 |" in page
    judged(relations_test=relations(GOOD) | {"budget": 1.0})
    whole = accuracy.page.render(accuracy.rows.read(tmp_path), [], {})
    assert "| quick |" in whole
    assert "steps ×" not in whole


@pytest.mark.parametrize(
    ("seeds", "ratio"), [((0, 1, 2), 40 / 60), ((0,), 47 / 60)], ids=["as many", "fewer"]
)
def test_of_two_files_the_one_with_most_seeds_is_read_then_the_longest(seeds, ratio, judged):
    whole = relations(GOOD | {"posenet3d-exact": (40.0,)}, seeds=seeds)
    found = judged(
        relations_short_test=relations(GOOD) | {"budget": 0.3},
        relations_test=whole | {"budget": 1.0},
    )
    assert found["paper-chen"].on_test.value == pytest.approx(ratio)
    shortened = "steps × 0.3" in found["paper-chen"].on_test.figure
    assert shortened == (len(seeds) == 1)


def test_what_is_left_of_chens_distance_with_our_views_is_read_beside_the_goal(judged):
    found = judged(relations_test=relations(GOOD | {"chen2019-exact-views": (50.0,)}))
    assert found["paper-chen"].state == "met"
    beside = found["paper-chen-views"]
    assert (beside.state, beside.goal.reads) == ("missed", "paper-chen")
    assert beside.on_test.value == pytest.approx(47 / 50)


def test_relations_of_two_bases_are_not_mixed_and_the_papers_come_first(judged):
    other = relations({"posenet3d-exact": (30.0,), "chen2019-exact": (60.0,)}, base="best")
    found = judged(relations_test=relations(GOOD), relations_best=other)["paper-chen"].on_test
    assert found.value == pytest.approx(47 / 60)
    assert found.figure.endswith("(base `quick`)")
    document = relations(GOOD)
    document["records"] = [r for r in document["records"] if r["run"] != "chen2019-exact"]
    alone = judged(relations_test=document)["paper-chen"].on_test
    assert alone.value == pytest.approx(0.5)
    assert alone.figure.endswith("(base `best`)")
