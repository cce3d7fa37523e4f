"""Boxes of vehicles and vessels by a trained COCO detector: what the finder learns from beside the boxes of people.

`python -m model.detection.teacher --photos DIR --teacher FILE.onnx --out boxes.csv`. The detector is PicoDet (Yu et
al., "PP-PicoDet", 2021) in the export of PaddleDetection without its last step: maps of scores, and maps of how far
each side of a box is. It is also the yardstick that the finder is measured against, and is never part of the program.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from model.console import console
from model.console.arguments import read as read_arguments
from model.contract.finding import KINDS, FoundBoxes, found_boxes
from model.contract.photo import FitPolicy, PhotoError, fit, read_rgb
from model.contract.samples import DataError
from model.data.readers.reading import require_folder
from model.method.network import IMAGENET_MEAN, IMAGENET_STD
from model.system.onnx_runtime import FAULTS, onnxruntime
from model.system.outputs import Output
from model.system.photo_files import scan
from model.system.reading import read_file

COLUMNS = ("file", "sha256", "x1", "y1", "x2", "y2", "kind", "score")
"""Of the table of boxes; a photo without any box has one row with these empty."""

_SIDE = 416
_STRIDES = (8, 16, 32, 64)
_BINS = 8  # distances of a side that the detector tells apart
_CLASSES = ((2, 3, 5, 7), (8,))  # of COCO, for each kind: car, motorcycle, bus, truck; boat
_SAME_KIND, _OTHER_KIND = 0.6, 0.8  # overlap (IoU) from which two boxes are one
_LEAST_SCORE = 0.1
_MEAN, _DEVIATION = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)


class Teacher:
    """A PicoDet detector of COCO's 80 classes."""

    def __init__(self, path: Path) -> None:
        """Raises DataError if the file is not such a detector."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(read_file(path), options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise DataError(f"{path}: the file cannot be read ({error.strerror})") from error
        except FAULTS as error:
            raise DataError(f"{path}: not an ONNX model that can be run ({error})") from error
        shapes = [tuple(output.shape) for output in self._session.get_outputs()]
        places = [(-(-_SIDE // stride)) ** 2 for stride in _STRIDES]
        if shapes != [(1, count, depth) for depth in (80, 4 * _BINS) for count in places]:
            raise DataError(
                f"{path}: not PicoDet for COCO at {_SIDE} pixels with its maps as outputs; they are {shapes}"
            )
        self._input = self._session.get_inputs()[0].name
        self._middles = np.concatenate([_middles(stride) for stride in _STRIDES])
        self._strides = np.repeat(_STRIDES, places)[:, None, None].astype(np.float32)

    def __call__(self, picture: Image.Image) -> FoundBoxes:
        """The vehicles and vessels in an RGB picture."""
        pixels = np.asarray(fit(picture, _SIDE, FitPolicy.SQUASH), np.float32) / 255
        pixels = (pixels - _MEAN) / _DEVIATION
        found = self._session.run(None, {self._input: pixels.transpose(2, 0, 1)[None]})
        scores = np.concatenate([scores[0] for scores in found[:4]])
        by_kind = np.stack([scores[:, list(classes)].max(1) for classes in _CLASSES], 1)
        kept = np.flatnonzero(by_kind.max(1) >= _LEAST_SCORE)
        boxes = self._boxes(np.concatenate([sides[0] for sides in found[4:]])[kept], kept)
        boxes *= np.array([*picture.size] * 2, np.float32) / _SIDE
        return found_boxes(
            boxes,
            by_kind[kept],
            picture.size,
            least=_LEAST_SCORE,
            same_kind=_SAME_KIND,
            other_kind=_OTHER_KIND,
            most=len(boxes),
        )

    def _boxes(self, sides: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Boxes in pixels of the square; each side is a distribution over whole distances in strides."""
        spread = np.exp((bins := sides.reshape(len(places), 4, _BINS)) - bins.max(2, keepdims=True))
        away = (spread * np.arange(_BINS)).sum(2) / spread.sum(2) * self._strides[places, :, 0]
        return self._middles[places] + away * (-1, -1, 1, 1)


def _middles(stride: int) -> np.ndarray:
    """The places of a map, row by row, as x, y, x, y."""
    along = (np.arange(-(-_SIDE // stride), dtype=np.float32) + 0.5) * stride
    y, x = np.meshgrid(along, along, indexing="ij")
    return np.stack([x, y, x, y], -1).reshape(-1, 4)


def boxes_of(photos: Path, teacher: Teacher, report: Callable[[int], None]) -> str:
    """The teacher's boxes on all photos below a folder, as CSV with COLUMNS; photos that cannot be read are left out.

    Args:
        photos: the folder; files are named relative to it.
        teacher: what looks at them.
        report: called with the number of photos looked at.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number, path in enumerate(scan([photos]), start=1):
        try:
            found = teacher(read_rgb(path))
        except PhotoError as error:
            console.note(str(error))
            continue
        with path.open("rb") as file:
            known = (path.relative_to(photos).as_posix(), hashlib.file_digest(file, "sha256").hexdigest())
        for box, kind, score in zip(*found, strict=True):
            writer.writerow((*known, *(f"{side:.1f}" for side in box), KINDS[kind], f"{score:.4f}"))
        if not len(found.boxes):
            writer.writerow((*known, *[""] * (len(COLUMNS) - len(known))))
        report(number)
    return text.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit code: 0, or 2 where it cannot be done."""

    def command(photos: Path, teacher: Path, out: Path) -> tuple[Path, Path, Path]:
        """Write down the vehicles and vessels that a trained detector finds in photos.

        Args:
            photos: Folder; all photos in it and in its folders are looked at.
            teacher: The detector: PicoDet for COCO at 416 pixels, an ONNX file with its maps as outputs.
            out: The table, a CSV file.
        """
        return photos, teacher, out

    photos, teacher, out = read_arguments(command, "model.detection.teacher", arguments)

    def work() -> int:
        require_folder(photos)
        output = Output(out, "table of boxes", inputs=[photos, teacher])
        looks = Teacher(teacher)
        with console.progress() as bar:
            task = bar.add_task("photos", total=sum(1 for _ in scan([photos])))
            text = boxes_of(photos, looks, lambda done: bar.update(task, completed=done))
        console.result(f"written: {output.write(lambda file: file.write(text.encode())).place}")
        return 0

    return console.run(work)


if __name__ == "__main__":
    sys.exit(main())
