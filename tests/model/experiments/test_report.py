import csv
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model.contract.samples import DataError
from model.experiments.comparison import MeasuredCell, SeedRun, compare, compare_all, holm, interval, read_cells
from model.experiments.plots import to_class_means
from model.experiments.report import write_report

RANDOM = [0.610, 0.622, 0.601, 0.615, 0.608]
AWARE = [0.652, 0.660, 0.645, 0.661, 0.643]
SAME = [0.612, 0.619, 0.603, 0.612, 0.610]


def cell(name: str, values: Sequence[float | None], seeds: Sequence[int] | None = None) -> MeasuredCell:
    seeds = range(len(values)) if seeds is None else seeds
    runs = tuple(
        SeedRun(seed, {} if value is None else {"recall_1": value}, False)
        for seed, value in zip(seeds, values, strict=True)
    )
    return MeasuredCell(name, {}, runs, {"cell": name})


def run(name: str, seed: int | str, recall: float | str, **more: object) -> dict[str, object]:
    return {"cell": name, "seed": seed, "recall_1": recall, "collapsed": 0, **more}


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def grid() -> list[dict[str, object]]:
    """Three rules, two cost forms, two dimensions; five seeds each."""
    rows = []
    for form, dimension in itertools.product(("hinge", "global|ratio"), (64, 128)):
        for rule, values in (("random", RANDOM), ("class_aware", AWARE), ("hard", SAME)):
            for seed, value in enumerate(values):
                varied = {"loss.rule": rule, "loss.form": form, "network.embedding_dim": dimension}
                other = {"map_at_r": 0.31, "severity": 1.25, "nmi": "", "step_ms": 40 + seed, "selection_ms": 2.5}
                name = f"{rule} / {form} / {dimension}"
                rows.append(run(name, seed, value, **varied, **other))
    rows[0]["collapsed"] = 1
    return rows


def random_of_its_form(row: Mapping[str, str]) -> list[str]:
    return [f"random / {row['loss.form']} / {row['network.embedding_dim']}"]


VARIED = ["loss.rule", "loss.form", "network.embedding_dim"]


def test_holm_agrees_with_a_calculation_by_hand() -> None:
    # sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04 -> the last is lifted to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_and_keeps_the_order(p: list[float]) -> None:
    corrected = holm(p)
    assert all(raw <= new <= 1 for raw, new in zip(p, corrected, strict=True))
    for (raw, new), (other_raw, other_new) in itertools.combinations(zip(p, corrected, strict=True), 2):
        if raw < other_raw:
            assert new <= other_new
        elif raw == other_raw:
            assert new == other_new


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_rejects_as_the_step_down_procedure_does(p: list[float]) -> None:
    rejected = set()
    for index in sorted(range(len(p)), key=lambda i: p[i]):
        if p[index] * (len(p) - len(rejected)) >= 0.05:
            break
        rejected.add(index)
    assert {index for index, value in enumerate(holm(p)) if value < 0.05} == rejected


def test_the_interval_agrees_with_scipy() -> None:
    mean, half = interval(RANDOM)
    low, high = stats.t.interval(0.95, len(RANDOM) - 1, loc=np.mean(RANDOM), scale=stats.sem(RANDOM))
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_one_value_or_none_has_no_interval() -> None:
    assert interval([0.5])[0] == 0.5
    assert math.isnan(interval([0.5])[1])
    assert all(math.isnan(value) for value in interval([]))


def test_paired_tests_agree_with_scipy_and_with_all_signs() -> None:
    found = compare(cell("aware", AWARE), cell("random", RANDOM))
    paired = stats.ttest_rel(AWARE, RANDOM)
    low, high = paired.confidence_interval()
    assert found.p_t == pytest.approx(paired.pvalue)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))
    # the signed-rank test by its definition: rank sums over all 2^5 choices of signs
    differences = np.array(SAME) - np.array(RANDOM) + 1e-4 * np.arange(5)
    found = compare(cell("same", list(np.array(RANDOM) + differences)), cell("random", RANDOM))
    ranks = stats.rankdata(abs(differences))
    centre = ranks.sum() / 2
    seen = abs(ranks[differences > 0].sum() - centre)
    sums = [abs(np.dot(signs, ranks) - centre) for signs in itertools.product((0, 1), repeat=5)]
    assert found.p_wilcoxon == pytest.approx(np.mean([value >= seen - 1e-9 for value in sums]))


