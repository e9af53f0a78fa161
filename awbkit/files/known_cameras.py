"""The colour matrices of cameras by name, for pictures whose files hold no calibration.

LibRaw carries the matrices that Adobe published for most cameras, but hands them out only with a raw file. So a raw
file is made up: a DNG of a few black pixels that names the camera and states no matrix, for which LibRaw fills in the
one of its table. LibRaw (``adobe_coeff``) takes the first entry that the model *begins* with; :func:`known_camera` says
which of these matches count.
"""

from __future__ import annotations

import io
import re
import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera

_D65_KELVIN = 6504.0
"""LibRaw's table holds the matrices for D65, the DNG ColorMatrix2 of Adobe's profiles."""

_RELATIVES = {
    "Sony IMX135": ("Nikon D810", (0.913, 0.978, 1.094)),
}
"""Sensors that LibRaw does not list: another camera, and the numbers by which the rows of its matrix are divided.

IMX135: by the published whites of INTEL-TAU's cameras, its D65 white is the D810's divided by these numbers; only their
ratios count. INTEL-TAU has 144 scenes from both cameras, and they agree: the medians are (0.919, 1, 1.115), where these
make (0.934, 1, 1.119).
"""

# Canon's entry-level cameras by the name of their American models, which their files carry; LibRaw's table has the
# European ones, and would take a Rebel for an "EOS R".
_AMERICAN_NAMES = {
    **{"XT": "350D", "XTI": "400D", "XS": "1000D", "XSI": "450D", "T1I": "500D", "T2I": "550D", "T3": "1100D"},
    **{"T3I": "600D", "T4I": "650D", "T5": "1200D", "T5I": "700D", "T6": "1300D", "T6I": "750D", "T6S": "760D"},
    **{"T7": "2000D", "T7I": "800D", "T8I": "850D", "SL1": "100D", "SL2": "200D", "SL3": "250D"},
}
_REBEL = re.compile(r"(?:EOS )?(?:Digital )?Rebel ([A-Z0-9]+)", re.IGNORECASE)
_SHORT_MARK = re.compile(r"(?<=[0-9A-Z])m([2-5])")
_ROMAN = {"2": " Mark II", "3": " Mark III", "4": " Mark IV", "5": " Mark V"}

# Models whose name begins with that of a sister with the same sensor, so that LibRaw gives them the sister's entry.
_SISTERS = re.compile(
    r"Canon EOS (5DS R|R5 C)|Nikon (D(2Hs|2Xs|4s|70s|300s|800E)|Z [67]_2)|Leica M10-[DP]|Pentax K-500"
    r"|Ricoh GR (II|IIIx)|Fujifilm (X-T[1235]0|GFX 50(R|S|S II)|GFX 100S)|Samsung NX(200|210|300M)"
    r"|Phase ?One P (20|25|30|40|45|65)\+"
    r"|Sony (DSLR-A\d{3}|SLT-A(35|57|58|(55|65|77|99)V)|NEX-(3N|5[NRT]|6|C3|F3|VG20)"
    r"|DSC-(RX1R|RX10M[2-4]|RX100M([2-5]|5A))|ILCE-(3000|3500|5000|5100|6000|QX1|7M2|7SM2|9M2|7RM3A|7RM4A))",
    re.IGNORECASE,
)

_MAX_TEXT = 63
"""LibRaw keeps 64 bytes of a make or a model."""

_SIDE = 32
"""LibRaw refuses smaller pictures."""


@lru_cache(maxsize=4096)
def known_camera(name: str) -> Camera | None:
    """The camera of this name, with its matrix for D65.

    A match by the beginning of a model counts only for known sisters with one sensor ("D800E" of "D800", "SLT-A57" of
    "SLT-A5"). Other models with the same beginning may be later generations ("ILCE-7M5" of "ILCE-7", "Z 6III" of "Z 6")
    or share nothing but letters ("EOS Rebel", "EOS R").

    Args:
        name: Make and model, as in "Canon EOS 5DS R" or "NIKON CORPORATION NIKON D810".

    Returns:
        The camera under the name given, with the XYZ-to-camera matrix that LibRaw lists, its one CCT 6504 K; None
        where nothing is known.
    """
    words = name.split()
    for known, (relative, white) in _RELATIVES.items():
        if words == known.split():
            reference = known_camera(relative)
            matrix = None if reference is None else reference.xyz_to_rgb()
            return None if matrix is None else _camera(name, matrix / np.array(white)[:, None])
    for count in range(1, len(words)):
        make, model = " ".join(words[:count]), " ".join(words[count:])
        if make.lower() == "canon":
            model = _translate_model(model)
        matrix = _own_matrix(make, model)
        if matrix is not None:
            return _camera(name, matrix)
    return None


