"""Pointing at the regions of a question: by region tokens, drawn marks, coordinates in the text, or crops."""

from __future__ import annotations

from collections.abc import Sequence

from models.queries.query import Footage, Query
from models.queries.shown import ShownFootage
from models.queries.zoomed import box_of, first_frame, with_crops
from models.regions import Region
from models.regions.drawing import mark_regions
from models.sr3d.text.mentions import mentioned, name_each

TOKENS, MARKS, TEXT, CROP = WAYS = ("tokens", "marks", "text", "crop")
TRACKS = "tracks"  # marks on every frame that marks a region: what models without region tokens get by default
NAMES = "names"  # the words of marks, and nothing drawn: for models that see nothing
MARKED = "the region marked {}"
THOUSANDTHS = 1000  # coordinates in text are thousandths of the width and of the height


class Pointing:
    """One way of pointing, applied to one query after another.

    - `tokens`: the query as it is, for a model with region tokens (SR-3D).
    - `marks`: regions are drawn with their numbers on the first frame that shows each, and a question says "the region
      marked 0" (set of marks, arXiv 2310.11441; 4D-RGPT, arXiv 2512.17012). `tracks` draws them on every frame that
      marks them.
    - `text`: "the region [x0, y0, x1, y1] of picture 1": the box of the region on the first frame that shows it, in
      thousandths of the width and the height, from the top left corner; pictures count from 1.
    - `crop`: "the region in picture 2": a picture of the region, enlarged, follows the first frame that shows it.

    All but `tokens` leave a query without regions, which any model for pictures and text can read.

    Raises:
        ValueError: there is no such way.
    """

    def __init__(self, way: str) -> None:
        if way not in (*WAYS, TRACKS, NAMES):
            raise ValueError(f"pointing={way!r} is unknown: choose one of {', '.join(WAYS)}")
        self.way = way
        # questions about the same regions of a clip share what is shown of it, so that a model reads it once
        self._last: tuple[Footage, Sequence[Region], tuple[Footage, list[str]]] | None = None

    def apply(self, query: Query) -> Query:
        """Point at the regions of a query.

        Raises:
            ValueError: its text mentions a region that it does not have.
        """
        mentioned(query.text, len(query.regions))
        if self.way == TOKENS or not query.regions:
            return query
        shown, names = self._shown(query)
        return Query(shown, [], name_each(query.text, names))

    def _shown(self, query: Query) -> tuple[Footage, list[str]]:
        """Show the regions of a query; give the footage, and the name of each region."""
        if self._last is not None:
            clip, regions, shown = self._last
            if clip is query.clip and list(map(id, regions)) == list(map(id, query.regions)):
                return shown
        self._last = None  # frees the footage before the next one is made
        self._last = query.clip, query.regions, show(query.clip, query.regions, self.way)
        return self._last[2]


def show(clip: Footage, regions: Sequence[Region], way: str) -> tuple[Footage, list[str]]:
    """Show regions in any way but `tokens`; give the footage, and the name of each region in a question."""
    if way == TEXT:
        return clip, [coordinates(region) for region in regions]
    if way == CROP:
        footage, places = with_crops(clip, regions)
        return footage, [f"the region in picture {place + 1}" for place in places]
    names = [MARKED.format(k) for k in range(len(regions))]
    if way == NAMES:
        return clip, names
    if way == MARKS:
        regions = [Region({frame: region.masks[frame]}) for region in regions for frame in [first_frame(region)]]
    video = mark_regions(clip.video, regions)
    return ShownFootage(video, clip.seconds, clip.world_T_cam, clip.metric, clip.points), names


def coordinates(region: Region) -> str:
    """Name a region by its box on the first frame that shows it; see `Pointing`."""
    frame = first_frame(region)
    height, width = region.masks[frame].shape
    x0, y0, x1, y1 = box_of(region.masks[frame])
    places = (x0 / width, y0 / height, x1 / width, y1 / height)
    numbers = ", ".join(str(round(THOUSANDTHS * place)) for place in places)
    return f"the region [{numbers}] of picture {frame + 1}"