def test_less_severity_is_better() -> None:
    def runs(name: str, values: Sequence[float]) -> MeasuredCell:
        return MeasuredCell(
            name, {}, tuple(SeedRun(i, {"severity": v}, False) for i, v in enumerate(values)), {"cell": name}
        )

    (found,) = compare_all([runs("a", [1.2, 1.22, 1.21]), runs("b", [1.5, 1.51, 1.52])], lambda _: ["b"], "severity")
    assert found.mean < 0 and found.verdict == "better"


def test_only_common_seeds_are_paired() -> None:
    found = compare(cell("a", [0.7, 0.6, 0.65, None], [1, 2, 3, 4]), cell("b", [0.5, 0.5, 0.4], [2, 3, 4]))
    assert found.seeds == (2, 3)
    assert found.unpaired == (1, 4)
    assert found.mean == pytest.approx(statistics.fmean([0.1, 0.15]))


def test_one_common_seed_tests_nothing() -> None:
    (found,) = compare_all([cell("a", [0.7, 0.9], [1, 2]), cell("b", [0.5], [1])], lambda _: ["b"])
    assert found.verdict == "not tested: fewer than two common seeds"
    assert math.isnan(found.p_t)
    assert math.isnan(found.half)


def test_differences_without_spread_give_no_certainty() -> None:
    (found,) = compare_all([cell("a", [0.3, 0.4, 0.5]), cell("b", [0.1, 0.2, 0.3])], lambda _: ["b"])
    assert found.verdict == "not tested: every seed has the same difference"
    assert math.isnan(found.half)
    (found,) = compare_all([cell("a", RANDOM), cell("b", RANDOM)], lambda _: ["b"])
    assert (found.p_t, found.verdict) == (1.0, "not distinguishable")


def test_verdicts_follow_the_corrected_p() -> None:
    cells = [cell("random", RANDOM), cell("aware", AWARE), cell("same", SAME), cell("bad", [v - 0.1 for v in SAME])]
    found = {c.cell: c for c in compare_all(cells, lambda _: ["random"])}
    assert {name: c.verdict for name, c in found.items()} == {
        "aware": "better",
        "same": "not distinguishable",
        "bad": "worse",
    }
    assert [found[name].holm_t for name in found] == pytest.approx(holm([found[name].p_t for name in found]))
    # a raw p of 0.02 to 0.05 alone is a difference; among three copies of it no longer
    weak = [value + step for value, step in zip(RANDOM, (0.01, 0.002, 0.013, 0.004, 0.009), strict=True)]
    (alone,) = compare_all([cell("random", RANDOM), cell("weak", weak)], lambda _: ["random"])
    assert 0.05 / 3 < alone.p_t < 0.05
    assert alone.verdict == "better"
    three = compare_all([cell("random", RANDOM), *(cell(f"weak{i}", weak) for i in range(3))], lambda _: ["random"])
    assert {c.verdict for c in three} == {"not distinguishable"}


