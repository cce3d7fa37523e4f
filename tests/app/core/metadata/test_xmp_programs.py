"""What exiftool reads of the sidecars of other programs is the same before and after, but for our keywords."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from app.core.metadata.xmp import merged
from tests.app.core.metadata.test_xmp import EXISTING
from tests.app.core.metadata.test_xmp_lists import BAG, EMPTY, FORMS, PACKET, PATH

LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000, 0000/00/00-00:00:00        ">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
    xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"
    xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"
   xmp:Rating="5"
   xmp:Label="Rot"
   xmp:CreateDate="2024-05-01T12:30:00.00+02:00"
   tiff:Orientation="6"
   photoshop:SidecarForExtension="CR3"
   crs:Exposure2012="+0.35"
   crs:HasSettings="True">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Hafen</rdf:li>
     <rdf:li>Kiel &amp; Umgebung</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Orte|Kiel &amp; Umgebung</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <dc:title>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">Größe</rdf:li>
     <rdf:li xml:lang="en">Size</rdf:li>
    </rdf:Alt>
   </dc:title>
   <xmpMM:History>
    <rdf:Seq>
     <rdf:li stEvt:action="derived" stEvt:parameters="saved to new location"/>
     <rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action><stEvt:changed>/</stEvt:changed></rdf:li>
    </rdf:Seq>
   </xmpMM:History>
   <mwg-rs:Regions rdf:parseType="Resource">
    <mwg-rs:AppliedToDimensions stDim:w="6000" stDim:h="4000" stDim:unit="pixel"/>
    <mwg-rs:RegionList>
     <rdf:Bag>
      <rdf:li>
       <rdf:Description mwg-rs:Name="Grandpa" mwg-rs:Type="Face">
        <mwg-rs:Area stArea:x="0.5" stArea:y="0.4" stArea:w="0.1" stArea:h="0.2" stArea:unit="normalized"/>
       </rdf:Description>
      </rdf:li>
     </rdf:Bag>
    </mwg-rs:RegionList>
   </mwg-rs:Regions>
   <crs:ToneCurvePV2012>
    <rdf:Seq>
     <rdf:li>0, 0</rdf:li>
     <rdf:li>255, 255</rdf:li>
    </rdf:Seq>
   </crs:ToneCurvePV2012>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
PADDING
<?xpacket end="w"?>""".replace("PADDING", "\n".join([" " * 100] * 20))

DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:MP="http://ns.microsoft.com/photo/1.2/"
    xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
    xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"
    xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
   digiKam:PickLabel="2"
   digiKam:ColorLabel="3"
   xmp:Rating="3"
   acdsee:categories="&lt;Categories&gt;&lt;Category Assigned=&quot;1&quot;&gt;Kiel&lt;/Category&gt;">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>Orte/Kiel</rdf:li>
     <rdf:li>People/Grandpa</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <digiKam:CaptionsAuthorNames>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">ann</rdf:li>
    </rdf:Alt>
   </digiKam:CaptionsAuthorNames>
   <MicrosoftPhoto:LastKeywordXMP>
    <rdf:Bag>
     <rdf:li>Orte/Kiel</rdf:li>
    </rdf:Bag>
   </MicrosoftPhoto:LastKeywordXMP>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Orte|Kiel</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Kiel</rdf:li>
     <rdf:li>Grandpa</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <MP:RegionInfo rdf:parseType="Resource">
    <MPRI:Regions>
     <rdf:Bag>
      <rdf:li MPReg:PersonDisplayName="Grandpa" MPReg:Rectangle="0.4, 0.3, 0.1, 0.2"/>
     </rdf:Bag>
    </MPRI:Regions>
   </MP:RegionInfo>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:darktable="http://darktable.sf.net/"
   exif:DateTimeOriginal="2024:05:01 12:30:00"
   xmp:Rating="-1"
   xmpMM:DerivedFrom="a.jpg"
   darktable:xmp_version="5"
   darktable:raw_params="0"
   darktable:auto_presets_applied="1"
   darktable:history_end="2">
   <darktable:masks_history>
    <rdf:Seq/>
   </darktable:masks_history>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:params="gz02eJxjYGBgYAFiCQYYOOHEgAZY0QWAgBGLHQAgQwFq"
      darktable:multi_name=""/>
     <rdf:li
      darktable:num="1"
      darktable:operation="filmicrgb"
      darktable:params="gz09eJxjZGBgYABiBgYJBjBghNIgHABJZgC6"/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

