"""The Studies page: the items of a finished study, filtered, and one of them with the answers of all arms."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from region4d.app.pages.canvas import ASSETS
from region4d.app.pages.footage import told, whole
from region4d.app.settings import Settings
from region4d.app.studies import Choices, Studies, Wanted, page_of, pages, row_facts, rows_html
from region4d.cards.answer_card import facts_html, message
from region4d.cards.study_card import LABELS
from region4d.studies.finished import OUTCOMES

EMPTY = (
    '<div class="r4d-empty"><b>No study is open here</b><span>Start the server with <code>--study FOLDER</code>, once '
    "for every study: an archive such as <code>results/compare/quick</code> or <code>results/probe/quick</code>, or "
    "the runs of a study of your own, such as <code>outputs/runs/quick</code>.</span></div>"
)
NO_ITEM = message("Choose an item: its clip, its regions and the answers of all arms appear here.")
NONE_LEFT = message("No item passes these filters.")
ALL_CATEGORIES, ALL_ARMS, AS_RECORDED = "all categories", "all arms", "as recorded"
SCRIPT = (ASSETS / "items.js").read_text()


def add_studies_page(settings: Settings) -> None:
    """Add the page to the blocks that are being built."""
    if not settings.studies:
        gr.HTML(EMPTY)
        return
    page = StudiesPage(Studies(settings.studies))
    first = settings.studies[0]
    with gr.Row(elem_id="study-filters"):
        study = gr.Dropdown(
            list(page.studies.by_name), value=first.name, label="Study", min_width=150, elem_id="study-study"
        )
        task = gr.Dropdown(first.tasks, value=first.tasks[0], label="Task", min_width=150)
        filters = page.filters(first.name, first.tasks[0])
        text, at = page.listed(first.name, first.tasks[0], Wanted())
        number = gr.Number(**at)
    with gr.Row(equal_height=False, elem_id="study-grid"):
        with gr.Column(min_width=260, elem_id="study-list"):
            rows = gr.HTML(
                value="",
                html_template="${rows}",
                js_on_load=SCRIPT,
                apply_default_css=False,
                elem_id="items",
                rows=text,
            )
        with gr.Column(min_width=260, elem_id="study-item"):
            shown = gr.HTML(NO_ITEM)
            scene = gr.HTML()

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    study.input(page.choose_study, study, [task, *filters, number, rows, shown, scene], **quiet)
    task.input(page.choose_task, [study, task], [*filters, number, rows, shown, scene], **quiet)
    for each in filters:
        each.input(page.choose, [study, task, *filters], [number, rows], **quiet)
    number.input(page.choose, [study, task, *filters, number], [number, rows], **quiet)
    rows.input(page.open_item, [study, task, rows], [shown, scene], api_visibility="private", show_progress_on=shown)
    gr.api(page.study_items, api_name="study_items")  # a program may ask about any task, the fields of the page may not
    gr.api(page.open_item, api_name="study_item")


class StudiesPage:
    """What the page does, without its layout."""

    def __init__(self, studies: Studies) -> None:
        self.studies = studies

    def filters(self, study: str, task: str) -> list[gr.Dropdown]:
        """Build the filters of a task."""
        choices = Choices.of(self.studies.study(study).items(task))
        categories = [(ALL_CATEGORIES, ""), *((name, name) for name in choices.categories)]
        arms = [(ALL_ARMS, ""), *((name, name) for name in choices.arms)]
        metrics = [(AS_RECORDED, ""), *((LABELS.get(name, name), name) for name in choices.metrics)]
        return [
            gr.Dropdown(
                categories,
                value="",
                label="Category",
                min_width=150,
                visible=bool(choices.categories),
                elem_id="study-category",
            ),
            gr.Dropdown(arms, value="", label="Arm", min_width=150),
            gr.Dropdown(list(OUTCOMES), value="all", label="Answers", min_width=110, visible=choices.asked),
            gr.Dropdown(metrics, value="", label="Highest first", min_width=150, visible=not choices.asked),
        ]

    def choose_study(self, study: str) -> list[Any]:
        """Show the first task of a study."""
        with told():
            tasks = self.studies.study(study).tasks
            return [gr.Dropdown(tasks, value=tasks[0]), *self.choose_task(study, tasks[0])]

    def choose_task(self, study: str, task: str) -> list[Any]:
        """Show the first items of a task."""
        with told():
            return [*self.filters(study, task), *self._updates(study, task, Wanted()), NO_ITEM, ""]

    def choose(
        self, study: str, task: str, category: str, arm: str, outcome: str, highest: str, page: float = 1
    ) -> list[Any]:
        """Show a page of the items that pass the filters."""
        with told():
            return self._updates(study, task, Wanted(category, arm, outcome, highest, whole(page)))

    def open_item(self, study: str, task: str, item: str) -> list[str]:
        """Show the clip of an item, its regions, the answers of all arms, the truth, and its points."""
        with told():
            card = self.studies.card(study, task, item)
        made = f"<summary>How this was made, and the command that writes this card</summary>{facts_html(card.facts)}"
        title = f'<p class="r4d-subdued">{html.escape(card.title)}</p>'
        parts = [title, card.shown.frames, card.asked, f'<details class="r4d-made">{made}</details>']
        return [f'<div class="r4d-item">{"".join(parts)}</div>', card.shown.scene]

    def study_items(
        self,
        study: str,
        task: str,
        category: str = "",
        arm: str = "",
        outcome: str = "all",
        highest: str = "",
        page: int = 1,
    ) -> list[dict[str, Any]]:
        """List items of a task, 40 on a page: question, truth, and the answers of all arms."""
        with told():
            chosen = self.studies.chosen(study, task, Wanted(category, arm, outcome, highest, page))
            return [row_facts(item) for item in page_of(chosen, page)]

    def listed(self, study: str, task: str, wanted: Wanted) -> tuple[str, dict[str, Any]]:
        """Write the items of a page, and the field with its number."""
        chosen = self.studies.chosen(study, task, wanted)
        last = pages(len(chosen))
        number = min(wanted.page, last)
        metrics = Choices.of({item.name: item for item in chosen[:1]}).metrics
        listed = rows_html(page_of(chosen, number), wanted.arm, wanted.highest or next(iter(metrics), ""))
        rows = f'<p class="r4d-subdued">{len(chosen):,} items</p><ul class="r4d-items">{listed}</ul>' if listed else ""
        field = {"value": number, "label": f"Page of {last}", "precision": 0, "minimum": 1, "maximum": last}
        return rows or NONE_LEFT, {**field, "min_width": 110}

    def _updates(self, study: str, task: str, wanted: Wanted) -> list[Any]:
        rows, field = self.listed(study, task, wanted)
        return [gr.Number(**field), gr.HTML(value="", rows=rows)]
