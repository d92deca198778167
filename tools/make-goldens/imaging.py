#!/usr/bin/env python3
"""Writes what Pillow makes of pictures: Tests/Fixtures/imaging, described in its README.md.

    python3 tools/make-goldens/imaging.py
    python3 tools/make-goldens/imaging.py --scikit-image FOLDER

The second also makes the pictures that everything else is made from, sources/*.png, out of scikit-image's package data
(the folder skimage/data of its wheel); the first takes them as they lie there. Needs Pillow and NumPy.
"""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageOps
from PIL import __version__ as pillow_version

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "imaging"
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# Down, up, far down, one side only, mixed.
SIZES = [(40, 23), (150, 90), (13, 9), (97, 30), (31, 90), (1, 1)]
# EXIF orientation to what turns a picture upright (Exif 2.32, tag 274).
UPRIGHT = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
INVERSE = {Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270}


def save_png(picture: Image.Image, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)


def sources(scikit_image: pathlib.Path) -> None:
    """Three photographs, cut to what matters and scaled to odd sizes."""
    for name, box, size in (
        ("coffee", (50, 0, 536, 306), (97, 61)),
        ("astronaut", (100, 0, 345, 390), (61, 97)),
        ("chelsea", (80, 20, 380, 220), (96, 64)),
    ):
        picture = Image.open(scikit_image / f"{name}.png").convert("RGB").crop(box)
        save_png(picture.resize(size, Image.Resampling.LANCZOS), FOLDER / "sources" / f"{name}.png")


def source(name: str) -> Image.Image:
    return Image.open(FOLDER / "sources" / f"{name}.png").convert("RGB")


def resizes() -> list[dict[str, object]]:
    rows = []
    for name in ("coffee", "astronaut"):
        for filter_name, resampling in FILTERS.items():
            for width, height in SIZES:
                path = f"resize/{name}-{filter_name}-{width}x{height}.png"
                save_png(source(name).resize((width, height), resampling), FOLDER / path)
                rows.append(
                    {
                        "source": f"sources/{name}.png",
                        "filter": filter_name,
                        "width": width,
                        "height": height,
                        "expected": path,
                    }
                )
    return rows


def decoded(file: bytes | pathlib.Path) -> Image.Image:
    """RGB, upright, without alpha."""
    picture = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file)
    picture.load()
    return ImageOps.exif_transpose(picture).convert("RGB")


def pattern() -> Image.Image:
    """24 x 16 pixels of which no turn or mirror image is the same: a red, a green and a blue corner on a ramp."""
    x, y = numpy.meshgrid(numpy.arange(24), numpy.arange(16))
    pixels = numpy.stack([40 + 5 * x, 60 + 8 * y, 90 + 2 * (x + y)], axis=-1).astype(numpy.uint8)
    pixels[:8, :8] = (230, 30, 30)
    pixels[:8, 16:] = (30, 200, 30)
    pixels[8:, :8] = (30, 30, 220)
    return Image.fromarray(pixels)


def jpeg(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", **{"quality": 90, **options})
    return file.getvalue()


def jpegs() -> dict[str, bytes]:
    cat = source("chelsea")
    odd = source("coffee")
    files = {
        "baseline-420": jpeg(odd, subsampling="4:2:0"),
        "baseline-422": jpeg(odd, subsampling="4:2:2"),
        "baseline-444": jpeg(odd, subsampling="4:4:4"),
        "progressive-420": jpeg(odd, subsampling="4:2:0", progressive=True),
        "progressive-444": jpeg(odd, subsampling="4:4:4", progressive=True),
        "restarts-420": jpeg(cat, subsampling="4:2:0", restart_marker_rows=1),
        "optimised-420": jpeg(cat, subsampling="4:2:0", optimize=True),
        "low-quality-420": jpeg(cat, subsampling="4:2:0", quality=15),
        "grey": jpeg(odd.convert("L")),
        "grey-progressive": jpeg(odd.convert("L"), progressive=True),
        "cmyk-adobe": jpeg(with_black(odd), subsampling="4:4:4", quality=95),
        "one-pixel": jpeg(odd.crop((0, 0, 1, 1))),
    }
    for orientation, turn in UPRIGHT.items():
        stored = pattern() if turn is None else pattern().transpose(INVERSE.get(turn, turn))
        exif = Image.Exif()
        exif[0x0112] = orientation
        files[f"orientation-{orientation}"] = jpeg(stored, subsampling="4:4:4", quality=95, exif=exif)
    return files


def with_black(picture: Image.Image) -> Image.Image:
    """CMYK with as much black as the three inks share, which uses all four channels."""
    ink = 255 - numpy.asarray(picture).astype(numpy.int32)
    black = ink.min(axis=2, keepdims=True)
    colour = (ink - black) * 255 // numpy.maximum(255 - black, 1)
    return Image.fromarray(numpy.concatenate([colour, black], axis=2).astype(numpy.uint8), "CMYK")


def broken_jpegs() -> dict[str, bytes]:
    whole = jpeg(source("chelsea"), subsampling="4:2:0")
    start = whole.index(b"\xff\xc0")
    # Of the frame header: marker, length, precision, then height and width.
    claims = whole[: start + 5] + struct.pack(">HH", 65000, 65000) + whole[start + 9 :]
    nothing = whole[: start + 5] + struct.pack(">HH", 64, 0) + whole[start + 9 :]
    return {
        "truncated": whole[: len(whole) * 3 // 5],
        "truncated-progressive": jpeg(source("chelsea"), progressive=True)[:-400],
        "header-only": whole[:start],
        "claims-65000x65000": claims,
        "no-width": nothing,
    }


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Adam7 (PNG specification, section 8.2): first column, first row, and the steps between columns and rows.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
WHOLE = [(0, 0, 1, 1)]


def png(pixels: numpy.ndarray, colour_type: int, depth: int, interlaced: bool = False, **chunks: bytes) -> bytes:
    """A PNG of what Pillow does not write: 16 bits, interlacing.

    - pixels: [height, width, channels], uint8 or uint16
    """
    height, width, _ = pixels.shape
    rows = bytearray()
    for column, row, column_step, row_step in ADAM7 if interlaced else WHOLE:
        for line in pixels[row::row_step, column::column_step]:
            if line.size:
                rows += b"\0" + line.astype(">u2" if depth == 16 else "u1").tobytes()
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunk(name.encode(), data) for name, data in chunks.items())
        + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + chunk(b"IEND", b"")
    )


