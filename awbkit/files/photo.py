"""What every photograph can do, rendered or raw."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.colour.orientation import stored_rectangle
from awbkit.errors import UsageError


@dataclass(frozen=True)
class Region:
    """A rectangle in the picture as it is displayed (EXIF orientation applied), in pixels from the top left."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0 or self.width < 1 or self.height < 1:
            raise UsageError(f"the region {self} must start at or after 0,0 and be at least 1 pixel wide and high")

    @classmethod
    def parse(cls, given: str | Sequence[int]) -> Region:
        """A region from "x,y,w,h" or from four whole numbers.

        Raises:
            UsageError: If it is neither, or the rectangle is empty or starts left of or above 0.
        """
        try:
            x, y, width, height = map(int, given.split(",")) if isinstance(given, str) else map(operator.index, given)
        except (ValueError, TypeError):
            shown = repr(given)[:60]
            raise UsageError(f"a region is four whole numbers x,y,w,h (got {shown}), such as 120,80,40,40") from None
        return cls(x, y, width, height)

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"

    def check_inside(self, width: int, height: int) -> None:
        """Raise UsageError unless the region lies within a picture of this displayed size."""
        if self.x + self.width > width or self.y + self.height > height:
            raise UsageError(f"the region {self} reaches outside the picture, which is {width} x {height} pixels")

    def to_stored(self, width: int, height: int, orientation: int) -> Region:
        """The same rectangle in stored pixels.

        Args:
            width: Displayed width.
            height: Displayed height.
            orientation: EXIF orientation, 1 to 8, that turns stored pixels into displayed ones.
        """
        return Region(*stored_rectangle(self.x, self.y, self.width, self.height, (width, height), orientation))

    def to_displayed(self, width: int, height: int, orientation: int) -> Region:
        """The same rectangle in displayed pixels, from one in stored pixels.

        Args:
            width: Stored width.
            height: Stored height.
            orientation: EXIF orientation, 1 to 8, that turns stored pixels into displayed ones.
        """
        # The two quarter turns undo each other, and all other orientations themselves.
        return self.to_stored(width, height, {6: 8, 8: 6}.get(orientation, orientation))


@dataclass(frozen=True, eq=False)
class Photo(ABC):
    """An opened photograph. Pixels are read when they are asked for.

    Attributes:
        path: The file, as the user named it.
        width, height: As displayed, in pixels.
        camera: The RGB of :meth:`thumbnail`, of illuminants and of gains.
        orientation: EXIF orientation, 1 to 8, that turns stored pixels into displayed ones.
    """

    path: str
    width: int
    height: int
    camera: Camera
    orientation: int

    def __repr__(self) -> str:
        camera = f", {self.camera.name!r}" if self.camera.name else ""
        return f"<{type(self).__name__} {self.path}, {self.width} x {self.height}, {self.camera.space}{camera}>"

    @abstractmethod
    def thumbnail(self) -> LinearImage:
        """The 64 x 64 image that estimators see, in stored orientation.

        Raises:
            UnreadableFile: If the pixels are truncated or corrupt.
        """

    @abstractmethod
    def crop(self, region: Region) -> LinearImage:
        """The linear pixels of a rectangle at full resolution (raw: one pixel for each period of the mosaic).

        Raises:
            UsageError: If the region reaches outside the picture.
            UnreadableFile: If the pixels are truncated or corrupt.
        """
