import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from model.contract import photo, photo_opening
from model.contract.photo import FitPolicy, PhotoError, fit, placed, read_rgb, upright_size

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(width: int = 40, height: int = 20) -> Image.Image:
    """Red, green / blue, white."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def corners(image: Image.Image) -> list[tuple[int, int, int]]:
    right, bottom = image.width - 2, image.height - 2
    pixels = np.asarray(image.convert("RGB"))
    return [nearest(tuple(pixels[y, x].tolist())) for x, y in ((1, 1), (right, 1), (1, bottom), (right, bottom))]


def nearest(colour: tuple[int, ...]) -> tuple[int, int, int]:
    return min((RED, GREEN, BLUE, WHITE), key=lambda known: sum(abs(a - b) for a, b in zip(known, colour, strict=True)))


UPRIGHT = [RED, GREEN, BLUE, WHITE]

# how a camera held in each way has stored the same upright scene (EXIF 2.32, tag 274)
STORED = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_photos_are_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{suffix}"
    STORED[orientation](quarters()).save(path, exif=exif)
    image = read_rgb(path)
    assert image.size == upright_size(path) == (40, 20)
    assert corners(image) == UPRIGHT


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "exif", [b"Exif\x00\x00MM", b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00" + b"\x07" * 60]
)
def test_a_damaged_exif_block_does_not_cost_the_photo(tmp_path: Path, exif: bytes) -> None:
    path = tmp_path / "photo.jpg"
    quarters().save(path, exif=exif)
    assert corners(read_rgb(path)) == UPRIGHT
    assert upright_size(path) == (40, 20)


@pytest.mark.parametrize("orientation", [0, 9, 4711])
def test_an_orientation_that_does_not_exist_counts_as_none(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    quarters().save(tmp_path / "photo.jpg", exif=exif)
    assert corners(read_rgb(tmp_path / "photo.jpg")) == UPRIGHT


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("CMYK", "jpg"), ("CMYK", "tif"), ("P", "png"), ("P", "gif"), ("RGBA", "png"), ("YCbCr", "jpg"), ("RGB", "webp")],
)
def test_colour_modes_become_rgb(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    quarters().convert(mode).save(path)
    image = read_rgb(path)
    assert image.mode == "RGB"
    assert corners(image) == UPRIGHT


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_becomes_grey_rgb(tmp_path: Path, mode: str) -> None:
    Image.linear_gradient("L").convert(mode).save(tmp_path / "grey.png")
    pixels = np.asarray(read_rgb(tmp_path / "grey.png"))
    assert pixels.shape == (256, 256, 3)
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert pixels[:32].mean() < 40 < 210 < pixels[-32:].mean()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_stretched_to_its_range(tmp_path: Path, suffix: str) -> None:
    ramp = np.linspace(1000, 5000, 256, dtype=np.uint16)[None].repeat(4, axis=0)
    Image.fromarray(ramp).save(tmp_path / f"ramp.{suffix}")
    pixels = np.asarray(read_rgb(tmp_path / f"ramp.{suffix}"))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_float_grey_with_holes_and_of_one_value_is_read(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, np.nan], [np.inf, 2.0]], np.float32)).save(tmp_path / "holes.tif")
    assert np.asarray(read_rgb(tmp_path / "holes.tif"))[..., 0].tolist() == [[0, 0], [0, 255]]
    Image.fromarray(np.full((3, 3), 700, np.uint16)).save(tmp_path / "flat.png")
    assert not np.asarray(read_rgb(tmp_path / "flat.png")).any()


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 5, 10))
    clear.save(tmp_path / "rgba.png")
    clear.convert("LA").save(tmp_path / "la.png")
    palette = Image.new("P", (10, 10), 1)
    palette.putpalette([*BLUE, *RED])
    palette.paste(0, (0, 0, 5, 10))
    palette.save(tmp_path / "palette.png", transparency=1)
    palette.save(tmp_path / "palette.gif", transparency=1)
    keyed = Image.new("RGB", (10, 10), RED)
    keyed.paste(BLUE, (0, 0, 5, 10))
    keyed.save(tmp_path / "keyed.png", transparency=RED)
    for path in tmp_path.iterdir():
        image = read_rgb(path)
        assert image.getpixel((8, 5)) == WHITE, path
        assert image.getpixel((2, 5)) != WHITE, path


def test_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    frames = [quarters().convert("P"), Image.new("P", (40, 20)), Image.new("P", (40, 20))]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert corners(read_rgb(tmp_path / "moving.gif")) == UPRIGHT


def test_names_in_any_script_are_read(tmp_path: Path) -> None:
    path = tmp_path / "Dampfer “Größe” 船 🚢.jpg"
    quarters().save(path)
    assert corners(read_rgb(path)) == corners(read_rgb(str(path))) == UPRIGHT


def reason(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        read_rgb(path)
    with pytest.raises(PhotoError):
        if "cut short" in caught.value.reason:
            raise caught.value  # the header alone does not show it
        upright_size(path)
    assert caught.value.path == path
    assert str(path) in str(caught.value)
    return caught.value.reason


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert reason(tmp_path / "none.jpg") == "the file does not exist"
    assert reason(tmp_path) == "this is a folder, not a picture"
    (tmp_path / "empty.jpg").touch()
    assert reason(tmp_path / "empty.jpg") == "the file is empty"
    (tmp_path / "text.jpg").write_text("no picture at all")
    assert reason(tmp_path / "text.jpg") == "not a picture in a format this program reads"
    assert reason(tmp_path / ("n" * 300 + ".jpg")).startswith("the file cannot be read (")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    quarters().save(tmp_path / "closed.jpg")
    (tmp_path / "closed.jpg").chmod(0)
    assert reason(tmp_path / "closed.jpg") == "no permission to read the file"


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif"])
def test_a_file_that_is_cut_short_says_so(tmp_path: Path, suffix: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8))
    path = tmp_path / f"cut.{suffix}"
    noise.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert reason(path).startswith(("damaged or cut short", "not a picture"))


def test_pictures_of_too_many_pixels_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quarters(60, 50).save(tmp_path / "large.png")
    monkeypatch.setattr(photo_opening, "MAX_PIXELS", 2999)
    with pytest.raises(PhotoError, match="more than this program opens"):
        read_rgb(tmp_path / "large.png")
    monkeypatch.setattr(photo_opening, "MAX_PIXELS", 3000)
    assert read_rgb(tmp_path / "large.png").size == (60, 50)


def encoded(suffix: str) -> bytes:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    noise.save(out, suffix, **({"exif": exif} if suffix != "gif" else {}))
    return out.getvalue()


FORMATS = ["jpeg", "png", "gif", "tiff", "webp", *(["avif"] if features.check("avif") else [])]
ENCODED = {suffix: encoded(suffix) for suffix in FORMATS}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(
    suffix=st.sampled_from(sorted(ENCODED)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    kept=st.floats(0.05, 1),
)
def test_damage_anywhere_in_a_file_is_a_photo_error_or_a_picture(
    tmp_path: Path, suffix: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(ENCODED[suffix])
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(data[: int(kept * len(data))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, about damaged metadata
        for read in (upright_size, read_rgb):
            try:
                got = read(path)
            except PhotoError as error:
                assert error.reason
            else:
                assert read is upright_size or got.mode == "RGB"


@pytest.mark.parametrize("policy", [FitPolicy.SQUASH, FitPolicy.LETTERBOX])
@pytest.mark.parametrize("shape", [(90, 30), (30, 90), (64, 64), (7, 5), (1, 500), (3000, 1000)])
def test_every_corner_stays_in_the_square(policy: FitPolicy, shape: tuple[int, int]) -> None:
    image = quarters(*shape) if min(shape) > 1 else Image.new("RGB", shape, RED)
    square = fit(image, 64, policy)
    assert (square.shape, square.dtype) == ((64, 64, 3), np.uint8)
    if policy is FitPolicy.LETTERBOX:
        inside = np.argwhere(np.abs(square - np.array([124, 116, 104])).max(-1) > 9)
        (top, left), (bottom, right) = inside.min(0), inside.max(0)
        assert (right - left + 1, bottom - top + 1) == tuple(max(1, round(side * 64 / max(shape))) for side in shape)
        assert abs((top + bottom) - 63) <= 1
        assert abs((left + right) - 63) <= 1
        square = square[top : bottom + 1, left : right + 1]
    if min(shape) > 1:
        places = square[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert [nearest(tuple(int(level) for level in place)) for place in places] == UPRIGHT


@pytest.mark.parametrize("shape", [(90, 30), (30, 90), (3000, 1000), (1, 500)])
def test_the_middle_is_cut_out_in_its_proportions(shape: tuple[int, int]) -> None:
    image = Image.new("RGB", shape, RED)
    side = min(shape)
    left, top = ((length - side) // 2 for length in shape)
    image.paste(BLUE, (left, top, left + side, top + side))
    square = fit(image, 64, FitPolicy.CROP)
    assert (square.shape, square.dtype) == ((64, 64, 3), np.uint8)
    assert (square == BLUE).all()


@given(st.integers(1, 4000), st.integers(1, 4000), st.sampled_from(FitPolicy))
def test_where_a_picture_is_placed_is_the_middle(width: int, height: int, policy: FitPolicy) -> None:
    left, top, right, bottom = placed(width, height, policy)
    assert left + right == pytest.approx(1) and top + bottom == pytest.approx(1)
    across, down = right - left, bottom - top
    if policy is FitPolicy.SQUASH:
        assert (across, down) == (1, 1)
    else:
        assert across / down == pytest.approx(width / height)
        assert (max if policy is FitPolicy.LETTERBOX else min)(across, down) == pytest.approx(1)


def test_a_square_of_the_right_size_is_left_alone() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    for policy in FitPolicy:
        assert np.array_equal(fit(Image.fromarray(noise), 48, policy), noise)


def test_reducing_first_stays_close_to_resizing_at_once() -> None:
    rows, columns = np.mgrid[0:600, 0:900]
    waves = np.stack([np.sin(rows / 40), np.cos(columns / 55), np.sin((rows + columns) / 70)], -1)
    image = Image.fromarray((127 + 120 * waves).astype(np.uint8))
    exact = np.asarray(image.resize((96, 96), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(fit(image, 96, FitPolicy.SQUASH) - exact).max() <= 3


def golden_square(policy: FitPolicy) -> np.ndarray:
    rows, columns = np.mgrid[0:240, 0:400]
    picture = np.stack([rows, columns // 2, (rows * columns) % 256], -1).astype(np.uint8)
    picture[60:180, 100:300] = (200, 30, 90)
    return fit(Image.fromarray(picture), 64, policy)


# every eighth pixel of every eighth row, from the fifth
GOLDEN = {
    FitPolicy.SQUASH: (
        "100d9710267e103f7a10587d107166108a6910a38410bc812e0d7f2e267a2e3f722e58842e717e2e8a7e2ea37f2ebc82"
        "4c0d764c2681c81e5ac81e5ac81e5ac81e5a4ca3844cbc856a0d796a267cc81e5ac81e5ac81e5ac81e5a6aa3826abc82"
        "880d80882681c81e5ac81e5ac81e5ac81e5a88a38388bc8ba60d7fa6268cc81e5ac81e5ac81e5ac81e5aa6a380a6bc83"
        "c40d80c4267dc43f7ac45884c4717cc48a7cc4a37cc4bc85e20d84e22680e23f75e2587fe2717de28a81e2a37be2bc81"
    ),
    FitPolicy.LETTERBOX: (
        "7c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c7468"
        "2f0e7f2f277c2f40722f59832f727f2f8b7f2fa4802fbd80610e7d61277bc81e5ac81e5ac81e5ac81e5a61a47c61bd7d"
        "940e8194277fc81e5ac81e5ac81e5ac81e5a94a47d94bd7dc60e82c6277cc64079c65983c6727ac68b7dc6a47cc6bd82"
        "7c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c74687c7468"
    ),
    FitPolicy.CROP: (
        "103077103f86104e81105d7c106c7d107b62108a5310997a2e307d2e3f7b2e4e772e5d832e6c8a2e7b752e8a862e998e"
        "4d307fc81e5ac81e5ac81e5ac81e5ac81e5ac81e5a4c997d6b3084c81e5ac81e5ac81e5ac81e5ac81e5ac81e5a6a9982"
        "893079c81e5ac81e5ac81e5ac81e5ac81e5ac81e5a88997da63085c81e5ac81e5ac81e5ac81e5ac81e5ac81e5aa6997f"
        "c4307dc43f84c44e81c45d87c46c82c47b7ac48a82c4997be2307be23f78e24e87e25d80e26c81e27b64e28a99e29979"
    ),
}


@pytest.mark.parametrize("policy", FitPolicy)
def test_trainer_and_program_see_the_same_square_for_ever(policy: FitPolicy) -> None:
    """Where this fails, finished model files see other pixels than those they were trained on."""
    expected = np.frombuffer(bytes.fromhex(GOLDEN[policy]), np.uint8).reshape(8, 8, 3).astype(int)
    # builds of Pillow may round differently
    assert np.abs(golden_square(policy)[4::8, 4::8] - expected).max() <= 2


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "RGBA", "LA", "P"])
def test_large_pictures_are_converted_in_bands_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    chance = np.random.default_rng(0)
    if mode in ("I;16", "I", "F"):
        values = chance.integers(0, 65536, (37, 53)).astype({"I;16": "<u2", "I": "<i4", "F": "<f4"}[mode])
        path = tmp_path / "a.tif"
        Image.fromarray(values).save(path)
    else:
        picture = Image.fromarray(chance.integers(0, 256, (37, 53, 4), dtype=np.uint8), "RGBA")
        path = tmp_path / "a.png"
        options: dict[str, Any] = {"transparency": 3} if mode == "P" else {}
        picture.convert(mode).save(path, **options)
    whole = np.asarray(read_rgb(path))
    if mode in ("I;16", "I", "F"):
        scaled = (values.astype(float) - values.min()) / (float(values.max()) - values.min())
        assert (whole == (scaled * 255).round().astype(np.uint8)[..., None]).all()
    monkeypatch.setattr(photo, "_BAND", 500)
    monkeypatch.setattr(photo, "_GREY_BAND", 300)
    assert (np.asarray(read_rgb(path)) == whole).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_grey_tiff_files_are_turned_as_others(tmp_path: Path, orientation: int, compression: str | None) -> None:
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 53), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    grey.save(tmp_path / "a.png", exif=exif)
    grey.save(tmp_path / "a.tif", exif=exif, compression=compression)
    assert (np.asarray(read_rgb(tmp_path / "a.tif")) == np.asarray(read_rgb(tmp_path / "a.png"))).all()
    assert read_rgb(tmp_path / "a.tif").size == upright_size(tmp_path / "a.tif")