def _camera(name: str, matrix: NDArray[np.float64]) -> Camera:
    return Camera(name, matrices=((_D65_KELVIN, matrix.tolist()),))


def _translate_model(model: str) -> str:
    """A Canon model as LibRaw's table spells it."""
    model = model.removeprefix("Canon ")
    rebel = _REBEL.fullmatch(model)
    if rebel:
        return f"EOS {_AMERICAN_NAMES.get(rebel[1].upper(), model)}"
    # The 250D is sold as 200D II in Asia, and LibRaw would take it for the 200D.
    if model == "EOS 200D II":
        return "EOS 250D"
    return _SHORT_MARK.sub(lambda mark: _ROMAN[mark[1]], model)


def _own_matrix(make: str, model: str) -> NDArray[np.float64] | None:
    """LibRaw's matrix, unless the entry is one of another model."""
    matrix = _libraw_matrix(make, model)
    if matrix is None:
        return None
    length = len(model)
    while length and np.array_equal(matrix, _matrix_of_shorter(make, model, length)):
        length -= 1
    sister = _SISTERS.fullmatch(f"{make.split()[0]} {model.removeprefix(make.split()[0]).strip()}")
    return matrix if length == len(model) or (length and sister) else None


def _matrix_of_shorter(make: str, model: str, length: int) -> NDArray[np.float64]:
    """The matrix of a model without its last letter; zeros where there is none."""
    found = _libraw_matrix(make, model[: length - 1])
    return np.zeros((3, 3)) if found is None else found


def _libraw_matrix(make: str, model: str) -> NDArray[np.float64] | None:
    """XYZ to camera RGB (3, 3) of LibRaw's table; None where it has none."""
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(_black_dng(make, model))) as raw:
            table = np.asarray(raw.rgb_xyz_matrix, dtype=np.float64)
    except rawpy.LibRawError:
        return None
    # Unlisted cameras come with zeros; a fourth row belongs to a sensor that is not red, green and blue.
    if not np.isfinite(table).all() or table[3:].any() or np.linalg.matrix_rank(table) < 3:
        return None
    # LibRaw turns the table's ten-thousandths into float32.
    return np.round(table[:3], 4)


def _black_dng(make: str, model: str) -> bytes:
    """A DNG (1.4) of black pixels that names its camera and says nothing of its colours."""
    texts = [text.encode("ascii", "replace").replace(b"\0", b"?")[:_MAX_TEXT].ljust(4, b"\0") for text in (make, model)]
    make_bytes, model_bytes = (text + b"\0" for text in texts)
    byte, ascii_, short, long = 1, 2, 3, 4
    size = 2 * _SIDE * _SIDE
    entries = 16
    text_at = 8 + 2 + 12 * entries + 4
    pixels_at = text_at + len(make_bytes) + len(model_bytes)
    tags = [
        (254, long, 1, 0),  # NewSubFileType: the picture itself
        (256, long, 1, _SIDE),  # ImageWidth
        (257, long, 1, _SIDE),  # ImageLength
        (258, short, 1, 16),  # BitsPerSample
        (259, short, 1, 1),  # Compression: none
        (262, short, 1, 32803),  # PhotometricInterpretation: colour filter array
        (271, ascii_, len(make_bytes), text_at),  # Make
        (272, ascii_, len(model_bytes), text_at + len(make_bytes)),  # Model
        (273, long, 1, pixels_at),  # StripOffsets
        (277, short, 1, 1),  # SamplesPerPixel
        (278, long, 1, _SIDE),  # RowsPerStrip
        (279, long, 1, size),  # StripByteCounts
        (33421, short, 2, 2 | 2 << 16),  # CFARepeatPatternDim
        (33422, byte, 4, 0x02010100),  # CFAPattern: red, green, green, blue
        (50706, byte, 4, 0x00000401),  # DNGVersion
        (50717, long, 1, 65535),  # WhiteLevel
    ]
    directory = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    header = struct.pack("<2sHIH", b"II", 42, 8, entries)
    return header + directory + bytes(4) + make_bytes + model_bytes + bytes(size)
