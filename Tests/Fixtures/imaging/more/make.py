#!/usr/bin/env python3
"""Writes the JPEG files of this folder and what Pillow reads in them, beside those of tools/make-goldens/imaging.py.

    python3 Tests/Fixtures/imaging/more/make.py

Needs Pillow.
"""

from __future__ import annotations

import io
import json
import pathlib

from PIL import Image
from PIL import __version__ as pillow_version

FOLDER = pathlib.Path(__file__).resolve().parent
coffee = Image.open(FOLDER.parent / "sources" / "coffee.png").convert("RGB")


def jpeg(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def adobe(file: bytes) -> int:
    """Where the segment of Adobe's APP14 marker starts."""
    return file.index(b"\xff\xee\x00\x0eAdobe")


def main() -> None:
    cmyk = jpeg(coffee.convert("CMYK"), subsampling="4:4:4")
    start = adobe(cmyk)
    # Marker and length, "Adobe", version, two flags, then the transform: 2 is YCCK. The same samples, read otherwise.
    ycck = cmyk[: start + 15] + b"\x02" + cmyk[start + 16 :]
    files = {
        "rgb": jpeg(coffee, keep_rgb=True),
        "cmyk-without-adobe": cmyk[:start] + cmyk[start + 16 :],
        "ycck-adobe": ycck,
        "wide-420": jpeg(coffee.resize((640, 400), Image.Resampling.BICUBIC), subsampling="4:2:0"),
    }
    decodes = []
    for name, file in files.items():
        (FOLDER / f"{name}.jpg").write_bytes(file)
        for eighths in (1, 2, 4) if name == "wide-420" else (8,):
            picture = Image.open(io.BytesIO(file))
            if eighths != 8:
                picture.draft("RGB", (picture.width * eighths // 8, picture.height * eighths // 8))
            expected = f"{name}.png" if eighths == 8 else f"{name}-{eighths}-eighths.png"
            picture.convert("RGB").save(FOLDER / expected, optimize=True)
            decodes.append({"file": f"more/{name}.jpg", "eighths": eighths, "expected": f"more/{expected}"})
    (FOLDER / "index.json").write_text(json.dumps({"pillow": pillow_version, "decodes": decodes}, indent=1) + "\n")


if __name__ == "__main__":
    main()
