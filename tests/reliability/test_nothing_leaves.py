"""Nothing leaves the computer, and nothing is written where Marque has no business: system calls show it.

No connection but within the computer by files (AF_UNIX), no look-up of a name, no change outside the project and the
output that were asked for, Marque's own folders and the temporary folder.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from model.system.privacy import TELEMETRY_OFF
from tests.app.tiny import COLOURS, colour_picture
from tests.checkout import ROOT
from tests.reliability.killing import cannot_trace
from tests.reliability.tracing import Traced, traced

PROGRAM = ("-c", "import sys; from app.cli import main; sys.exit(main())")

OUR_FOLDERS = (".local/share/marque", ".config/marque", ".cache/marque")
"""Below the home folder."""
CACHES = {
    ".cache/fontconfig": "fontconfig: which fonts there are",
    ".cache/mesa_shader_cache": "Mesa: programs of the graphics card",
    ".cache/mesa_shader_cache_db": "Mesa, newer versions",
    ".nv": "NVIDIA's driver: programs of the graphics card",
}
"""Below the home folder, made by the system's libraries for all programs."""

pytestmark = pytest.mark.skipif(bool(cannot_trace()), reason=cannot_trace() or "strace can trace")


BUILD_MACHINES = (
    "CI",
    "BUILD_",
    "BUILDKITE",
    "CIRCLECI",
    "GITHUB_",
    "GITLAB_",
    "JENKINS",
    "TEAMCITY",
    "TF_BUILD",
    "TRAVIS",
)
"""Variables by which onnxruntime knows a build machine, where it sends nothing by itself; people have none of them."""


@dataclass(frozen=True)
class Place:
    """A home and a temporary folder of their own, and a folder for what a person works on."""

    home: Path
    temporary: Path
    work: Path
    logs: Path

    def run(self, *words: object) -> Traced:
        """Run Python with these words, in an environment as a person has it, that names no other folder."""
        named = ("XDG_", "MARQUE_", "MPL", "TORCH_HOME", *BUILD_MACHINES, *TELEMETRY_OFF)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(named)}
        environment |= {"HOME": str(self.home), "TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)}
        logs = Path(tempfile.mkdtemp(dir=self.logs))
        return traced([sys.executable, *words], logs, environment, self.work)

    def check(self, *words: object, outputs: Sequence[Path] = ()) -> Traced:
        """Run them; nothing leaves, and nothing but the outputs, and what they contain, is changed."""
        done = self.run(*words)
        assert done.code == 0, done.err
        assert done.network == []
        assert self.outside(done.changed, outputs) == []
        return done

    def outside(self, changed: set[Path], outputs: Sequence[Path]) -> list[Path]:
        """What was changed and is nobody's business."""
        ours = [self.home / name for name in OUR_FOLDERS]
        allowed = [*ours, *(self.home / name for name in CACHES), self.temporary, Path("/dev/shm"), *outputs]
        above = {parent for folder in ours for parent in folder.parents if parent.is_relative_to(self.home)}
        known = {*above, *map(Path, ("/dev/null", "/dev/tty"))}

        def is_known(path: Path) -> bool:
            return (
                path in known
                or any(path.is_relative_to(place) for place in allowed)
                or any(_is_beside(path, output) for output in outputs)
                # Python's compiled modules beside the program's own; installed programs have them already
                or (path.parent.name == "__pycache__" or path.name == "__pycache__")
            )

        return sorted(path for path in changed if not is_known(path))


def _is_beside(path: Path, output: Path) -> bool:
    """Whether it is a file in the making, or what SQLite puts beside a database."""
    if not path.is_relative_to(output.parent):
        return False
    first = path.relative_to(output.parent).parts[0]
    return re.match(rf"\.marque-\w+\.part|\.?{re.escape(output.name)}[-.]", first) is not None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folders = [tmp_path / name for name in ("home", "temporary", "work", "logs")]
    for folder in folders:
        folder.mkdir()
    return Place(*folders)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))", "192.0.2.1"),
        ("import socket\ntry: socket.getaddrinfo('marque.invalid', 80)\nexcept OSError: pass", "resolv.conf"),
        ("import socket; socket.socket(socket.AF_INET6).bind(('::1', 0))", "AF_INET6"),
    ],
    ids=["connect", "look up", "listen"],
)
def test_the_network_is_noticed(place: Place, code: str, told: str) -> None:
    assert any(told in line for line in place.run("-c", code).network)


def test_a_file_elsewhere_is_noticed(place: Place) -> None:
    """Also of onnxruntime itself, which makes a device id when it is loaded without our variable."""
    (place.work / "old").touch()
    code = "import os, pathlib, onnxruntime; os.rename('old', 'new'); (pathlib.Path.home() / 'x').mkdir()"
    done = place.run("-c", code)
    assert done.code == 0, done.err
    found = place.outside(done.changed, [])
    assert {place.work / "old", place.work / "new", place.home / "x"} <= set(found)
    assert any(path.name.startswith("deviceid") for path in found)


