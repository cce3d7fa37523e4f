import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from model.contract.samples import DataError
from model.data.body_types import BODY_TYPES, body_type
from model.data.readers import read_data
from tests.real_photos import REAL_PHOTOS as DATA


def picture(path, size=(20, 10), **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 60, 30)).save(path, **how)
    return path


def labels(samples):
    return [(sample.path.name, sample.coarse, sample.fine) for sample in samples]


def error(*specs, **how):
    with pytest.raises(DataError) as caught:
        read_data(specs, **how)
    return str(caught.value)


# --- what is named ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["zip:a", "labels.csv", "folder", "folder:", "table:", "cars196:", ""])
def test_a_wrong_spec_is_told_the_right_ones(spec):
    message = error(spec)
    assert f"'{spec}'" in message
    assert "cars196:DIR, folder:DIR, table:FILE.csv, demo:" in message


def test_no_data_at_all_is_an_error():
    assert "no data named" in error()


@pytest.mark.parametrize("kind", ["cars196", "folder", "table"])
def test_what_is_missing_is_an_error_even_when_bad_entries_are_skipped(tmp_path, kind):
    assert error(f"{kind}:{tmp_path}/none", skip_bad=True).endswith("does not exist")


@pytest.mark.parametrize("kind", ["cars196", "folder"])
def test_a_file_in_place_of_a_folder_is_an_error(tmp_path, kind):
    picture(tmp_path / "a.jpg")
    assert "this is a file, not a folder" in error(f"{kind}:{tmp_path}/a.jpg")


# --- folders ---------------------------------------------------------------------------------------------------------


def test_folders_give_coarse_and_fine_classes(tmp_path):
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


def test_a_relative_folder_gives_absolute_paths(tmp_path, monkeypatch):
    picture(tmp_path / "set" / "car" / "a.jpg")
    monkeypatch.chdir(tmp_path / "set")
    [sample] = read_data(["folder:."]).samples
    assert sample.path == tmp_path / "set" / "car" / "a.jpg"
    assert sample.source == "set"


def test_an_empty_class_and_a_photo_outside_are_problems(tmp_path):
    picture(tmp_path / "car" / "van" / "a.jpg")
    picture(tmp_path / "lost.jpg")
    (tmp_path / "car" / "coupe").mkdir()
    (tmp_path / "ship").mkdir()
    assert error(f"folder:{tmp_path}").splitlines() == [
        f"{tmp_path}/lost.jpg: the photo lies outside of any class folder",
        f"{tmp_path}/car/coupe: there is no photo of this class",
        f"{tmp_path}/ship: there is no photo of this class",
    ]
    data = read_data([f"folder:{tmp_path}"], skip_bad=True)
    assert labels(data.samples) == [("a.jpg", "car", "van")]
    assert len(data.skipped) == 3


def test_a_folder_without_class_folders_is_an_error(tmp_path):
    picture(tmp_path / "a.jpg")
    assert "there is no class folder" in error(f"folder:{tmp_path}", skip_bad=True)


def test_a_class_under_two_types_names_both_and_where(tmp_path):
    picture(tmp_path / "boat" / "yacht" / "1.jpg")
    picture(tmp_path / "sail" / "yacht" / "2.jpg")
    message = error(f"folder:{tmp_path}")
    assert message == (
        f"{tmp_path}/sail/yacht/2.jpg: fine class 'yacht' is under 'sail', "
        f"but under 'boat' at {tmp_path}/boat/yacht/1.jpg"
    )
    data = read_data([f"folder:{tmp_path}"], skip_bad=True)
    assert labels(data.samples) == [("1.jpg", "boat", "yacht")]
    assert data.skipped == (message,)


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    """Writes labels.csv beside the pictures a.jpg to e.jpg of 20 x 10 pixels."""
    for letter in "abcde":
        picture(tmp_path / "images" / f"{letter}.jpg")

    def write(text, encoding="utf-8"):
        (tmp_path / "labels.csv").write_text(text, encoding=encoding, newline="")
        return f"table:{tmp_path}/labels.csv"

    return write


