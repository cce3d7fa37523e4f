"""Readers: labels by folders and by tables, what is refused, and odd names of files."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model.data.readers import read_data
from tests.model.data.drawn_photos import error, labels, picture

# --- what is named ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["zip:a", "labels.csv", "folder", "folder:", "table:", "cars196:", "coco:", ""])
def test_a_wrong_spec_is_answered_with_the_right_ones(spec: str) -> None:
    message = error(spec)
    assert f"'{spec}'" in message
    assert "cars196:DIR, coco:FILE.json, folder:DIR, table:FILE.csv, demo:" in message


def test_no_data_at_all_is_an_error() -> None:
    assert "no data named" in error()


@pytest.mark.parametrize("kind", ["cars196", "coco", "folder", "table"])
def test_what_is_missing_is_an_error_even_when_bad_entries_are_skipped(tmp_path: Path, kind: str) -> None:
    assert error(f"{kind}:{tmp_path}/none", skip_bad=True).endswith("does not exist")


@pytest.mark.parametrize("kind", ["cars196", "folder"])
def test_a_file_in_place_of_a_folder_is_an_error(tmp_path: Path, kind: str) -> None:
    picture(tmp_path / "a.jpg")
    assert "this is a file, not a folder" in error(f"{kind}:{tmp_path}/a.jpg")


# --- folders ---------------------------------------------------------------------------------------------------------


def test_folders_give_coarse_and_fine_classes(tmp_path: Path) -> None:
    root = tmp_path / "my ships"
    for name in ("b/tug/2.png", "b/tug/1.JPG", "b/tug/deep/er/0.webp", "a/one.jpeg", "b/rest.jpg", ".hidden/x/a.jpg"):
        picture(root / name)
    (root / "b" / "tug" / "notes.txt").write_text("no picture")
    (root / "b" / "tug" / "._1.JPG").write_text("no picture either")
    data = read_data([f"folder:{root}"])
    assert labels(data.samples) == [
        ("one.jpeg", "a", None),
        ("rest.jpg", "b", None),
        ("1.JPG", "b", "tug"),
        ("2.png", "b", "tug"),
        ("0.webp", "b", "tug"),
    ]
    assert {sample.source for sample in data.samples} == {"my ships"}
    assert len({sample.group for sample in data.samples}) == 5
    assert all(sample.path.is_absolute() for sample in data.samples)


def test_a_relative_folder_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "set" / "car" / "a.jpg")
    monkeypatch.chdir(tmp_path / "set")
    [sample] = read_data(["folder:."]).samples
    assert sample.path == tmp_path / "set" / "car" / "a.jpg"
    assert sample.source == "set"


def test_an_empty_class_and_a_photo_outside_are_problems(tmp_path: Path) -> None:
    picture(tmp_path / "car" / "van" / "a.jpg")
    picture(tmp_path / "lost.jpg")
    (tmp_path / "car" / "coupe").mkdir()
    (tmp_path / "ship").mkdir()
    assert error(f"folder:{tmp_path}").splitlines() == [
        f"{tmp_path}/lost.jpg: the photo is not in a class folder",
        f"{tmp_path}/car/coupe: this class has no photos",
        f"{tmp_path}/ship: this class has no photos",
    ]
    data = read_data([f"folder:{tmp_path}"], skip_bad=True)
    assert labels(data.samples) == [("a.jpg", "car", "van")]
    assert len(data.skipped) == 3


def test_a_folder_without_class_folders_is_an_error(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    assert "it has no class folders" in error(f"folder:{tmp_path}", skip_bad=True)


def test_a_class_under_two_types_names_both_and_where(tmp_path: Path) -> None:
    picture(tmp_path / "boat" / "yacht" / "1.jpg")
    picture(tmp_path / "sail" / "yacht" / "2.jpg")
    message = error(f"folder:{tmp_path}")
    assert message == (
        f"{tmp_path}/sail/yacht/2.jpg: class 'yacht' has the type 'sail', "
        f"but the type 'boat' at {tmp_path}/boat/yacht/1.jpg"
    )
    data = read_data([f"folder:{tmp_path}"], skip_bad=True)
    assert labels(data.samples) == [("1.jpg", "boat", "yacht")]
    assert data.skipped == (message,)


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """Writes labels.csv beside the pictures a.jpg to e.jpg of 20 x 10 pixels."""
    for letter in "abcde":
        picture(tmp_path / "images" / f"{letter}.jpg")

    def write(text: str, encoding: str = "utf-8") -> str:
        (tmp_path / "labels.csv").write_text(text, encoding=encoding, newline="")
        return f"table:{tmp_path}/labels.csv"

    return write


def table_error(table: Callable[..., str], text: str, **how: Any) -> str:
    """The message, without the folder."""
    spec = table(text)
    return error(spec, **how).replace(spec.removeprefix("table:").removesuffix("labels.csv"), "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_with_everything_is_read(
    table: Callable[..., str], tmp_path: Path, encoding: str, newline: str
) -> None:
    lines = [
        " file ,coarse,fine,group,source,x1,y1,x2,y2,length,year,colour,empty",
        'images/a.jpg,ship,"tug, große",s1,web,1,2,8,9,31.5,1999,red,',
        "",
        "images/b.jpg, ship ,,,,,,,,,2001,7,",
        'images/c.jpg,ship,"two\nlines",,,-5,0.4,90,9.6,1e2,,x,',
        ",,,,,,,,,,,,",
        "images/d.jpg,car,,,,,,,,nan,,,",
    ]
    first, second, third, fourth = read_data([table(newline.join(lines), encoding)]).samples
    assert (first.path, first.coarse, first.fine) == (tmp_path / "images" / "a.jpg", "ship", "tug, große")
    assert (first.group, first.source, first.box) == ("s1", "web", (1, 2, 8, 9))
    assert first.attributes == {"length": 31.5, "year": 1999.0}
    assert (second.coarse, second.fine, second.source, second.box) == ("ship", None, "labels", None)
    assert second.attributes == {"year": 2001.0}
    assert (third.box, third.attributes) == ((0, 0, 20, 10), {"length": 100.0})
    assert fourth.attributes == {}
    assert [s.origin.rpartition(":")[2] for s in (first, second, third, fourth)] == ["2", "4", "5", "8"]
    assert len({s.group for s in (first, second, third, fourth)}) == 4


def test_file_and_coarse_are_enough_and_absolute_paths_are_taken(table: Callable[..., str], tmp_path: Path) -> None:
    data = read_data([table(f"coarse,file\ncar,images/a.jpg\ncar,{tmp_path}/images/b.jpg\n")])
    assert [sample.path.name for sample in data.samples] == ["a.jpg", "b.jpg"]
    assert all(sample.fine is None and sample.box is None and not sample.attributes for sample in data.samples)


def test_objects_of_one_photo_stay_in_one_group(table: Callable[..., str]) -> None:
    text = "file,coarse,x1,y1,x2,y2\nimages/a.jpg,car,0,0,5,5\nimages/a.jpg,ship,5,5,9,9\nimages/b.jpg,car,0,0,5,5\n"
    first, second, other = read_data([table(text)]).samples
    assert first.group == second.group != other.group


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "labels.csv: the file is empty; its first line must name the columns file, coarse"),
        ("file,coarse\n", "labels.csv: there are no rows below the column names"),
        ("name,coarse\na,b\n", "labels.csv: column 'file' is missing; the columns are: name, coarse"),
        ("file,type\na,b\n", "labels.csv: column 'coarse' is missing; the columns are: file, type"),
        ("file,coarse,file\na,b,c\n", "labels.csv: column 'file' occurs twice"),
        ("file,coarse,x1,y2\na,b,1,2\n", "labels.csv: a box needs the columns x1, y1, x2 and y2; there is only x1, y2"),
        ('file,coarse\nimages/a.jpg,"car\n', "labels.csv:2: not a comma-separated file (unexpected end of data)"),
    ],
)
def test_a_table_that_is_none_is_an_error_in_any_case(table: Callable[..., str], text: str, message: str) -> None:
    assert table_error(table, text, skip_bad=True) == message


def test_a_table_in_another_encoding_says_so(table: Callable[..., str]) -> None:
    assert "labels.csv:2: the file is not in UTF-8; save it" in error(table("file,coarse\nGröße.jpg,car\n", "latin-1"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("images/b.jpg,,,,,,", "labels.csv:3: column 'coarse' is empty"),
        (" ,car,,,,,", "labels.csv:3: column 'file' is empty"),
        ("images/b.jpg,car", "labels.csv:3: 2 values, but 7 columns"),
        ("images/b.jpg,car,,,,,,,", "labels.csv:3: 9 values, but 7 columns"),
        ("images/z.jpg,car,,,,,", "labels.csv:3: images/z.jpg: the file does not exist"),
        ("labels.csv,car,,,,,", "labels.csv:3: labels.csv: not a picture in a format this program reads"),
        ("images,car,,,,,", "labels.csv:3: images: this is a folder, not a picture"),
        ("images/b.jpg,car,,1,2,x,4", "labels.csv:3: column 'x2' of the box is not a number ('x')"),
        ("images/b.jpg,car,,1,,3,4", "labels.csv:3: column 'y1' of the box is not a number ('')"),
        ("images/b.jpg,car,,1,2,inf,4", "labels.csv:3: column 'x2' of the box is not a number ('inf')"),
        ("images/b.jpg,car,,5,2,5,4", "labels.csv:3: the box 5, 2, 5, 4 has no area; x2 and y2 must be larger"),
        (
            "images/b.jpg,car,,30,2,40,4",
            "labels.csv:3: box (30, 2, 40, 4) holds no part of b.jpg (20 x 10 pixels)",
        ),
        (
            "images/a.jpg,ship,tug,,,,",
            "labels.csv:3: a.jpg is already listed at labels.csv:2 as car/van, here as ship/tug",
        ),
        ("images/a.jpg,car,van,,,,", "labels.csv:3: a.jpg is already listed at labels.csv:2 as car/van"),
        (
            "images/b.jpg,ship,van,,,,",
            "labels.csv:3: class 'van' has the type 'ship', but the type 'car' at labels.csv:2",
        ),
    ],
)
def test_a_bad_row_is_named_or_passed_over(table: Callable[..., str], row: str, message: str) -> None:
    text = f"file,coarse,fine,x1,y1,x2,y2\nimages/a.jpg,car,van,,,,\n{row}\nimages/c.jpg,car,van,,,,\n"
    assert table_error(table, text) == message
    data = read_data([table(text)], skip_bad=True)
    assert [sample.path.name for sample in data.samples] == ["a.jpg", "c.jpg"]
    assert len(data.skipped) == 1


def test_boxes_are_clipped_to_the_upright_picture(table: Callable[..., str], tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "images" / "turned.jpg", size=(20, 10), exif=exif)
    [sample] = read_data([table("file,coarse,x1,y1,x2,y2\nimages/turned.jpg,car,0,0,99,99\n")]).samples
    assert sample.box == (0, 0, 10, 20)


def test_an_unreadable_picture_is_named(table: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "images" / "b.jpg").write_bytes(b"")
    assert table_error(table, "file,coarse\nimages/b.jpg,car\n").endswith("images/b.jpg: the file is empty")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_a_file_name_in_no_encoding_is_a_problem_of_its_row(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "car" / "a.jpg")
    picture(tmp_path / "set" / "car" / os.fsdecode(b"\xff.jpg"))
    data = read_data([f"folder:{tmp_path}/set"], skip_bad=True)
    assert labels(data.samples) == [("a.jpg", "car", None)]
    assert "rename the file" in data.skipped[0]
    data.skipped[0].encode()


def test_of_many_problems_a_few_are_shown_and_the_rest_counted(table: Callable[..., str]) -> None:
    message = table_error(table, "file,coarse\n" + "".join(f"images/{i}.jpg,car\n" for i in range(17)))
    assert message.splitlines() == [
        *(f"labels.csv:{i + 2}: images/{i}.jpg: the file does not exist" for i in range(5)),
        "and 12 more",
    ]


def test_nothing_left_is_an_error(table: Callable[..., str]) -> None:
    message = table_error(table, "file,coarse\nimages/y.jpg,car\nimages/z.jpg,car\n", skip_bad=True)
    assert message.splitlines()[0].startswith("no usable photo in table:")
    assert len(message.splitlines()) == 3


def test_several_specs_are_read_in_their_order(table: Callable[..., str], tmp_path: Path) -> None:
    picture(tmp_path / "set" / "car" / "van" / "z.jpg")
    spec = table("file,coarse,fine\nimages/b.jpg,ship,tug\nimages/a.jpg,ship,tug\n")
    data = read_data([f"folder:{tmp_path}/set", spec])
    assert [sample.path.name for sample in data.samples] == ["z.jpg", "b.jpg", "a.jpg"]
    assert [sample.source for sample in data.samples] == ["set", "labels", "labels"]


def test_a_contradiction_between_two_specs_is_found(table: Callable[..., str], tmp_path: Path) -> None:
    picture(tmp_path / "set" / "car" / "van" / "z.jpg")
    message = error(f"folder:{tmp_path}/set", table("file,coarse,fine\nimages/b.jpg,ship,van\n"))
    assert "class 'van' has the type 'ship', but the type 'car'" in message


# --- odd names -------------------------------------------------------------------------------------------------------

ODD_NAMES = [" a.jpg", "b.jpg ", "two\nlines.jpg", "tab\t.jpg", 'quo"te.jpg', "com,ma.jpg", "A.JPG", "a.jpg", "é.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_in_a_table_are_the_names_of_the_files(tmp_path: Path) -> None:
    names = [*ODD_NAMES, "e\N{COMBINING ACUTE ACCENT}.jpg"]
    for name in names:
        picture(tmp_path / name, format="JPEG")
    with (tmp_path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "coarse"), *((name, "car") for name in names)])
    assert [sample.path.name for sample in read_data([f"table:{tmp_path}/labels.csv"]).samples] == names


def test_spaces_around_a_name_in_a_table_may_be_carelessness(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    (tmp_path / "labels.csv").write_text("file,coarse\n a.jpg , car \n")
    assert labels(read_data([f"table:{tmp_path}/labels.csv"]).samples) == [("a.jpg", "car", None)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_is_not_utf8_costs_that_photo_alone(tmp_path: Path) -> None:
    for name in ("a.jpg", "b\udce9.jpg"):
        picture(tmp_path / "car" / name)
    data = read_data([f"folder:{tmp_path}"], skip_bad=True)
    (tmp_path / "labels.csv").write_bytes(b"file,coarse\ncar/a.jpg,car\ncar/b\xe9.jpg,car\ncar/gone\xe9.jpg,car\n")
    table = read_data([f"table:{tmp_path}/labels.csv"], skip_bad=True)
    assert labels(data.samples) == labels(table.samples) == [("a.jpg", "car", None)]
    assert "not in the system's encoding; rename the file" in data.skipped[0]
    assert ["rename" in data.skipped[0], "CSV UTF-8" in table.skipped[0], "rename" in table.skipped[1]] == [True] * 3


def test_other_text_that_is_not_utf8_is_reported_with_its_line(table: Callable[..., str]) -> None:
    for line in (b"images/a.jpg,Stra\xdfe", b"images/a.jpg,car,\xfc"):
        spec = table("file,coarse,fine\n")
        with Path(spec.removeprefix("table:")).open("ab") as file:
            file.write(b"images/b.jpg,car,\n" + line)
        assert "labels.csv:3: the file is not in UTF-8; save it as CSV UTF-8" in error(spec)