def test_a_grid_gets_a_report(tmp_path: Path) -> None:
    write(tmp_path / "runs.csv", grid())
    curves = [
        {"cell": name, "seed": seed, "epoch": epoch, "recall_1": 0.1 * epoch + 0.01 * seed, "d_plus": epoch / 8 + seed}
        for name, seed, epoch in itertools.product(
            ("random / hinge / 64", "hard / hinge / 64", "$x_"), (0, 1), (1, 2, 10)
        )
    ]
    write(tmp_path / "curves.csv", curves)
    points = np.random.default_rng(0).normal(size=(60, 2))
    fine = np.arange(60) % 12
    np.savez(tmp_path / "map.npz", points=points, coarse=fine % 3, fine=fine, title="random / hinge, seed 0")
    path = write_report(tmp_path, title="Rules", baselines_of=random_of_its_form, varied=VARIED)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Rules"
    assert "| cell | seeds | R@1 (%), mean ± SD | 95 % interval | collapsed | ms a step | ms selection |" in lines
    assert "| cell | mAP@R (%) | severity |" in lines  # nmi is empty everywhere, seconds is not there
    head = "| cell | baseline | common seeds | difference | 95 % interval | p (t) | p (t, Holm) | p (Wilcoxon) |"
    assert any(line.startswith(head) for line in lines)
    assert [line for line in lines if line.startswith("## ")] == [
        "## Results",
        "## Other figures, means over seeds",
        "## Differences of R@1 from the baselines",
        "## Differences of severity from the baselines",
        "## Quadruplets in the last epoch",
        "## Plots",
    ]
    i = lines.index("| cell | D(R,P+) |")
    assert "| random / hinge / 64 | 1.750 |" in lines[i : i + 4]
    assert "8 of 8 comparisons" in lines[2]
    assert "4 better than their baseline, 0 worse, 4 not distinguishable" in lines[2]
    mean = 100 * (statistics.fmean(AWARE) - statistics.fmean(RANDOM))
    said = f"- **class_aware / hinge / 64** is better than random / hinge / 64 by {mean:.2f} points"
    assert any(line.startswith(said) for line in lines[3:10])
    recall = f"{100 * statistics.fmean(RANDOM):.2f} ± {100 * statistics.stdev(RANDOM):.2f}"
    row = next(line for line in lines if line.startswith("| random / hinge / 64 |"))
    assert f"| 5 | {recall} |" in row
    assert row.endswith("| 1 of 5 | 42.00 | 2.50 |")
    assert any(r"global\|ratio" in line for line in lines)
    for name in ("differences.svg", "curves.svg", "dimensions.svg"):
        assert f"]({name})" in path.read_text(encoding="utf-8")
        assert b"<svg" in (tmp_path / name).read_bytes()[:1000]
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert not list(tmp_path.glob("*.part"))


def test_a_report_may_begin_with_another_figure(tmp_path: Path) -> None:
    rows = [
        run(name, seed, 0.5 + sign * 0.01 * seed, fine_accuracy=0.6 - sign * (0.1 + 0.01 * seed))
        for name, sign in (("random", 1), ("aware", -1))
        for seed in range(3)
    ]
    write(tmp_path / "runs.csv", rows)
    how: dict[str, Any] = {"title": "T", "baselines_of": lambda _: ["random"], "varied": []}
    text = write_report(tmp_path, **how, figure="fine_accuracy").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert "1 of 1 comparisons of class right" in lines[2] and "1 better" in lines[2]
    rows_of = [line.split(" | ")[0] for line in lines[lines.index("## Results") :] if line.startswith("| ")]
    assert rows_of[:4] == ["| cell", "| ---", "| aware", "| random"]  # the best by this figure first
    headings = [line for line in lines if line.startswith("## Differences")]
    assert headings == ["## Differences of class right from the baselines", "## Differences of R@1 from the baselines"]
    assert "Difference of class right from" in text and (tmp_path / "differences.svg").is_file()