def pngs() -> dict[str, tuple[bytes, Image.Image]]:
    """Files and what they hold."""
    small = source("chelsea").resize((33, 21), Image.Resampling.LANCZOS)
    colour = numpy.asarray(small)
    grey = numpy.asarray(small.convert("L"))[:, :, None]
    alpha = numpy.broadcast_to((numpy.arange(33) * 7).astype(numpy.uint8)[None, :, None], grey.shape)
    low = numpy.random.default_rng(16).integers(0, 256, colour.shape)
    deep = colour.astype(numpy.uint16) * 256 + low.astype(numpy.uint16)
    deep_grey = grey.astype(numpy.uint16) * 256 + low[:, :, :1].astype(numpy.uint16)
    deep_alpha = alpha.astype(numpy.uint16) * 257
    as_grey = Image.fromarray(numpy.repeat(grey, 3, axis=2))
    palette = small.quantize(64, dither=Image.Dither.NONE)

    def pillow(picture: Image.Image, **options: object) -> bytes:
        file = io.BytesIO()
        picture.save(file, "PNG", **options)
        return file.getvalue()

    join = numpy.concatenate
    bilevel = small.convert("1", dither=Image.Dither.NONE)
    files: dict[str, tuple[bytes, Image.Image]] = {
        "rgb": (pillow(small), small),
        "rgba": (png(join([colour, alpha], axis=2), 6, 8), small),
        "grey": (png(grey, 0, 8), as_grey),
        "grey-alpha": (png(join([grey, alpha], axis=2), 4, 8), as_grey),
        "grey-1-bit": (pillow(bilevel), bilevel.convert("RGB")),
        "palette": (pillow(palette), palette.convert("RGB")),
        "palette-4-bit": (
            pillow(small.quantize(16, dither=Image.Dither.NONE), bits=4),
            small.quantize(16, dither=Image.Dither.NONE).convert("RGB"),
        ),
        "palette-transparent": (pillow(palette, transparency=bytes(range(0, 256, 4))), palette.convert("RGB")),
        "rgb-transparent-colour": (
            png(colour, 2, 8, tRNS=b"".join(b"\0" + bytes([value]) for value in colour[0, 0].tolist())),
            small,
        ),
        "rgb-16": (png(deep, 2, 16), small),
        "rgba-16": (png(join([deep, deep_alpha], axis=2), 6, 16), small),
        "grey-16": (png(deep_grey, 0, 16), as_grey),
        "grey-alpha-16": (png(join([deep_grey, deep_alpha], axis=2), 4, 16), as_grey),
        "rgb-interlaced": (png(colour, 2, 8, interlaced=True), small),
        "rgba-16-interlaced": (png(join([deep, deep_alpha], axis=2), 6, 16, interlaced=True), small),
        "rgb-gamma": (png(colour, 2, 8, gAMA=struct.pack(">I", 100000)), small),
    }
    for name, (file, expected) in files.items():
        # Pillow reads 16 grey bits as whole numbers and turns them into RGB by clipping.
        if name != "grey-16":
            assert numpy.array_equal(decoded(file), expected), f"Pillow reads {name} differently"
    return files


def broken_pngs() -> dict[str, bytes]:
    whole = png(numpy.asarray(source("chelsea").resize((33, 21))), 2, 8)
    header = struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    return {
        "truncated": whole[: len(whole) * 3 // 5],
        "claims-65000x65000": whole[:8] + chunk(b"IHDR", header) + whole[33:],
        "bad-checksum": bytes(flipped),
    }


def write(path: str, data: bytes) -> None:
    (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / path).write_bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scikit-image", type=pathlib.Path, help="the folder skimage/data")
    options = parser.parse_args()
    if options.scikit_image:
        sources(options.scikit_image)

    decodes: list[dict[str, object]] = []
    for name, file in jpegs().items():
        write(f"jpeg/{name}.jpg", file)
        save_png(decoded(file), FOLDER / "jpeg" / "expected" / f"{name}.png")
        decodes.append({"file": f"jpeg/{name}.jpg", "expected": f"jpeg/expected/{name}.png", "exact": False})
    for name, (file, expected) in pngs().items():
        write(f"png/{name}.png", file)
        save_png(expected, FOLDER / "png" / "expected" / f"{name}.png")
        decodes.append({"file": f"png/{name}.png", "expected": f"png/expected/{name}.png", "exact": True})
    broken = []
    for folder, suffix, files in (("jpeg", "jpg", broken_jpegs()), ("png", "png", broken_pngs())):
        for name, file in files.items():
            write(f"broken/{name}.{suffix}", file)
            broken.append(f"broken/{name}.{suffix}")
    index = {"pillow": pillow_version, "resizes": resizes(), "decodes": decodes, "broken": broken}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files)} bytes")


if __name__ == "__main__":
    main()