STRANGE = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<!-- a remark before all -->
<x:xmpmeta xmlns:x='adobe:ns:meta/'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
 <rdf:Description rdf:about='' xmlns:a='urn:somebody/1.0/' a:One='1'>
  <a:Two><![CDATA[x & y]]></a:Two>
  <a:Three rdf:resource='urn:three'/>
  <?somebody does something?>
 </rdf:Description>
 <rdf:Description rdf:about='' xmlns:b='urn:somebody else/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'>
  <xmp:Rating>2</xmp:Rating>
  <b:Deep><rdf:Bag><rdf:li rdf:parseType='Resource'>
   <b:x>1</b:x><b:y><rdf:Seq><rdf:li>q</rdf:li></rdf:Seq></b:y>
  </rdf:li></rdf:Bag></b:Deep>
 </rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end='r'?>"""

SAMPLES = (
    {"Lightroom": LIGHTROOM, "digiKam": DIGIKAM, "darktable": DARKTABLE, "strange": STRANGE, "existing": EXISTING}
    # of a list that is in two descriptions exiftool reads one
    | {form: PACKET % text for form, text in (FORMS | EMPTY).items() if form != "in two descriptions"}
    | {"CDATA with a tag": PACKET % (BAG % "<rdf:li>a</rdf:li><rdf:li>a &lt; b &#38; c</rdf:li>")}
)
ENCODED = {
    "UTF-8 with a mark": ("\ufeff" + LIGHTROOM.removeprefix("\ufeff")).encode(),
    "UTF-16, little-endian": ("\ufeff" + LIGHTROOM).encode("utf-16-le"),
    "UTF-16, big-endian": LIGHTROOM.encode("utf-16-be"),
    "UTF-32": DIGIKAM.encode("utf-32-le"),
}
OF_THE_FILE = ("SourceFile", "System:", "File:FileType", "File:MIMEType", "ExifTool:ExifToolVersion")
LISTS = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList", "XMP-marque:Added")


def all_tags(folder: Path) -> dict[str, dict[str, object]]:
    """All tags of all files in a folder, with their structures, by the files' names."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed")
    arguments = [program, "-json", "-G1", "-struct", "-a", "-u", "-ext", "*", str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    # the file's own facts, such as its size and where its further pictures begin, are another matter
    return {
        Path(one["SourceFile"]).name: {
            tag: value
            for tag, value in one.items()
            if not tag.startswith(OF_THE_FILE) and "MPImageStart" not in tag and "MPImageLength" not in tag
        }
        for one in json.loads(done.stdout)
    }


def words(tags: dict[str, object], name: str) -> list[str]:
    value = tags.get(name, [])
    return [str(one) for one in value if one] if isinstance(value, list) else [str(value)] if str(value).strip() else []


def test_exiftool_reads_the_same_before_and_after(tmp_path: Path) -> None:
    packets = {name: text.encode() for name, text in SAMPLES.items()} | ENCODED
    for step in ("before", "after", "back"):
        (tmp_path / step).mkdir()
    for name, packet in packets.items():
        labelled = merged(packet, PATH)
        for step, content in (("before", packet), ("after", labelled), ("back", merged(labelled, ()))):
            (tmp_path / step / f"{name}.xmp").write_bytes(content)
    before, after, back = (all_tags(tmp_path / step) for step in ("before", "after", "back"))
    assert len(before) == len(packets)
    for name, tags in before.items():
        assert tags, name  # exiftool takes it for XMP
        rest = {tag: value for tag, value in tags.items() if tag not in LISTS}
        assert {tag: value for tag, value in after[name].items() if tag not in LISTS} == rest, name
        assert {tag: value for tag, value in back[name].items() if tag not in LISTS} == rest, name
        held = [words(tags, one) for one in LISTS[:3]]
        ours = [list(PATH), ["|".join(PATH)], ["/".join(PATH)]]
        assert [words(after[name], one) for one in LISTS[:3]] == [a + b for a, b in zip(held, ours, strict=True)], name
        assert [words(back[name], one) for one in LISTS] == [*held, []], name


@pytest.mark.parametrize("text", [LIGHTROOM, DIGIKAM, DARKTABLE, STRANGE])
def test_not_a_byte_of_a_known_sidecar_is_lost(text: str) -> None:
    after = merged(text.encode(), PATH)
    assert merged(after, ()) == text.encode() and len(after) > len(text.encode())
    for line in text.split("\n"):
        assert line.encode() in after
