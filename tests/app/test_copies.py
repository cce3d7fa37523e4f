from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from app.cli import main
from app.core.copies import Copies, CopyError
from app.core.labels import Label, Labels, Verdict
from app.core.packet import read_packet
from app.core.project import Project
from app.core.xmp import keywords
from tests.app.test_photo_state import seen
from tests.app.test_xmp import EXISTING, SHIP, exiftool
from tests.app.tiny import COLOURS, colour_picture

PATH = keywords(SHIP)


def picture(place: Path, colour: tuple[int, int, int] = (20, 30, 220), **how: object) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    colour_picture(colour).save(place, **how)
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def from_pixels_on(content: bytes) -> bytes:
    """A JPEG from its quantisation tables on."""
    return content[content.index(b"\xff\xdb") :]


def test_the_keywords_are_in_the_copy_and_no_pixel_is_another(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "a camera", 6
    photo = picture(tmp_path / "in" / "a" / "p.jpg", exif=exif, xmp=EXISTING.encode())
    before = photo.read_bytes()
    copy = Copies([tmp_path / "in"], tmp_path / "out").make(seen(photo), PATH)
    assert (copy.place, copy.sidecar, copy.new) == (tmp_path / "out" / "a" / "p.jpg", "", True)
    assert photo.read_bytes() == before and list(contents(tmp_path / "out")) == ["a/p.jpg"]
    after = copy.place.read_bytes()
    assert from_pixels_on(after) == from_pixels_on(before)
    assert copy.place.stat().st_mtime_ns == photo.stat().st_mtime_ns
    with Image.open(copy.place) as image:
        packet = image.info["xmp"].decode()
        assert dict(image.getexif()) == dict(exif)
    for kept in (
        'xmp:Rating="4"',
        'crs:Exposure2012="+0.35"',
        "a remark",
        "Größe &amp; more",
        "Places|Kiel",
        "harbour",
    ):
        assert kept in packet
    assert "Vessel|tanker|MT Alpha" in packet


def test_exiftool_reads_them_and_finds_the_files_sound(tmp_path: Path) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_itxt("XML:com.adobe.xmp", EXISTING, zip=True)
    black, packet = colour_picture((0, 0, 0)), EXISTING.encode()
    photos = [
        picture(tmp_path / "in" / "p.jpg", xmp=packet),
        picture(tmp_path / "in" / "p.png", pnginfo=told),
        picture(tmp_path / "in" / "p.mpo", save_all=True, append_images=[black], xmp=packet),
    ]
    copies = Copies([tmp_path / "in"], tmp_path / "out")
    for photo in photos:
        place = copies.make(seen(photo), PATH).place
        assert exiftool(place, "XMP:Subject", "HierarchicalSubject", "TagsList", "Title", "Rating") == [
            "harbour; tanker; Vessel; MT Alpha",
            "Places|Kiel; Vessel|tanker|MT Alpha",
            "Vessel/tanker/MT Alpha",
            "Größe & more",
            "4",
        ]
        assert exiftool(place, "Validate", "Warning", "Error") == exiftool(photo, "Validate", "Warning", "Error")
    program = shutil.which("exiftool")
    assert program is not None
    arguments = [program, "-b", "-MPImage2", str(tmp_path / "out" / "p.mpo")]
    second = subprocess.run(arguments, capture_output=True, check=True)
    with Image.open(photos[2]) as image:
        image.seek(1)
        wanted = np.asarray(image)
    (tmp_path / "second.jpg").write_bytes(second.stdout)
    assert (np.asarray(Image.open(tmp_path / "second.jpg")) == wanted).all()


def test_what_a_file_cannot_hold_lies_in_a_sidecar_beside_the_copy(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    large = EXISTING.replace("Größe &amp; more", "x" * (65_400 - len(EXISTING)))
    photos = {
        picture(folder / "p.tif"): "only JPEG and PNG files take them inside",
        picture(folder / "p.webp"): "only JPEG and PNG files take them inside",
        picture(folder / "full.jpg", xmp=large.encode()): "its XMP would be larger than the 64 KB",
        picture(folder / "damaged.jpg", xmp=b"<no xml"): "its own XMP is damaged",
    }
    (folder / "p.tif.xmp").write_text(EXISTING, "utf-8")
    copies = Copies([folder], tmp_path / "out")
    for photo, reason in photos.items():
        copy = copies.make(seen(photo), PATH)
        assert copy.sidecar.startswith(reason) and copy.place.read_bytes() == photo.read_bytes()
        assert "Vessel|tanker|MT Alpha" in copy.place.with_name(f"{photo.name}.xmp").read_text("utf-8")
    assert 'xmp:Rating="4"' in (tmp_path / "out" / "p.tif.xmp").read_text("utf-8")
    assert (folder / "p.tif.xmp").read_text("utf-8") == EXISTING
    (folder / "p.webp.xmp").write_text("no xml")
    with pytest.raises(CopyError, match=r"p\.webp\.xmp: this is no XMP sidecar"):
        Copies([folder], tmp_path / "other").make(seen(folder / "p.webp"), PATH)


def test_nothing_is_overwritten_and_the_same_is_done_once(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    photos = [picture(folder / name) for name in ("a.jpg", "b.tif", "c.jpg")]
    (out / "c.jpg").mkdir(parents=True)
    first = Copies([folder], out)
    assert [first.make(seen(photo), PATH).new for photo in photos[:2]] == [True, True]
    before = contents(out)
    again = Copies([folder], out)
    assert [again.make(seen(photo), PATH).new for photo in photos[:2]] == [False, False]
    with pytest.raises(CopyError, match=r"c\.jpg: another file is there; left as it is"):
        again.make(seen(photos[2]), PATH)
    (out / "a.jpg").write_text("mine")
    with pytest.raises(CopyError, match=r"a\.jpg: another file is there"):
        Copies([folder], out).make(seen(photos[0]), PATH)
    assert contents(out) == before | {"a.jpg": b"mine"}
    image = seen(photos[0])
    photos[0].unlink()
    with pytest.raises(CopyError, match=r"a\.jpg: cannot be copied to .*No such file"):
        Copies([folder], out).make(image, PATH)


def test_each_photo_has_a_place_of_its_own(tmp_path: Path) -> None:
    sources = [tmp_path / "one" / "photos", tmp_path / "two" / "photos", tmp_path / "two" / "photos" / "inner"]
    names = ["p.jpg", "P.JPG", "p (2).jpg"]
    photos = [picture(source / name) for source in sources for name in names] + [picture(tmp_path / "moved" / "m.jpg")]
    copies = Copies(sources, tmp_path / "out")
    places = [copies.make(seen(photo), PATH).place.relative_to(tmp_path / "out").as_posix() for photo in photos]
    assert places[:3] == ["one/photos/p.jpg", "one/photos/P (2).JPG", "one/photos/p (2) (2).jpg"]
    assert places[3] == "two/photos/p.jpg" and places[6] == "two/photos/inner/p.jpg" and places[9] == "m.jpg"
    assert len({place.casefold() for place in places}) == 10
    assert Copies([photos[0]], tmp_path / "o2").make(seen(photos[0]), PATH).place == tmp_path / "o2" / "p.jpg"


def test_a_folder_among_the_photos_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "p.jpg")
    for wrong in (tmp_path / "in", tmp_path / "in" / "copies"):
        with pytest.raises(CopyError, match="would be taken for new photos"):
            Copies([tmp_path / "in"], wrong)
    with pytest.raises(CopyError, match="this is a file"):
        Copies([tmp_path / "in"], tmp_path / "in" / "p.jpg")


def test_at_the_command_line(photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    place, out = str(tmp_path / "new.marque"), tmp_path / "copies"
    colour_picture(COLOURS["Rossa 2010"]).save(photos / "r.tif")
    (photos / "broken.jpg").write_text("no picture")
    assert main(["identify", str(photos), "--project", place, "--model", str(tiny_model)]) == 0
    excluded, unknown = (photos / "sedan" / "Rossa 2010" / f"{number}.jpg" for number in (1, 2))
    with Project.open(Path(place)) as project:
        of = {image.path: image.id for image in project.images()}
        Labels(project).set({of[excluded]: Label(Verdict.EXCLUDED), of[unknown]: Label(Verdict.UNKNOWN)}, "review")
    capsys.readouterr()
    before = contents(photos)
    export = ["export", place, "--format", "xmp-copies", "--out", str(out)]
    assert main(export) == 0
    told = capsys.readouterr().err
    assert "1 of the copies have their keywords in a sidecar beside them: only JPEG and PNG" in told
    assert f"{out}: 11 photos copied, 0 there already, 3 without a label, 0 left out" in told
    assert contents(photos) == before
    without = {path.relative_to(photos).as_posix() for path in (excluded, unknown, photos / "broken.jpg")}
    assert contents(out).keys() == (before.keys() - without) | {"r.tif.xmp"}
    for name, content in contents(out).items():
        if name.endswith(".jpg"):
            root = "Vessel" if name.startswith("ship/") else "Vehicle"
            path = f"{root}|" + name.rpartition("/")[0].replace("/", "|")
            assert path in read_packet(content).packets[0].decode()
    assert main(export) == 0
    assert f"{out}: 0 photos copied, 11 there already" in capsys.readouterr().err
    assert main(export[:-2]) == 2 and main([*export[:-1], str(photos / "x")]) == 2
    told = capsys.readouterr().err
    assert "--out DIR" in told and "would be taken for new photos" in told
    next(iter(out.rglob("*.jpg"))).write_text("mine")
    assert main(export) == 1
    assert "another file is there; left as it is" in capsys.readouterr().err