def table_error(table, text, **how):
    """The message, without the folder."""
    spec = table(text)
    return error(spec, **how).replace(spec.removeprefix("table:").removesuffix("labels.csv"), "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_with_everything(table, tmp_path, encoding, newline):
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


def test_file_and_coarse_are_enough_and_absolute_paths_are_taken(table, tmp_path):
    data = read_data([table(f"coarse,file\ncar,images/a.jpg\ncar,{tmp_path}/images/b.jpg\n")])
    assert [sample.path.name for sample in data.samples] == ["a.jpg", "b.jpg"]
    assert all(sample.fine is None and sample.box is None and not sample.attributes for sample in data.samples)


def test_objects_of_one_photo_stay_in_one_group(table):
    text = "file,coarse,x1,y1,x2,y2\nimages/a.jpg,car,0,0,5,5\nimages/a.jpg,ship,5,5,9,9\nimages/b.jpg,car,0,0,5,5\n"
    first, second, other = read_data([table(text)]).samples
    assert first.group == second.group != other.group


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "labels.csv: the file is empty; its first line must name the columns file, coarse"),
        ("file,coarse\n", "labels.csv: there is no row beneath the column names"),
        ("name,coarse\na,b\n", "labels.csv: column 'file' is missing; the columns are: name, coarse"),
        ("file,type\na,b\n", "labels.csv: column 'coarse' is missing; the columns are: file, type"),
        ("file,coarse,file\na,b,c\n", "labels.csv: column 'file' occurs twice"),
        ("file,coarse,x1,y2\na,b,1,2\n", "labels.csv: a box needs the columns x1, y1, x2 and y2; there is only x1, y2"),
        ('file,coarse\nimages/a.jpg,"car\n', "labels.csv:2: not a comma-separated file (unexpected end of data)"),
    ],
)
def test_a_table_that_is_none_is_an_error_in_any_case(table, text, message):
    assert table_error(table, text, skip_bad=True) == message


def test_a_table_in_another_encoding_says_so(table):
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
        ("images/b.jpg,car,,1,2,x,4", "labels.csv:3: column 'x2' of the box holds no number ('x')"),
        ("images/b.jpg,car,,1,,3,4", "labels.csv:3: column 'y1' of the box holds no number ('')"),
        ("images/b.jpg,car,,1,2,inf,4", "labels.csv:3: column 'x2' of the box holds no number ('inf')"),
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
            "labels.csv:3: fine class 'van' is under 'ship', but under 'car' at labels.csv:2",
        ),
    ],
)
def test_a_bad_row_is_named_or_passed_over(table, row, message):
    text = f"file,coarse,fine,x1,y1,x2,y2\nimages/a.jpg,car,van,,,,\n{row}\nimages/c.jpg,car,van,,,,\n"
    assert table_error(table, text) == message
    data = read_data([table(text)], skip_bad=True)
    assert [sample.path.name for sample in data.samples] == ["a.jpg", "c.jpg"]
    assert len(data.skipped) == 1


def test_boxes_are_clipped_to_the_upright_picture(table, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "images" / "turned.jpg", size=(20, 10), exif=exif)
    [sample] = read_data([table("file,coarse,x1,y1,x2,y2\nimages/turned.jpg,car,0,0,99,99\n")]).samples
    assert sample.box == (0, 0, 10, 20)


def test_an_unreadable_picture_is_named(table, tmp_path):
    (tmp_path / "images" / "b.jpg").write_bytes(b"")
    assert table_error(table, "file,coarse\nimages/b.jpg,car\n").endswith("images/b.jpg: the file is empty")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_a_file_name_in_no_encoding_is_a_problem_of_its_row(tmp_path):
    picture(tmp_path / "set" / "car" / "a.jpg")
    picture(tmp_path / "set" / "car" / os.fsdecode(b"\xff.jpg"))
    data = read_data([f"folder:{tmp_path}/set"], skip_bad=True)
    assert labels(data.samples) == [("a.jpg", "car", None)]
    assert "rename the file" in data.skipped[0]
    data.skipped[0].encode()


def test_of_many_problems_a_few_are_shown_and_the_rest_counted(table):
    message = table_error(table, "file,coarse\n" + "".join(f"images/{i}.jpg,car\n" for i in range(17)))
    assert message.splitlines() == [
        *(f"labels.csv:{i + 2}: images/{i}.jpg: the file does not exist" for i in range(5)),
        "and 12 more",
    ]


