from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from app.cli import main
from app.core.metadata.sidecars import Sidecars
from app.core.metadata.xmp import SUBJECT, keywords, lists, merged
from app.core.metadata.xmp_sidecar import SidecarError, write_sidecar
from app.core.project.project import Project
from app.core.recognition.decision import Decision, Status
from model.contract.decision import Level
from tests.app.tiny import colour_picture

SHIP = Decision(Status.IDENTIFIED, "MT Alpha", Level.FINE, 0.9, "", "tanker", 0.9, "MT Alpha", 0.9)

EXISTING = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="somebody">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmp:Rating="4" crs:Exposure2012="+0.35">
   <!-- a remark -->
   <dc:subject><rdf:Bag><rdf:li>harbour</rdf:li><rdf:li>tanker</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Kiel</rdf:li></rdf:Bag></lr:hierarchicalSubject>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Größe &amp; more</rdf:li></rdf:Alt></dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def exiftool(file: Path, *tags: str) -> list[str]:
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed")
    arguments = [program, "-s3", "-sep", "; ", *(f"-{tag}" for tag in tags), str(file)]
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_label_is_a_path_from_the_kind_down() -> None:
    assert keywords(SHIP) == ("Vessel", "tanker", "MT Alpha")
    assert keywords(replace(SHIP, level=Level.COARSE, coarse="sedan")) == ("Vehicle", "sedan")
    for own, root in (
        ("Fishing boats", "Vessel"),
        ("warship", "Vessel"),
        ("aircraft", "Vehicle"),
        ("lorry", "Vehicle"),
    ):
        assert keywords(replace(SHIP, level=Level.COARSE, coarse=own)) == (root, own)
    assert keywords(replace(SHIP, fine="A|B/C"))[-1] == "A-B-C"
    assert keywords(replace(SHIP, level=Level.NONE)) == () == keywords(None)


def test_a_new_sidecar_is_read_by_exiftool(tmp_path: Path) -> None:
    place = write_sidecar(tmp_path / "p.jpg", keywords(SHIP))
    assert place == tmp_path / "p.jpg.xmp"
    assert exiftool(place, "Subject", "HierarchicalSubject", "TagsList") == [
        "Vessel; tanker; MT Alpha",
        "Vessel|tanker|MT Alpha",
        "Vessel/tanker/MT Alpha",
    ]
    assert write_sidecar(tmp_path / "p.jpg", keywords(SHIP)) is None  # nothing to do


def test_what_an_existing_sidecar_holds_stays(tmp_path: Path) -> None:
    (tmp_path / "p.xmp").write_text(EXISTING, "utf-8")  # Lightroom's name
    place = write_sidecar(tmp_path / "p.jpg", keywords(SHIP))
    assert place == tmp_path / "p.xmp" == Sidecars().to_write(tmp_path / "p.jpg")
    text = place.read_text("utf-8")
    for kept in ('xmp:Rating="4"', 'crs:Exposure2012="+0.35"', "a remark", "Größe &amp; more", 'x:xmptk="somebody"'):
        assert kept in text
    assert exiftool(place, "Subject", "HierarchicalSubject", "Title", "Rating") == [
        "harbour; tanker; Vessel; MT Alpha",
        "Places|Kiel; Vessel|tanker|MT Alpha",
        "Größe & more",
        "4",
    ]


def test_keywords_of_the_persons_own_stay_whatever_they_are_called(tmp_path: Path) -> None:
    own = EXISTING.replace("Places|Kiel", "Vehicle|Grandpa's car</rdf:li><rdf:li>Vessel|tanker|MT Alpha")
    (tmp_path / "p.xmp").write_text(own.replace("harbour", "Grandpa's car"), "utf-8")
    place = Sidecars().to_write(tmp_path / "p.jpg")
    for path in (keywords(SHIP), keywords(replace(SHIP, level=Level.COARSE, coarse="cargo")), ()):
        write_sidecar(tmp_path / "p.jpg", path)
        text = place.read_text("utf-8")
        for word in ("Vehicle|Grandpa's car", "Vessel|tanker|MT Alpha", "Grandpa's car", "tanker"):
            assert f"<rdf:li>{word}</rdf:li>" in text
    assert "cargo" not in text and "marque:added" not in text


