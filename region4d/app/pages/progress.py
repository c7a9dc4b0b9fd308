"""How far a long work is, as HTML."""

from __future__ import annotations

import html


def progress(doing: str, share: float) -> str:
    """Write how far a work is: `share` from 0 to 1."""
    text = html.escape(doing)
    return (
        f'<div class="r4d-empty" role="status"><span>{text} ...</span>'
        f'<div class="r4d-progress" role="progressbar" aria-label="{text}" aria-valuenow="{share:.0%}">'
        f'<i style="width:{max(share, 0.02):.1%}"></i></div></div>'
    )