def test_nothing_left_is_an_error(table):
    message = table_error(table, "file,coarse\nimages/y.jpg,car\nimages/z.jpg,car\n", skip_bad=True)
    assert message.splitlines()[0].startswith("no usable photo in table:")
    assert len(message.splitlines()) == 3


def test_several_specs_are_read_in_their_order(table, tmp_path):
    picture(tmp_path / "set" / "car" / "van" / "z.jpg")
    spec = table("file,coarse,fine\nimages/b.jpg,ship,tug\nimages/a.jpg,ship,tug\n")
    data = read_data([f"folder:{tmp_path}/set", spec])
    assert [sample.path.name for sample in data.samples] == ["z.jpg", "b.jpg", "a.jpg"]
    assert [sample.source for sample in data.samples] == ["set", "labels", "labels"]


def test_a_contradiction_between_two_specs_is_found(table, tmp_path):
    picture(tmp_path / "set" / "car" / "van" / "z.jpg")
    message = error(f"folder:{tmp_path}/set", table("file,coarse,fine\nimages/b.jpg,ship,van\n"))
    assert "fine class 'van' is under 'ship', but under 'car'" in message


# --- Stanford Cars ---------------------------------------------------------------------------------------------------

NAMES = ["Audi TT Hatchback 2011", "AM General Hummer SUV 2000", "Fisker Karma Sedan", "Ford GT Coupe 2006"]


def annotations(rows, fields=("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")):
    table = np.zeros((1, len(rows)), dtype=[(name, object) for name in fields])
    for i, row in enumerate(rows):
        table[0, i] = row
    return {"annotations": table}


@pytest.fixture
def cars(tmp_path):
    """A devkit of four classes, three of them with photos of 20 x 10 pixels."""
    root = tmp_path / "cars"
    (root / "devkit").mkdir(parents=True)
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": np.array([NAMES], dtype=object)})
    rows = [(3, 2, 15, 9, 2, "00001.jpg"), (1, 1, 20, 10, 1, "00003.jpg"), (5, 2, 44, 9, 1, "00002.jpg")]
    savemat(root / "devkit" / "cars_train_annos.mat", annotations(rows))
    for row in rows:
        picture(root / "cars_train" / row[5])
    return root


def add_test_half(cars):
    rows = [(1, 1, 9, 9, 3, "00001.jpg"), (2, 2, 9, 9, 1, "00002.jpg")]
    savemat(cars / "devkit" / "cars_test_annos_withlabels.mat", annotations(rows))
    for row in rows:
        picture(cars / "cars_test" / row[5])


def test_cars_come_by_class_then_file_with_zero_based_boxes(cars):
    samples = read_data([f"cars196:{cars}"]).samples
    assert labels(samples) == [
        ("00002.jpg", "hatchback", NAMES[0]),
        ("00003.jpg", "hatchback", NAMES[0]),
        ("00001.jpg", "suv", NAMES[1]),
    ]
    assert [sample.box for sample in samples] == [(4, 1, 20, 9), (0, 0, 20, 10), (2, 1, 15, 9)]
    assert [sample.attributes for sample in samples] == [{"year": 2011.0}, {"year": 2011.0}, {"year": 2000.0}]
    assert {sample.source for sample in samples} == {"cars196"}


def test_both_halves_are_read_where_both_are_there(cars):
    add_test_half(cars)
    samples = read_data([f"cars196:{cars}"]).samples
    assert [(s.path.parent.name, s.path.name, s.coarse) for s in samples] == [
        ("cars_test", "00002.jpg", "hatchback"),
        ("cars_train", "00002.jpg", "hatchback"),
        ("cars_train", "00003.jpg", "hatchback"),
        ("cars_train", "00001.jpg", "suv"),
        ("cars_test", "00001.jpg", "sedan"),
    ]
    assert len({sample.group for sample in samples}) == 5
    assert samples[-1].attributes == {}


def test_the_test_half_alone_is_enough(cars):
    add_test_half(cars)
    (cars / "devkit" / "cars_train_annos.mat").unlink()
    assert len(read_data([f"cars196:{cars}"]).samples) == 2