SCATTERED = """<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:RDF>
 <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <dc:subject><rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject>
 </rdf:Description>
 <rdf:Description rdf:about="" xmlns:digiKam="http://www.digikam.org/ns/1.0/">
  <digiKam:TagsList><rdf:Seq><rdf:li>Places/Kiel</rdf:li></rdf:Seq></digiKam:TagsList>
 </rdf:Description>
 <rdf:Description rdf:about="" xmlns:lr="http://ns.adobe.com/lightroom/1.0/">
  <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Kiel</rdf:li></rdf:Bag></lr:hierarchicalSubject>
 </rdf:Description>
</rdf:RDF></x:xmpmeta>
"""


def test_lists_in_descriptions_of_their_own_are_written_where_they_stand() -> None:
    """As exiftool lays a packet out; a property that stands twice makes the packet unreadable for others."""
    once = merged(SCATTERED.encode(), keywords(SHIP))
    again = merged(once, ())
    for packet in (once, again):
        for name in (b"<dc:subject>", b"<digiKam:TagsList>", b"<lr:hierarchicalSubject>"):
            assert packet.count(name) == 1
    assert b"Vessel|tanker|MT Alpha" in once and b"Vessel" not in again
    more = SCATTERED[SCATTERED.index(" <rdf:Desc") : SCATTERED.index("</rdf:RDF>")]
    doubled = SCATTERED.replace("</rdf:RDF>", f"{more}</rdf:RDF>")
    assert merged(doubled.encode(), keywords(SHIP)).count(b"<dc:subject>") == 1
    assert merged(doubled.encode(), ()) == doubled.encode()


def test_another_label_takes_the_place_of_ours_alone(tmp_path: Path) -> None:
    (tmp_path / "p.xmp").write_text(EXISTING.replace("<rdf:li>tanker</rdf:li>", ""), "utf-8")
    write_sidecar(tmp_path / "p.jpg", keywords(SHIP))
    place = write_sidecar(tmp_path / "p.jpg", keywords(replace(SHIP, level=Level.COARSE, coarse="cargo")))
    assert place is not None
    assert exiftool(place, "Subject", "HierarchicalSubject") == [
        "harbour; Vessel; cargo",
        "Places|Kiel; Vessel|cargo",
    ]
    write_sidecar(tmp_path / "p.jpg", ())
    assert exiftool(place, "Subject", "HierarchicalSubject") == ["harbour", "Places|Kiel"]
    assert write_sidecar(tmp_path / "q.jpg", ()) is None and not (tmp_path / "q.jpg.xmp").exists()


@pytest.mark.parametrize("content", ["", "no xml", "<html/>"])
def test_a_file_other_than_a_sidecar_stays_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.jpg.xmp").write_text(content)
    with pytest.raises(SidecarError, match=r"cannot be changed \(it is not XMP.*left as it is"):
        write_sidecar(tmp_path / "p.jpg", keywords(SHIP))
    assert (tmp_path / "p.jpg.xmp").read_text() == content