def test_doctor_and_a_table_use_no_network(place: Place, tiny_model: Path, tiny_gallery: Path, photos: Path) -> None:
    place.check(*PROGRAM, "doctor")
    table = place.work / "labels.csv"
    options = ("--model", tiny_model, "--gallery", tiny_gallery, "--out", table)
    place.check(*PROGRAM, "identify", photos, *options, outputs=[table])
    assert table.is_file()


def test_the_window_uses_no_network(place: Place, tiny_model: Path) -> None:
    """Every page, with so many photos that the map is laid out in a process of its own."""
    photos = place.work / "photos"
    photos.mkdir()
    for number in range(210):
        colour_picture(list(COLOURS.values())[number % 4], seed=number, size=(32, 32)).save(photos / f"{number}.jpg")
    done = place.check(
        "-m", "tests.reliability.tour", photos, "210", "--model", tiny_model, "--device", "cpu", "--theme", "dark"
    )
    assert list((place.home / ".local/share/marque").glob("unsaved *.marque")), done.err


@pytest.mark.slow
def test_a_project_uses_no_network(place: Place, tiny_model: Path, photos: Path) -> None:
    work = place.work
    project, gallery = work / "work.marque", work / "own.gallery"
    model = ("--model", tiny_model)
    place.check(*PROGRAM, "identify", photos, "--project", project, *model, "--gallery", "none", outputs=[project])
    for form, name in (("csv", "a.csv"), ("xlsx", "a.xlsx"), ("jsonl", "a.jsonl"), ("coco", "a.json")):
        out = work / name
        place.check(*PROGRAM, "export", project, "--format", form, "--out", out, outputs=[project, out])
        assert out.is_file()
    copies, training = work / "copies", work / "training.csv"
    place.check(*PROGRAM, "export", project, "--format", "training", "--out", training, outputs=[project, training])
    place.check(*PROGRAM, "export", project, "--format", "xmp-copies", "--out", copies, outputs=[project, copies])
    place.check(*PROGRAM, "export", project, "--format", "xmp", outputs=[project, photos])
    for how in ((), ("--move",)):
        filed = work / f"filed{how}"
        place.check(*PROGRAM, "file", project, "--into", filed, *how, outputs=[project, photos, filed])
    filed = work / f"filed{('--move',)}"
    place.check(*PROGRAM, "undo", project, outputs=[project, photos, filed])
    place.check(*PROGRAM, "undo", project, "--redo", outputs=[project, photos, filed])
    place.check(*PROGRAM, "enrol", filed, "--gallery", gallery, *model, outputs=[gallery, work / "own.gallery.index"])


_SMALL = (
    *("--backbone", "resnet18", "--weights", "none", "--embedding-dim", "8", "--size", "32", "--epochs", "1"),
    *("--batch-coarse", "2", "--batch-fine", "2", "--batch-images", "3", "--accelerator", "cpu"),
    *("--precision", "32-true", "--validation", "0.2"),
)


@pytest.mark.slow
def test_a_training_and_what_follows_it(place: Place) -> None:
    run, out = place.work / "run", place.work / "out"
    out.mkdir()
    place.check("-m", "model.train", "--data", "demo:", "--out", run, *_SMALL, outputs=[run])
    model = out / "model.onnx"
    place.check("-m", "model.evaluate", run, outputs=[run])
    place.check("-m", "model.calibrate", run, outputs=[run])
    place.check("-m", "model.export", run, "--out", model, outputs=[run, out])
    place.check("-m", "model.versus", run, "--model", model, outputs=[run])


_PLAN = """
title = "A small one"
mode = "frozen"
seeds = 2
[base.data]
split = "class_disjoint"
validation = 0.0
[base.network]
backbone = "resnet18"
weights = "none"
embedding_dim = 8
[base.input]
size = 32
[base.optimiser]
epochs = 1
[axes.rule]
random = { "loss.rule" = "random" }
semi_easy = { "loss.rule" = "semi_easy" }
[[baseline]]
rule = "random"
"""


@pytest.mark.slow
def test_a_study_uses_no_network(place: Place, picture_folder: Path) -> None:
    plan, out = place.work / "plan.toml", place.work / "study"
    plan.write_text(_PLAN, encoding="utf-8")
    data = f"folder:{picture_folder}"
    place.check("-m", "model.study", plan, "--data", data, "--out", out, "--jobs", "2", outputs=[out])
    assert (out / "report.md").is_file()


@pytest.mark.slow
def test_ray_uses_only_this_computer(place: Place, tiny_model: Path, photos: Path) -> None:
    """Its processes talk to each other over the network, so they may do so within this computer."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "marque[ray]"')
    table = place.work / "labels.csv"
    options = ("--model", tiny_model, "--gallery", "none", "--out", table, "--engine", "ray")
    with tempfile.TemporaryDirectory(prefix="r") as short:  # its sockets are there, and their paths must be short
        place = replace(place, temporary=Path(short))
        done = place.run(*PROGRAM, "identify", photos, *options)
    assert done.code == 0, done.err
    assert done.network and done.reached == []
    priorities = [path for path in done.changed if path.parts[1] == "proc"]  # which of them goes first without memory
    assert place.outside(done.changed, [table, place.home / ".ray", *priorities]) == []
