from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.metadata.sidecars import Sidecars, beside, place_for_new
from app.core.metadata.xmp_sidecar import SidecarError, write_sidecar


def belongings(folder: Path, photo: str, *names: str) -> dict[str, list[str]]:
    for name in (photo, *names):
        (folder / name).touch()
    return {one.path.name: sorted(other.name for other in one.others) for one in Sidecars().of(folder / photo)}


@pytest.mark.parametrize(
    "sidecar", ["a.xmp", "a.XMP", "A.Xmp", "a.jpg.xmp", "A.JPG.XMP", "a_01.jpg.xmp", "a_12.JPG.xmp"]
)
def test_every_spelling_of_a_sidecar_is_found(tmp_path: Path, sidecar: str) -> None:
    assert belongings(tmp_path, "a.jpg", sidecar, "b.xmp", "a.jp.xmp", "a.txt", "a_1.jpg.xmp") == {sidecar: []}


@pytest.mark.parametrize("name", ["a.nef", "A.CR2", "a.png", "a.mp4", "a.JPEG", "a.format of next year"])
def test_a_sidecar_with_the_stem_belongs_to_all_that_can_have_one(tmp_path: Path, name: str) -> None:
    assert belongings(tmp_path, "a.jpg", "a.xmp", "a.jpg.xmp", name) == {"a.jpg.xmp": [], "a.xmp": [name]}


def test_files_that_have_no_sidecar_share_none(tmp_path: Path) -> None:
    assert belongings(tmp_path, "a.jpg", "a.xmp", "a.txt", "a.JSON", "a.pp3", "a") == {"a.xmp": []}
    (tmp_path / "a.nef").mkdir()
    assert belongings(tmp_path, "a.jpg") == {"a.xmp": []}


def test_the_sidecar_of_one_photo_is_not_that_of_another_with_a_longer_name(tmp_path: Path) -> None:
    names = ("a.jpg.png", "a.jpg.xmp", "b_01.jpg", "b_01.jpg.xmp")
    assert belongings(tmp_path, "a.jpg", *names) == {"a.jpg.xmp": []}
    assert belongings(tmp_path, "a.jpg.png") == {}
    assert belongings(tmp_path, "b.jpg") == {}
    assert belongings(tmp_path, "b_01.jpg") == {"b_01.jpg.xmp": []}


def test_photos_that_differ_in_case_keep_their_own_sidecars(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("")
    if (tmp_path / "A.JPG").exists():
        pytest.skip("this file system does not distinguish upper and lower case")
    assert belongings(tmp_path, "a.jpg", "A.JPG", "a.jpg.xmp", "A.JPG.xmp", "a.xmp", "A.xmp") == {
        "a.jpg.xmp": [],
        "a.xmp": [],
    }
    (tmp_path / "A.xmp").unlink()
    assert belongings(tmp_path, "A.JPG") == {"A.JPG.xmp": [], "a.xmp": ["a.jpg"]}


def test_a_photo_and_its_sidecar_may_be_spelled_in_two_unicode_forms(tmp_path: Path) -> None:
    assert belongings(tmp_path, "e\u0301.jpg", "\u00e9.xmp") == {"\u00e9.xmp": []}


@pytest.mark.skipif(os.name == "nt", reason="such names are not possible there")
def test_sidecars_of_undecodable_names_are_found(tmp_path: Path) -> None:
    assert belongings(tmp_path, os.fsdecode(b"\xff.jpg"), os.fsdecode(b"\xff.xmp")) == {os.fsdecode(b"\xff.xmp"): []}


def test_keywords_go_where_only_this_photo_finds_them(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    assert belongings(tmp_path, "a.jpg", "a_01.jpg.xmp") and Sidecars().to_write(photo) == tmp_path / "a.jpg.xmp"
    (tmp_path / "A.xmp").write_text("")
    assert Sidecars().to_write(photo).name == "A.xmp"
    (tmp_path / "a.nef").write_text("")
    assert Sidecars().to_write(photo) == place_for_new(photo) == tmp_path / "a.jpg.xmp"
    (tmp_path / "a.JPG.XMP").write_text("")
    assert Sidecars().to_write(photo).name == "a.JPG.XMP"


def test_a_folder_is_read_once_for_all_its_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (tmp_path / f"{number}.jpg").write_text("")
        (tmp_path / f"{number}.xmp").write_text("")
    read, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: read.append(folder) or scandir(folder))
    sidecars = Sidecars()
    assert all(len(sidecars.of(tmp_path / f"{number}.jpg")) == 1 for number in range(50))
    assert read == [tmp_path] and Sidecars().of(tmp_path / "gone" / "a.jpg") == ()


@pytest.mark.parametrize(
    ("sidecar", "there"),
    [
        *(("a.xmp", "a (2).xmp"), ("A.XMP", "a (2).XMP"), ("a.jpg.xmp", "a (2).jpg.xmp")),
        *(("a_01.jpg.xmp", "a (2)_01.jpg.xmp"),),
    ],
)
def test_a_sidecar_changes_its_name_as_its_photo_does(sidecar: str, there: str) -> None:
    assert beside(Path("p", sidecar), Path("p/a.jpg"), Path("q/a (2).jpg")) == Path("q", there)
    assert beside(Path("p", sidecar), Path("p/a.jpg"), Path("q/a.jpg")) == Path("q", sidecar)


def test_a_shared_sidecar_is_never_written(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.nef", "a.xmp"):
        (tmp_path / name).write_text(name)
    assert write_sidecar(tmp_path / "a.jpg", ("Vehicle", "sedan")) == tmp_path / "a.jpg.xmp"
    assert (tmp_path / "a.xmp").read_text() == "a.xmp" and "sedan" in (tmp_path / "a.jpg.xmp").read_text()


@pytest.mark.skipif(os.name == "nt", reason="names are counted in characters there")
def test_the_sidecar_of_a_photo_with_a_long_name_has_the_name_without_its_ending(tmp_path: Path) -> None:
    alone, shared = "ü" * 125, "ä" * 125  # 250 bytes
    for name in (f"{alone}.jpg", f"{alone}.txt", f"{shared}.jpg", f"{shared}.nef", "a.jpg"):
        (tmp_path / name).touch()
    sidecars = Sidecars()
    path = ("Vehicle", "sedan")
    for _ in range(2):  # a sidecar that was written is found again
        write_sidecar(tmp_path / f"{alone}.jpg", path, sidecars)
    assert "sedan" in (tmp_path / f"{alone}.xmp").read_text()
    with pytest.raises(SidecarError, match=r"cannot be written.*too long.*give the photo a shorter name"):
        write_sidecar(tmp_path / f"{shared}.jpg", path, sidecars)
    assert write_sidecar(tmp_path / f"{shared}.jpg", (), sidecars) is None
    assert write_sidecar(tmp_path / "a.jpg", path, sidecars) == tmp_path / "a.jpg.xmp"
    assert {place.name for place in tmp_path.glob("*.xmp")} == {f"{alone}.xmp", "a.jpg.xmp"}
    assert write_sidecar(tmp_path / f"{alone}.jpg", ("Vehicle", "tanker")) == tmp_path / f"{alone}.xmp"