def test_the_same_table_gives_the_same_files(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write(folder / "runs.csv", grid())
        write_report(folder, title="Rules", baselines_of=lambda _: ["random / hinge / 64"], varied=VARIED)
    for name in ("report.md", "differences.svg", "dimensions.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_missing_seeds_and_figures_are_said(tmp_path: Path) -> None:
    rows = [run("random", seed, value) for seed, value in enumerate(RANDOM)]
    rows += [run("aware", 0, AWARE[0]), run("aware", 1, "nan"), run("aware", 3, AWARE[3]), run("lost", 2, "")]
    write(tmp_path / "runs.csv", rows)
    text = write_report(tmp_path, title="T", baselines_of=lambda _: ["random"], varied=[]).read_text(encoding="utf-8")
    assert "- aware: no R@1 for seeds 1, 2, 4" in text
    assert "- aware and random: seeds 1, 2, 4" in text
    assert "| lost | 0 | — | — | 0 of 1 | — | — |" in text
    assert "Not tested: lost against random." in text
    assert "nan" not in text


def test_single_seed_says_that_nothing_can_be_tested(tmp_path: Path) -> None:
    write(tmp_path / "runs.csv", [run("random", 0, 0.6), run("aware", 0, 0.9)])
    text = write_report(tmp_path, title="T", baselines_of=lambda _: ["random"], varied=[]).read_text(encoding="utf-8")
    assert "Nothing can be tested" in text
    assert "0 of 1 comparisons" in text
    assert "is better" not in text
    assert (tmp_path / "differences.svg").exists()


def test_the_rule_sees_the_whole_row_and_settings_may_be_unset(tmp_path: Path) -> None:
    dimension = "network.embedding_dim"
    rows = [run("x / raw", seed, value, axis="raw", **{dimension: ""}) for seed, value in enumerate(RANDOM)]
    for size in (32, 64):
        rows += [run(f"x / {size}", seed, v, axis=size, **{dimension: size}) for seed, v in enumerate(AWARE)]
    write(tmp_path / "runs.csv", rows)
    path = write_report(
        tmp_path,
        title="T",
        baselines_of=lambda row: [] if row["axis"] == "64" else ["x / raw"],
        varied=[dimension, dimension],
    )
    text = path.read_text(encoding="utf-8")
    assert "1 of 1 comparisons" in text
    assert text.count(f"- `{dimension}`: 32, 64, not set") == 1
    assert (tmp_path / "dimensions.svg").exists()


def test_a_baseline_without_a_run_does_not_stop_the_report(tmp_path: Path) -> None:
    write(tmp_path / "runs.csv", [run("aware", 0, 0.9), run("aware", 1, 0.8)])
    text = write_report(tmp_path, title="T", baselines_of=lambda _: ["random"], varied=[]).read_text(encoding="utf-8")
    assert "Not tested: aware against random." in text
    assert not (tmp_path / "differences.svg").exists()


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (run("a", 0, 0.5, rule="x"), "seed 0 twice"),
        (run("a", 1, 0.5, rule="y"), "other settings"),
        (run("a", 1, "high", rule="x"), "recall_1 is 'high'"),
        (run("a", "one", 0.5, rule="x"), "not a whole number"),
        ({**run("a", 1, 0.5, rule="x"), "collapsed": "no"}, "must be 0 or 1"),
    ],
)
def test_bad_rows_are_named(
    tmp_path: Path, second: dict[str, str | float] | dict[str, str | int], message: str
) -> None:
    write(tmp_path / "runs.csv", [run("a", 0, 0.5, rule="x"), second])
    with pytest.raises(DataError, match=message) as error:
        read_cells(tmp_path / "runs.csv", ["rule"])
    assert "runs.csv:3" in str(error.value)


def test_bad_map_and_bad_dimension_are_named(tmp_path: Path) -> None:
    write(tmp_path / "runs.csv", grid())
    np.savez(tmp_path / "map.npz", points=np.zeros((3, 3)), coarse=np.zeros(3), fine=np.zeros(3), title="t")
    with pytest.raises(DataError, match=r"shape \[N, 2\]"):
        write_report(tmp_path, title="T", baselines_of=random_of_its_form, varied=VARIED)
    (tmp_path / "map.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="not a map"):
        write_report(tmp_path, title="T", baselines_of=random_of_its_form, varied=VARIED)
    assert not (tmp_path / "report.md").exists()
    rows = grid()
    for row in rows[:5]:
        row["network.embedding_dim"] = "wide"
    write(tmp_path / "runs.csv", rows)
    with pytest.raises(DataError, match="must be a positive number"):
        write_report(tmp_path, title="T", baselines_of=random_of_its_form, varied=VARIED)


def test_lines_lead_to_the_mean_of_the_class_and_none_from_photos_without_one() -> None:
    points = np.array([[0.0, 0.0], [9.0, 9.0], [2.0, 4.0], [5.0, 1.0]])
    lines = to_class_means(points, np.array(["TL", "", "TL", "RDX"]))
    assert np.array_equal(lines, [[[0, 0], [1, 2]], [[2, 4], [1, 2]], [[5, 1], [5, 1]]])
    assert to_class_means(points, np.array([""] * 4)) == []