def test_boxes_that_all_end_in_the_corner_are_left_out(cars, caplog):
    rows = [(5, 7, 20, 10, 1, "00001.jpg"), (15, 12, 20, 10, 2, "00002.jpg")]
    savemat(cars / "devkit" / "cars_train_annos.mat", annotations(rows))
    assert [sample.box for sample in read_data([f"cars196:{cars}"]).samples] == [None, None]
    assert "already cut to their boxes" in caplog.text


def test_body_types_can_be_given(cars):
    text = "class_id,class_name,body_type\n" + "".join(f"{i},{name},kind {i}\n" for i, name in enumerate(NAMES, 1))
    (cars / "body_types.csv").write_text(text)
    assert [sample.coarse for sample in read_data([f"cars196:{cars}"]).samples] == ["kind 1", "kind 1", "kind 2"]
    for change, message in [
        (lambda: text.replace("2,AM", "5,AM"), "cars_meta.mat has no class 5 'AM General"),
        (lambda: text.replace("GT Coupe", "GT"), "cars_meta.mat has no class 4 'Ford GT 2006'"),
        (lambda: text.replace("kind 1", " "), "body_types.csv:2: column 'body_type' is empty"),
        (lambda: text.replace(f"2,{NAMES[1]},kind 2\n", ""), f"body_types.csv: class 2 '{NAMES[1]}' is missing"),
        (
            lambda: text + f"1,{NAMES[0]},kind 9\n",
            "body_types.csv:6: class .* is 'kind 1' further up and 'kind 9' here",
        ),
        (lambda: text + "7\n", "body_types.csv:6: 1 values, but 3 columns"),
    ]:
        (cars / "body_types.csv").write_text(change())
        with pytest.raises(DataError, match=message):
            read_data([f"cars196:{cars}"], skip_bad=True)
    (cars / "body_types.csv").write_text(text.replace(f"4,{NAMES[3]},kind 4\n", ""))
    assert len(read_data([f"cars196:{cars}"]).samples) == 3


def test_a_name_that_says_no_body_type_asks_for_the_file(cars):
    names = np.array([["Audi A4", *NAMES[1:]]], dtype=object)
    savemat(cars / "devkit" / "cars_meta.mat", {"class_names": names})
    message = error(f"cars196:{cars}")
    assert "the name 'Audi A4' does not say a body type; add a body_types.csv" in message


