from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from app.cli import main
from app.core.export.copies import Copies, Copy, CopyError
from app.core.metadata.xmp import SUBJECT, keywords, lists, merged
from app.core.metadata.xmp_packet import read_packet, takes
from app.core.project.labels import Label, Verdict
from app.core.project.project import Project
from app.core.project.records import SubjectId
from tests.app.core.metadata.test_xmp import EXISTING, SHIP, exiftool
from tests.app.core.metadata.test_xmp_packet import (
    further_segments,
    hex_profile,
    iptc,
    png_chunk,
    with_segments,
    xmp_segment,
)
from tests.app.core.metadata.test_xmp_programs import DIGIKAM, LIGHTROOM, LISTS, all_tags, words
from tests.app.core.project.test_photo_state import seen
from tests.app.tiny import COLOURS, colour_picture

PATH = keywords(SHIP)


def picture(place: Path, colour: tuple[int, int, int] = (20, 30, 220), **how: Any) -> Path:
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


def test_what_a_file_cannot_hold_goes_into_a_sidecar_beside_the_copy(tmp_path: Path) -> None:
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
    with pytest.raises(CopyError, match=r"p\.webp\.xmp: this sidecar cannot be changed"):
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


def test_the_command_writes_labelled_copies(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    place, out = str(tmp_path / "new.marque"), tmp_path / "copies"
    colour_picture(COLOURS["Rossa 2010"]).save(photos / "r.tif")
    (photos / "broken.jpg").write_text("no picture")
    assert main(["identify", str(photos), "--project", place, "--model", str(tiny_model)]) == 0
    excluded, unknown = (photos / "sedan" / "Rossa 2010" / f"{number}.jpg" for number in (1, 2))
    with Project.open(Path(place)) as project:
        of = {image.path: SubjectId(image.id) for image in project.images.all()}
        project.labels.set({of[excluded]: Label(Verdict.EXCLUDED), of[unknown]: Label(Verdict.UNKNOWN)}, "review")
    capsys.readouterr()
    before = contents(photos)
    export = ["export", place, "--format", "xmp-copies", "--out", str(out)]
    assert main(export) == 0
    told = capsys.readouterr().err
    assert "keywords in a sidecar beside the copy, for 1 photo: only JPEG and PNG" in told
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


def subjects(packet: bytes | str) -> list[str]:
    return lists(packet.encode() if isinstance(packet, str) else packet)[SUBJECT]


def copied(tmp_path: Path, photo: Path) -> tuple[Copy, bytes, Path]:
    """A photo's copy, the packet in it, and where a sidecar of it would be."""
    copy = Copies([photo.parent], tmp_path / "out").make(seen(photo), PATH)
    content = copy.place.read_bytes()
    packets = read_packet(content).packets if takes(content) else ()
    return copy, packets[0] if packets else b"", copy.place.with_name(f"{copy.place.name}.xmp")


@pytest.mark.parametrize("name", ["p.jpg.xmp", "p.xmp", "P.XMP", "p.jpg.Xmp"])
@pytest.mark.parametrize("photo", ["p.jpg", "p.tif"])
def test_the_sidecar_of_a_photo_comes_along_with_the_keywords_in_it(tmp_path: Path, photo: str, name: str) -> None:
    name = name.replace(".jpg", Path(photo).suffix)
    place = picture(tmp_path / "in" / photo)
    (tmp_path / "in" / name).write_text(EXISTING, "utf-8")
    copy, packet, _ = copied(tmp_path, place)
    assert contents(tmp_path / "out").keys() == {photo, name}
    sidecar = (tmp_path / "out" / name).read_text("utf-8")
    assert 'xmp:Rating="4"' in sidecar and subjects(sidecar) == ["harbour", "tanker", "Vessel", "MT Alpha"]
    assert (tmp_path / "in" / name).read_text("utf-8") == EXISTING
    assert copy.sidecar.startswith("the photos have sidecars" if photo == "p.jpg" else "only JPEG and PNG")
    assert photo == "p.tif" or subjects(packet) == ["Vessel", "tanker", "MT Alpha"]
    again = Copies([place.parent], tmp_path / "out").make(seen(place), PATH)
    assert not again.new


def test_a_sidecar_that_belongs_to_several_photos_is_copied_for_one(tmp_path: Path) -> None:
    photos = [picture(tmp_path / "in" / name) for name in ("p.jpg", "p.png", "q.jpg")]
    (tmp_path / "in" / "p.xmp").write_text(EXISTING, "utf-8")
    (tmp_path / "in" / "q.jpg.xmp").write_text(EXISTING, "utf-8")
    (tmp_path / "in" / "q_01.jpg.xmp").write_text("darktable's second way", "utf-8")
    copies = Copies([tmp_path / "in"], tmp_path / "out")
    for photo in photos:
        copies.make(seen(photo), PATH)
    made = contents(tmp_path / "out")
    assert made.keys() == {*(photo.name for photo in photos), "p.jpg.xmp", "p.png.xmp", "q.jpg.xmp", "q_01.jpg.xmp"}
    for name in ("p.jpg.xmp", "p.png.xmp", "q.jpg.xmp"):
        assert b'xmp:Rating="4"' in made[name] and "MT Alpha" in subjects(made[name])
    assert made["q_01.jpg.xmp"] == b"darktable's second way"


def test_a_damaged_sidecar_keeps_its_photo_from_being_copied(tmp_path: Path) -> None:
    photo = picture(tmp_path / "in" / "p.jpg")
    sidecar = tmp_path / "in" / "p.jpg.xmp"
    for content, reason in (("no xml", "it is not XMP, or damaged"), ("<x/>", "it is not XMP: there is no rdf:RDF")):
        sidecar.write_text(content)
        with pytest.raises(CopyError, match=rf"p\.jpg\.xmp: this sidecar cannot be changed \({reason}.*not copied"):
            Copies([tmp_path / "in"], tmp_path / "out").make(seen(photo), PATH)
    sidecar.unlink()
    sidecar.symlink_to("/dev/null")
    assert Copies([tmp_path / "in"], tmp_path / "out").make(seen(photo), PATH).new  # nobody's sidecar
    assert list(contents(tmp_path / "out")) == ["p.jpg"]


def test_keywords_of_extended_xmp_and_of_a_second_packet_count(tmp_path: Path) -> None:
    extension = EXISTING.replace("harbour", "beyond").encode()
    guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    mark = f'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="{guid}" '
    main = EXISTING.replace("xmlns:xmp=", f"{mark}xmlns:xmp=").replace('Rating="4"', 'Rating="5"').encode()
    plain = picture(tmp_path / "plain.jpg", xmp=main).read_bytes()
    (tmp_path / "in").mkdir()
    photo, second = tmp_path / "in" / "p.jpg", tmp_path / "in" / "q.jpg"
    photo.write_bytes(with_segments(plain, *further_segments(extension, 700)[::-1]))
    copy, packet, sidecar = copied(tmp_path, photo)
    assert copy.sidecar == "its extended XMP holds keywords, and stays as it is"
    assert packet == main and copy.place.read_bytes() == photo.read_bytes()
    assert subjects(sidecar.read_bytes()) == ["harbour", "tanker", "beyond", "Vessel", "MT Alpha"]
    assert b'xmp:Rating="5"' in sidecar.read_bytes() and b"HasExtendedXMP" not in sidecar.read_bytes()
    second.write_bytes(with_segments(plain, xmp_segment(EXISTING.replace("harbour", "another").encode())))
    copy, _, sidecar = copied(tmp_path, second)
    assert copy.sidecar.startswith("it holds several packets of XMP that differ")
    assert copy.place.read_bytes() == second.read_bytes()
    assert subjects(sidecar.read_bytes()) == ["harbour", "tanker", "another", "Vessel", "MT Alpha"]
    # extended XMP without keywords, such as a depth map, stays where it is
    extension = extension.replace(b"subject", b"subjects").replace(b"hierarchicalSubject", b"somethingElse")
    main = main.replace(guid.encode(), hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode())
    plain = picture(tmp_path / "plain.jpg", xmp=main).read_bytes()
    third = tmp_path / "in" / "r.jpg"
    third.write_bytes(with_segments(plain, *further_segments(extension, 700)))
    copy, packet, sidecar = copied(tmp_path, third)
    assert copy.sidecar == "" and not sidecar.exists() and "MT Alpha" in subjects(packet)
    assert read_packet(copy.place.read_bytes()).extension == extension


def test_keywords_of_the_older_block_are_put_beside_ours(tmp_path: Path) -> None:
    """Programs that find keywords in XMP do not look for others in IPTC."""
    (tmp_path / "in").mkdir()
    photo, other = tmp_path / "in" / "p.jpg", tmp_path / "in" / "q.jpg"
    photo.write_bytes(
        with_segments(picture(tmp_path / "x.jpg").read_bytes(), iptc("Größe".encode(), b"holiday", utf8=True))
    )
    other.write_bytes(
        with_segments(picture(tmp_path / "x.jpg", xmp=EXISTING.encode()).read_bytes(), iptc(b"holiday", utf8=True))
    )
    _, packet, _ = copied(tmp_path, photo)
    assert subjects(packet) == ["Größe", "holiday", "Vessel", "tanker", "MT Alpha"]
    assert subjects(merged(packet, ())) == ["Größe", "holiday"]  # they are the person's
    _, packet, _ = copied(tmp_path, other)
    assert subjects(packet) == ["harbour", "tanker", "Vessel", "MT Alpha"]  # there XMP counted before
    place = tmp_path / "out" / "p.jpg"
    assert exiftool(place, "IPTC:Keywords") == exiftool(photo, "IPTC:Keywords") == ["Größe; holiday"]
    assert exiftool(place, "Validate", "Warning", "Error") == exiftool(photo, "Validate", "Warning", "Error")


def test_long_and_similar_names(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    long = "ü" * 125 + "x"  # 251 bytes
    names = [
        f"{long}.jpg",
        f"{long}.tif",
        f"{long.upper()}.JPG",
        "Übersee.jpg",
        unicodedata.normalize("NFD", "übersee.jpg"),
    ]
    photos = [picture(folder / name) for name in names]
    copies = Copies([folder], out)
    made = [copies.make(seen(photo), PATH).place.name for photo in photos]
    assert made[:2] == names[:2] and made[3:] == ["Übersee.jpg", unicodedata.normalize("NFD", "übersee (2).jpg")]
    assert made[2] == f"{'Ü' * 123} (2).JPG" and len(made[2].encode()) <= 255
    assert contents(out).keys() == {*made, f"{long}.xmp"}  # the name of the TIFF's sidecar
    again = Copies([folder], out)
    assert not any(again.make(seen(photo), PATH).new for photo in photos)
    deep = folder
    for _ in range(10):
        deep = deep / ("d" * 200)
    photo = picture(deep / "p.jpg")
    assert Copies([folder], out).make(seen(photo), PATH).place == out / photo.relative_to(folder)
    with pytest.raises(CopyError, match=r"cannot be copied to .*File name too long"):
        Copies([folder], out / ("e" * 256)).make(seen(photo), PATH)


def test_a_copy_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    """The photo comes last, so that a copy is never there without its sidecar."""
    photo = picture(tmp_path / "in" / "p.tif")
    (tmp_path / "in" / "p.tif.xmp").write_text(EXISTING, "utf-8")
    Copies([photo.parent], tmp_path / "out").make(seen(photo), PATH)
    whole = contents(tmp_path / "out")
    (tmp_path / "out" / "p.tif").unlink()
    assert Copies([photo.parent], tmp_path / "out").make(seen(photo), PATH).new
    assert contents(tmp_path / "out") == whole


def test_a_copy_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    photo = picture(tmp_path / "in" / "p.jpg")
    image = seen(photo)
    photo.unlink()
    os.mkfifo(photo)
    with pytest.raises(CopyError, match="it is a named pipe"):
        Copies([photo.parent], tmp_path / "out").make(image, PATH)


def test_exiftool_reads_all_else_of_a_copy_as_in_the_photo(tmp_path: Path) -> None:
    folder, exif = tmp_path / "in", Image.Exif()
    exif[0x0110], exif[0x0112] = "a camera", 6
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "somebody")
    told.add_itxt("XML:com.adobe.xmp", LIGHTROOM, zip=True)
    full = picture(
        folder / "full.jpg",
        exif=exif,
        xmp=LIGHTROOM.encode(),
        comment=b"a comment",
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )
    full.write_bytes(with_segments(full.read_bytes(), iptc(b"holiday", utf8=True)))
    picture(folder / "bare.jpg")
    picture(folder / "several.jpg", format="MPO", save_all=True, append_images=[colour_picture((0, 0, 0))])
    picture(folder / "p.png", pnginfo=told)
    digits = picture(folder / "digits.png")
    chunk = png_chunk(b"zTXt", hex_profile(b"xmp", DIGIKAM.encode()))
    digits.write_bytes(digits.read_bytes()[:33] + chunk + digits.read_bytes()[33:])
    copies = Copies([folder], tmp_path / "out")
    for photo in folder.iterdir():
        assert copies.make(seen(photo), PATH).sidecar == ""
    before, after = all_tags(folder), all_tags(tmp_path / "out")
    assert len(before) == 5 and any("Region" in tag for tag in before["full.jpg"])
    for name, tags in before.items():
        rest = {tag: value for tag, value in tags.items() if tag not in LISTS}
        assert {tag: value for tag, value in after[name].items() if tag not in LISTS} == rest, name
        for tag, ours in zip(LISTS, (PATH, ["|".join(PATH)], ["/".join(PATH)]), strict=False):
            assert words(after[name], tag) == [*words(tags, tag), *ours], (name, tag)
