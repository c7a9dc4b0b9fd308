"""Groups of question categories, and the published task nearest to each category."""

from __future__ import annotations

from types import MappingProxyType

from scenes.questions import CATEGORIES, DYNAMIC, STATIC

GROUPS = MappingProxyType(
    {
        "static": tuple(category.name for category in STATIC),
        "dynamic": tuple(category.name for category in DYNAMIC),
    }
)
ROW_ORDER = (*CATEGORIES, *GROUPS)

# Nearest task of SR-3D-Bench (arXiv 2509.13317, Table 5) or R4D-Bench (arXiv 2512.17012, Table 3; static: VG grounding,
# DM dimensional measurement, SR spatial relation; dynamic: R rotational, C counting, T translational, FP false
# positives, SA speed and acceleration, DP displacement and path length). Ours are templated questions about worlds:
# equivalent in content, but scores are not comparable.
PUBLISHED_EQUIVALENT = MappingProxyType(
    {
        "nearer_camera": "R4D SR",
        "nearer_region": "SR-3D Multi, R4D SR",
        "higher": "R4D SR",
        "left_right": "R4D SR",
        "above_below": "R4D SR",
        "wider": "SR-3D Wide-Thin",
        "taller": "SR-3D Tall-Short",
        "bigger": "SR-3D Big-Small",
        "facing": "SR-3D Multi",
        "count_colour": "R4D C",
        "count_shape": "R4D C",
        "distance": "SR-3D Distance, R4D DM",
        "depth": "R4D DM",
        "top": "R4D DM",
        "height": "SR-3D Height, R4D DM",
        "width": "SR-3D Width, R4D DM",
        "moves": "R4D FP",
        "approaches": "R4D T",
        "direction": "R4D T",
        "rotates": "R4D R",
        "moved_further": "R4D DP",
        "moved_first": "R4D T",
        "displacement": "R4D DP",
        "path": "R4D DP",
        "speed": "R4D SA",
        "rotation": "R4D R",
    }
)


def members(name: str) -> tuple[str, ...]:
    """List the categories of a group; a category is its own group."""
    return GROUPS.get(name, (name,))
