"""A process that adds to a gallery and removes from it, over and over, until somebody kills it.

`test_gallery_killed.py` starts it. It says on standard output what it is about to do and, after that, that it is done.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import count
from pathlib import Path

import numpy as np

from app.core.gallery import search_index
from app.core.gallery.gallery import Gallery
from app.core.gallery.gallery_steps import GallerySteps
from tests.app.synthetic import DIM, entries, vector_of

EXACT = 150
"""References beyond which there is an index, so that it is made and stored at all times."""
_MOST = 400


def say(what: str, **values: object) -> None:
    """A line at once, whole or not at all."""
    sys.stdout.write(json.dumps({"what": what} | values) + "\n")
    sys.stdout.flush()


def change(gallery: Gallery, chance: random.Random, version: int) -> None:
    """Add or remove some, and say which: number -> version of its embedding, None for one that goes."""
    held = {int(one.path[:-4]): one.id for one in gallery.references()}
    some = chance.randint(1, 30)
    if (chance.random() < 0.4 and held) or len(held) > _MOST:
        numbers = chance.sample(sorted(held), min(some, len(held)))
        say("changing", to=dict.fromkeys(numbers))
        ids = [held[number] for number in numbers]
        if chance.random() < 0.5:
            gallery.remove(ids)
        else:
            GallerySteps(gallery).remove(ids, "some removed")
    else:
        numbers = chance.sample(range(2 * _MOST), some)
        say("changing", to=dict.fromkeys(numbers, version))
        vectors = np.stack([vector_of(number, version) for number in numbers])
        if chance.random() < 0.5:
            gallery.add(vectors, entries(numbers))
        else:
            GallerySteps(gallery).add(vectors, entries(numbers), "some added")
    say("changed")


def main() -> None:
    """Everything by chance."""
    path, seed = Path(sys.argv[1]), int(sys.argv[2])
    search_index.EXACT = EXACT
    chance = random.Random(seed)
    say("ready")
    gallery = Gallery.open(path) if path.exists() else Gallery.create(path, "f00d", DIM)
    say("open", approximate=gallery.approximation is not None)
    for number in count():
        kind = chance.random()
        if kind < 0.1:
            new = path.with_name(f"new {seed} {number}.gallery")
            Gallery.create(new, "f00d", DIM).close()
            say("made", name=new.name)
        elif kind < 0.2:
            copy = path.with_name(f"copy {seed} {number}.gallery")
            gallery.copy_to(copy)
            say("made", name=copy.name)
        elif kind < 0.25:
            gallery.close()
            gallery = Gallery.open(path)
            say("open", approximate=gallery.approximation is not None)
        else:
            change(gallery, chance, 1000 * seed + number)


if __name__ == "__main__":
    main()