def test_a_devkit_that_is_not_whole_says_what_is_missing(cars):
    for name in ("devkit/cars_train_annos.mat", "devkit/cars_meta.mat"):
        kept = (cars / name).read_bytes()
        (cars / name).write_bytes(b"not a MATLAB file" * 20)
        assert f"{name}: not a MATLAB file that can be read" in error(f"cars196:{cars}")
        (cars / name).write_bytes(kept[: len(kept) // 2])
        assert f"{name}: " in error(f"cars196:{cars}")
        (cars / name).unlink()
        assert "cars_" in error(f"cars196:{cars}")
        (cars / name).write_bytes(kept)
    savemat(cars / "devkit" / "cars_train_annos.mat", {"other": 1})
    assert "variable 'annotations' is missing" in error(f"cars196:{cars}")
    unlabelled = annotations([(1, 1, 2, 2, "00001.jpg")], ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "fname"))
    savemat(cars / "devkit" / "cars_train_annos.mat", unlabelled)
    assert "field 'class' is missing; take the annotations with labels" in error(f"cars196:{cars}")
    savemat(cars / "devkit" / "cars_train_annos.mat", annotations([(1, 1, 2, 2, 5, "00001.jpg")]))
    assert "entry 1: class 5, but cars_meta.mat names 4 classes" in error(f"cars196:{cars}")
    (cars / "cars_train").rename(cars / "elsewhere")
    assert "cars_train: the folder does not exist" in error(f"cars196:{cars}")


def test_a_photo_of_the_devkit_that_is_missing_can_be_passed_over(cars):
    (cars / "cars_train" / "00002.jpg").unlink()
    assert "cars_train_annos.mat: entry 3: " in error(f"cars196:{cars}")
    assert "00002.jpg: the file does not exist" in error(f"cars196:{cars}")
    data = read_data([f"cars196:{cars}"], skip_bad=True)
    assert (len(data.samples), len(data.skipped)) == (2, 1)


# --- the real data, where it is there --------------------------------------------------------------------------------

CARS, VESSELS = DATA / "cars196", DATA / "vessels" / "labels.csv"


@pytest.mark.skipif(not CARS.exists(), reason=f"no Cars196 at {DATA}; name its folder in MARQUE_DATA")
def test_the_built_in_rule_gives_the_body_types_of_all_196_models():
    with (CARS / "body_types.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 196
    assert [body_type(row["class_name"]) for row in rows] == [row["body_type"] for row in rows]
    assert {row["body_type"] for row in rows} == set(BODY_TYPES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AM General Hummer SUV 2000", "suv"),
        ("Acura TL Type-S 2008", "sedan"),
        ("Rolls-Royce Phantom Drophead Coupe Convertible 2012", "convertible"),
        ("Ford Ranger SuperCab 2011", "pickup"),
        ("Dodge Ram Pickup 3500 Quad Cab 2009", "pickup"),
        ("Ram C/V Cargo Van Minivan 2012", "minivan"),
    ],
)
def test_a_name_says_its_body_type(name, expected):
    assert body_type(name) == expected


@pytest.mark.skipif(
    not (CARS.exists() and VESSELS.exists()), reason=f"no real photographs at {DATA}; name their folder in MARQUE_DATA"
)
def test_fourteen_thousand_photos_are_read():
    data = read_data([f"cars196:{CARS}", f"table:{VESSELS}"])
    assert not data.skipped
    cars = [sample for sample in data.samples if sample.source == "cars196"]
    assert (len(cars), len(data.samples) - len(cars)) == (6968, 7185)
    fine = list(dict.fromkeys(sample.fine for sample in cars))
    assert len(fine) == 196
    assert (fine[0], fine[97], fine[-1]) == (
        "AM General Hummer SUV 2000",
        "Eagle Talon Hatchback 1998",
        "smart fortwo Convertible 2012",
    )
    assert len({sample.fine for sample in data.samples if sample.source != "cars196"}) == 29


# --- odd names -------------------------------------------------------------------------------------------------------

ODD_NAMES = [" a.jpg", "b.jpg ", "two\nlines.jpg", "tab\t.jpg", 'quo"te.jpg', "com,ma.jpg", "A.JPG", "a.jpg", "é.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_in_a_table_are_the_names_of_the_files(tmp_path):
    names = [*ODD_NAMES, "e\N{COMBINING ACUTE ACCENT}.jpg"]
    for name in names:
        picture(tmp_path / name, format="JPEG")
    with (tmp_path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "coarse"), *((name, "car") for name in names)])
    assert [sample.path.name for sample in read_data([f"table:{tmp_path}/labels.csv"]).samples] == names


def test_spaces_around_a_name_in_a_table_may_be_carelessness(tmp_path):
    picture(tmp_path / "a.jpg")
    (tmp_path / "labels.csv").write_text("file,coarse\n a.jpg , car \n")
    assert labels(read_data([f"table:{tmp_path}/labels.csv"]).samples) == [("a.jpg", "car", None)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_is_not_utf8_costs_that_photo_alone(tmp_path):
    for name in ("a.jpg", "b\udce9.jpg"):
        picture(tmp_path / "car" / name)
    data = read_data([f"folder:{tmp_path}"], skip_bad=True)
    (tmp_path / "labels.csv").write_bytes(b"file,coarse\ncar/a.jpg,car\ncar/b\xe9.jpg,car\ncar/gone\xe9.jpg,car\n")
    table = read_data([f"table:{tmp_path}/labels.csv"], skip_bad=True)
    assert labels(data.samples) == labels(table.samples) == [("a.jpg", "car", None)]
    assert "not in the system's encoding; rename the file" in data.skipped[0]
    assert ["rename" in data.skipped[0], "CSV UTF-8" in table.skipped[0], "rename" in table.skipped[1]] == [True] * 3


def test_other_text_that_is_not_utf8_is_told_with_its_line(table):
    for line in (b"images/a.jpg,Stra\xdfe", b"images/a.jpg,car,\xfc"):
        spec = table("file,coarse,fine\n")
        with Path(spec.removeprefix("table:")).open("ab") as file:
            file.write(b"images/b.jpg,car,\n" + line)
        assert "labels.csv:3: the file is not in UTF-8; save it as CSV UTF-8" in error(spec)