def test_the_command_writes_sidecars(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    place = tmp_path / "new.marque"
    first = photos / "sedan" / "Rossa 2010" / "1.jpg"
    (first.with_name("1.jpg.xmp")).write_text("no xml")
    assert main(["identify", str(photos), "--project", str(place), "--model", str(tiny_model)]) == 0
    assert main(["export", str(place), "--format", "xmp"]) == 1
    assert "11 sidecars written, 1 left as they are" in capsys.readouterr().err
    assert "Vehicle|sedan|Rossa 2010" in first.with_name("2.jpg.xmp").read_text("utf-8")
    assert main(["export", str(place), "--format", "xmp", "--out", "x"]) == 2
    with Project.open(place) as project:
        assert len(project.images.all()) == 12


def test_of_many_problems_people_see_the_first_ones_and_scripts_all(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "new.marque"
    assert main(["identify", str(photos), "--project", str(place), "--model", str(tiny_model)]) == 0
    for photo in photos.rglob("*.jpg"):
        photo.with_name(f"{photo.name}.xmp").write_text("no xml")
    monkeypatch.setattr("app.cli.reports.LISTED", 5)
    capsys.readouterr()
    assert main(["export", str(place), "--format", "xmp"]) == 1
    said = capsys.readouterr().err
    assert said.count("cannot be changed") == 5 and "and 7 more" in said and "12 left as they are" in said
    assert main(["export", str(place), "--format", "xmp-copies", "--out", str(tmp_path / "out"), "--json"]) == 1
    said = capsys.readouterr().err
    assert said.count("cannot be changed") == 12 and "more" not in said


def test_names_with_signs_that_xml_or_paths_forbid(tmp_path: Path) -> None:
    """A packet of ours is well-formed whatever a class is called, and can be written again."""
    names = [
        "Sea\vStar",
        "\x00\x01\x1b[31m",
        "\ud800 half",
        "\ufffe\uffff",
        "A|B/C",
        "<a & 'b'>\"",
        "]]>",
        " ",
        "a\r\nb",
    ]
    for number, name in enumerate(names):
        path = keywords(replace(SHIP, fine=name))
        photo = tmp_path / f"{number}.jpg"
        place = write_sidecar(photo, path)
        assert place is not None and len(path) == 3 and path[2] and "\x0b" not in path[2]
        root = ElementTree.parse(place).getroot()
        assert path[2] in [element.text for element in root.iter() if element.tag.endswith("}li")]
        assert write_sidecar(photo, path) is None
        write_sidecar(photo, ())
        assert "li>" not in place.read_text("utf-8")
    assert keywords(replace(SHIP, fine="Sea\vStar"))[2] == "Sea Star"
    assert keywords(replace(SHIP, fine="<a & 'b'>"))[2] == "<a & 'b'>"


def test_pipes_devices_links_and_folders_are_not_opened(tmp_path: Path) -> None:
    places = [tmp_path / f"{name}.jpg.xmp" for name in ("pipe", "device", "link", "folder", "large")]
    os.mkfifo(places[0])  # would be waited for without end
    places[1].symlink_to("/dev/zero")
    (tmp_path / "elsewhere.xmp").write_text(EXISTING, "utf-8")
    places[2].symlink_to(tmp_path / "elsewhere.xmp")
    places[3].mkdir()
    places[4].write_bytes(EXISTING.encode() + b" " * (16 << 20))
    reasons = ["it is a named pipe", "is a link to another file", "is a link to another", "it is a folder", "has 16 MB"]
    for place, reason in zip(places, reasons, strict=True):
        with pytest.raises(SidecarError, match=f"{place.name}: .*{reason}"):
            write_sidecar(place.with_suffix(""), keywords(SHIP))
    assert (tmp_path / "elsewhere.xmp").read_text("utf-8") == EXISTING and places[2].is_symlink()
    assert sorted(tmp_path.iterdir()) == sorted([*places, tmp_path / "elsewhere.xmp"])


def while_merging(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], times: int) -> None:
    """Something else happens between our reading and our writing of a sidecar."""
    left = [times]

    def merging(*given: Any) -> bytes:
        if left[0]:
            left[0] -= 1
            act()
        return merged(*given)

    monkeypatch.setattr("app.core.metadata.xmp_sidecar.merged", merging)


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "p.jpg.xmp"
    rated = EXISTING.replace('xmp:Rating="4"', 'xmp:Rating="5"')
    while_merging(monkeypatch, lambda: place.write_text(rated, "utf-8"), 1)  # there was none before
    assert write_sidecar(tmp_path / "p.jpg", keywords(SHIP)) == place
    assert 'xmp:Rating="5"' in place.read_text("utf-8") and "MT Alpha" in place.read_text("utf-8")
    while_merging(monkeypatch, lambda: place.write_text(EXISTING, "utf-8"), 1)
    write_sidecar(tmp_path / "p.jpg", ())
    assert place.read_text("utf-8") == EXISTING
    while_merging(monkeypatch, place.unlink, 1)  # then there is nothing to keep
    write_sidecar(tmp_path / "p.jpg", keywords(SHIP))
    assert "MT Alpha" in place.read_text("utf-8") and "Rating" not in place.read_text("utf-8")
    ratings = iter(range(100))
    while_merging(monkeypatch, lambda: place.write_text(f"{EXISTING}<!--{next(ratings)}-->", "utf-8"), -1)
    with pytest.raises(SidecarError, match="another program is writing this sidecar; left as it is; try again later"):
        write_sidecar(tmp_path / "p.jpg", keywords(replace(SHIP, fine="MT Beta")))
    assert place.read_text("utf-8") == f"{EXISTING}<!--{next(ratings) - 1}-->"
    assert list(tmp_path.iterdir()) == [place]


def test_a_sidecar_keeps_its_permissions(tmp_path: Path) -> None:
    place = tmp_path / "p.jpg.xmp"
    place.write_text(EXISTING, "utf-8")
    place.chmod(0o640)
    write_sidecar(tmp_path / "p.jpg", keywords(SHIP))
    assert stat.S_IMODE(place.stat().st_mode) == 0o640


def test_a_photo_that_changed_since_is_not_written_to(
    photos: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    project = str(tmp_path / "new.marque")
    folder = photos / "sedan" / "Rossa 2010"
    assert main(["identify", str(photos), "--project", project, "--model", str(tiny_model)]) == 0
    os.utime(folder / "1.jpg", ns=(1, 1))  # the same photo still
    (folder / "2.jpg").write_bytes((photos / "ship" / "Azzurra class" / "1.jpg").read_bytes())
    (folder / "3.jpg").unlink()
    capsys.readouterr()
    assert main(["export", project, "--format", "xmp"]) == 1
    told = capsys.readouterr().err
    assert f"{folder / '2.jpg'}: has changed since it was identified; identify it again" in told
    assert f"{folder / '3.jpg'}: cannot be read" in told and "10 sidecars written, 2 left as they are" in told
    assert (folder / "1.jpg.xmp").exists()
    assert not (folder / "2.jpg.xmp").exists() and not (folder / "3.jpg.xmp").exists()
    assert main(["export", project, "--format", "xmp-copies", "--out", str(tmp_path / "c")]) == 1
    told = capsys.readouterr().err
    assert f"{folder / '2.jpg'}: has changed since it was identified; identify it again" in told
    assert "10 photos copied" in told and "2 left out" in told
    assert not [path for path in (tmp_path / "c").rglob("[23].jpg*") if path.parent.name == folder.name]
    assert main(["identify", str(photos), "--project", project, "--model", str(tiny_model)]) == 0
    main(["export", project, "--format", "xmp"])
    assert "Vessel|ship|Azzurra class" in (folder / "2.jpg.xmp").read_text("utf-8")


def test_a_new_sidecar_begins_with_the_keywords_that_the_photo_holds(tmp_path: Path) -> None:
    """Programs that read a sidecar take its lists in place of the photo's."""
    photos = {name: tmp_path / f"{name}.jpg" for name in ("bare", "own", "labelled", "older", "damaged", "large")}
    packets = {"own": EXISTING.encode(), "labelled": merged(EXISTING.encode(), keywords(replace(SHIP, fine="MT Beta")))}
    for name, photo in photos.items():
        how: dict[str, Any] = {"xmp": packets.get(name, b"<no xml")} if name in (*packets, "damaged") else {}
        colour_picture((20, 30, 220)).save(photo, **how)
    block = b"\x1c\x02\x19\x00\x07holiday"
    older = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(block).to_bytes(4) + block
    content = photos["older"].read_bytes()
    photos["older"].write_bytes(content[:2] + b"\xff\xed" + (2 + len(older)).to_bytes(2) + older + content[2:])
    content = photos["own"].read_bytes()
    filling = (b"\xff\xe5\xff\xff" + bytes(65_533)) * 20  # more than a megabyte before the packet
    photos["large"].write_bytes(content[:2] + filling + content[2:])
    ours = ["Vessel", "MT Alpha"]
    for name, held in {
        **{key: ["harbour", "tanker"] for key in ("own", "labelled", "large")},
        **{key: [] for key in ("bare", "damaged")},
        "older": ["holiday"],
    }.items():
        place = write_sidecar(photos[name], keywords(SHIP))
        assert place is not None
        found = list(lists(place.read_bytes()).values())
        assert sorted(found[0]) == sorted({*held, *ours, "tanker"}), name
        assert found[1] == [*(["Places|Kiel"] if "harbour" in held else []), "Vessel|tanker|MT Alpha"]
        write_sidecar(photos[name], ())
        assert lists(place.read_bytes())[SUBJECT] == held  # they are the person's
    (tmp_path / "own.jpg.xmp").write_text(EXISTING.replace("harbour", "other"), "utf-8")
    write_sidecar(photos["own"], keywords(SHIP))  # what is there already counts as it is
    assert lists((tmp_path / "own.jpg.xmp").read_bytes())[SUBJECT] == ["other", "tanker", *ours]
