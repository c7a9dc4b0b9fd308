"""`region4d records`: tables of any records, archives of studies, tables of the documents, and a real room."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track

from benchmarks.records.archive import Run, write_archive
from benchmarks.records.lines import read_lines, write_lines
from benchmarks.records.live_runs import measured_methods, trained_runs
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import Record
from benchmarks.region_qa.measure import predict
from benchmarks.region_qa.real_rgbd.items import lower_is_nearer
from benchmarks.region_qa.real_rgbd.report import CATEGORIES, POSES, real_rgbd_report
from benchmarks.region_qa.record_table import record_table
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.real_rgbd import STILL, RealRgbdTask
from benchmarks.report.docs_tables import fill_documents
from benchmarks.report.page import provenance_markdown
from models.sr3d.answering import Answerer
from region4d.terminal import CONSOLE
from scenes.storage.atomic import write_text
from scenes.storage.destinations import check_file, check_folder
from scenes.storage.locks import sole_writer

if TYPE_CHECKING:
    from benchmarks.geometry.routes import PoseRecord

records = typer.Typer(
    name="records", help="Read, compare and archive what was measured.", no_args_is_help=True, add_completion=False
)
FIRST_SEED = 7_000_000  # of worlds that nothing was tuned on
Results = Annotated[Path, typer.Argument(help="folder of the archive")]


@records.command("table")
def table(
    sources: Annotated[list[str], typer.Argument(help="records as NAME=FOLDER, or NAME=FOLDER#RUN of an archive")],
    minus: Annotated[str | None, typer.Option(help="source that the others are compared with; the first")] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file; printed without it")] = None,
) -> None:
    """Compare answers to the same questions: accuracies by category with intervals, and paired differences.

    Example: region4d records table 3d=outputs/bench/3d 2d=outputs/bench/2d
    """
    if output is not None:
        check_file(output)
    text = record_table(sources, minus) + f"- command: {shlex.join(['region4d', *sys.argv[1:]])}\n"
    if output is None:
        print(text)
    else:
        write_text(output, text)


@records.command("archive")
def archive(
    runs: Annotated[Path, typer.Argument(help="folder of a study's runs", exists=True, file_okay=False)],
    folder: Results,
    overrides: Annotated[list[str] | None, typer.Argument(help="overrides that the probe study ran with")] = None,
    study: Annotated[str | None, typer.Option(help="name of a probe study, whose cells are archived")] = None,
) -> None:
    """Archive the results of the runs in a folder: records, manifests, curves and probe scores, nothing trained.

    Runs that are archived already stay, unless they come again.

    Example: region4d records archive outputs/compare/quick/runs quick
    """
    readers = (trained_runs, measured_methods) if study is None else (probe_reader(study, overrides or []),)
    for read in readers:
        live, answers = read(runs)
        if live:
            with sole_writer(folder):
                write_archive(folder, live, answers)
            CONSOLE.print(f"{folder}: {len(live)} runs, {len(answers)} records")
            return
    raise typer.BadParameter(
        f"{runs} holds no runs with records (RUN/records/TASK, records/SET/METHOD, or finished cells of --study)"
    )


@records.command("easi")
def easi(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="BENCHMARK=RUN...", help="runs as `region4d diff` reads them: vsi_bench=FOLDER"),
    ],
    model: Annotated[str, typer.Option(help="OWNER/NAME of the model on the Hub")],
    kind: Annotated[str, typer.Option("--type", help="pretrained, finetuned, instruction or rl")],
    precision: Annotated[str, typer.Option(help="bfloat16, float16, float32 or int8")],
    remarks: Annotated[str, typer.Option(help="how it was run")] = "",
    metric: Annotated[str | None, typer.Option(help="field of foreign logs that holds the score")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="folder of both files")] = Path("outputs/easi"),
) -> None:
    """Write a submission to EASI's leaderboard: easi_results.json and easi_results.zip. Nothing is sent.

    Example: region4d records easi vsi_bench=FOLDER --model me/mine --type rl --precision bfloat16
    """
    from benchmarks.diff.easi import LARGEST_ZIP_MB, Submission, check_benchmark, whole, write_submission
    from benchmarks.diff.opening import open_run
    from benchmarks.diff.run import Fields
    from benchmarks.region_qa.record_table import split_sources

    check_folder(output)
    submission, sources = Submission(model, kind, precision, remarks=remarks), split_sources(runs)
    for name in sources:
        check_benchmark(name)
    opened = {name: whole(open_run(source, Fields(metric))) for name, source in sources.items()}
    path, size = write_submission(output, submission, opened)
    CONSOLE.print(f"scores: {path}", soft_wrap=True)
    if size > LARGEST_ZIP_MB:
        CONSOLE.print(f"easi_results.zip has {size:.1f} MB; the server takes {LARGEST_ZIP_MB}: send it by mail")


@records.command("card")
def card(
    source: Annotated[Path, typer.Argument(metavar="RECORDS", help="archive, folder of runs, or folder of records")],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="its name in the records, such as world-1000000/3")],
    output: Annotated[Path, typer.Option("-o", "--card", help="new .html file, with everything inside")],
    task: Annotated[str | None, typer.Option(help="task of the item (default: the first that has it)")] = None,
) -> None:
    """Write the card of an item of a study: clip, regions, points, the answers of all arms, the truth, provenance.

    A procedural world is rendered again from its seed; of other items, the clip is left out, and the card says so.

    Example: region4d records card results/compare/quick world-1000000/3 -o card.html
    """
    from region4d.cards.conversation import check_card
    from region4d.cards.study_card import StudyCard
    from region4d.studies.finished import FinishedStudy

    check_card(output)
    study = FinishedStudy(source)
    made = StudyCard.of(study, study.item(item, task), shlex.join(["region4d", *sys.argv[1:]]))
    write_text(output, made.html())
    CONSOLE.print(f"card: {output}", soft_wrap=True)


def probe_reader(study: str, overrides: Sequence[str]) -> Callable[[Path], tuple[list[Run], list[Record]]]:
    """Plan a probe study, so that its finished cells can be read from a folder of runs."""
    from region4d.studies.plan import load_plan
    from region4d.studies.probe.gather import live_cells

    return lambda runs: live_cells(load_plan("probe", [f"study=probe/{study}", *overrides, f"runs={runs}"]).jobs())


@records.command("docs")
def docs() -> None:
    """Fill the tables of README.md and docs/ from results/ and configs/extractor/.

    Example: region4d records docs
    """
    from probes.extractors.table import SOURCE, extractor_tables

    for path in fill_documents(made={SOURCE: extractor_tables()}):
        CONSOLE.print(f"filled {path}")


@records.command("extractors")
def extractors(
    name: Annotated[list[str] | None, typer.Argument(help="extractors; all that are published by default")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="folder of the record and its tables")] = Path(
        "results/extractors"
    ),
) -> None:
    """Count what published extractors cost on a clip: parameters, memory on cards, operations, what a stop saves.

    No weights are needed: everything is counted on the meta device, from the sizes in configs/extractor.

    Example: region4d records extractors videomae_base -o outputs/extractors
    """
    from probes.extractors.costs.cost import cost_of, costs
    from probes.extractors.costs.tables import cost_tables, write_costs
    from region4d.terminal import quiet_transformers

    quiet_transformers()
    known = costs()
    if unknown := sorted(set(name or ()) - set(known)):
        raise ValueError(f"no published sizes of {unknown[0]}; choose among {', '.join(known)}")
    counted = {each: cost_of(known[each]) for each in track(name or list(known), "counting", transient=True)}
    command = shlex.join(["region4d", "records", "extractors", *(name or ())])
    write_costs(output, counted, collect_manifest({"command": command}))
    print(cost_tables(counted))


@records.command("real-rgbd")
def real_rgbd(
    room: Annotated[Path, typer.Argument(help="RGB-D folder")],
    deep: Annotated[Path, typer.Option("--3d", help="3D checkpoint")] = Path("sr3d_tiny_3d"),
    flat: Annotated[Path, typer.Option("--2d", help="2D checkpoint")] = Path("sr3d_tiny_2d"),
    count: Annotated[int, typer.Option(help="items of each category")] = 400,
    multi_view: Annotated[bool, typer.Option(help="regions on any frames of one clip")] = False,
    poses: Annotated[
        bool, typer.Option("--poses", help="compare poses of the sensor with estimated ones, of the 3D checkpoint")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="folder of the archive and report (default: results/real_rgbd, _poses)")
    ] = None,
) -> None:
    """Score both checkpoints, a heuristic and a noise control on a real room, from models trained on worlds.

    --poses scores the 3D checkpoint with the poses of the sensor, of odometry, of COLMAP, and of a camera at rest.

    Example: region4d records real-rgbd room --count 50 --output room_scores
    """
    name = f"{room.name}_{'multi' if multi_view or poses else 'single'}_view"
    output = output or Path("results/real_rgbd_poses" if poses else "results/real_rgbd")
    check_folder(output)
    every: list[tuple[str, Path, dict[str, Any]]] = [
        ("3D", deep, {}),
        ("2D", flat, {}),
        ("3D on noise", deep, {"noise": True}),
    ]
    if poses:
        every = [
            (arm, deep, {"poses": kind}) for arm, kind in zip(POSES, (None, "odometry", "colmap", STILL), strict=True)
        ]
    answers: dict[str, list[Record]] = {}
    for arm, checkpoint, options in every:
        task = RealRgbdTask(
            name=name, folder=str(room), count=count, categories=CATEGORIES, multi_view=multi_view or poses, **options
        )
        items = task.items()
        answers[arm] = score_items(name, items, list(predict(Answerer.from_folder(checkpoint), items)), arm, seed=0)
    rule = "lower is nearer"
    if not poses:
        nearer = [item for item in items if item.question.category == "nearer_camera"]
        answers[rule] = score_items(name, nearer, [lower_is_nearer(item) for item in nearer], rule, seed=0)
    command = shlex.join(["region4d", "records", "real-rgbd", f"ROOM/{room.name}", *sys.argv[4:]])
    manifest = collect_manifest({"command": command, "room": room.name, "count": count}, deep)
    made = {"2D": collect_manifest(manifest.config, flat), rule: replace(manifest, checkpoint="")}
    runs = [Run(arm, arm, 0, {name: made.get(arm, manifest)}) for arm in answers]
    write_archive(output, runs, [record for each in answers.values() for record in each])
    write_text(output / "report.md", real_rgbd_report(output))
    CONSOLE.print(f"report: {output / 'report.md'}")


@records.command("poses")
def poses(
    worlds: Annotated[int, typer.Option(min=1, help="static worlds, and as many moving ones")] = 100,
    room: Annotated[Path | None, typer.Option(help="RGB-D folder with a trajectory, measured as well")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 2,
    output: Annotated[Path, typer.Option(help="folder of the records and the report")] = Path("results/poses"),
) -> None:
    """Measure the camera poses of odometry and COLMAP against the truth; the same command continues after a stop.

    Example: region4d records poses --worlds 2 --output poses
    """
    from benchmarks.geometry.report import poses_report

    with sole_writer(output):
        found = measured_poses(output, worlds, room, workers)
    words = [f"--worlds {worlds}", *([f"--room ROOM/{room.name}"] if room else [])]
    manifest = collect_manifest({"command": f"region4d records poses {' '.join(words)}"}, None)
    write_text(output / "report.md", poses_report(found) + "\n" + provenance_markdown(manifest) + "\n")
    CONSOLE.print(f"report: {output / 'report.md'}")


def measured_poses(output: Path, worlds: int, room: Path | None, workers: int) -> list[PoseRecord]:
    """Measure what is missing, and keep every clip as it comes; one that was cut by a stop is measured again."""
    from benchmarks.geometry.routes import ROUTES, PoseRecord, measure, measure_worlds
    from scenes.readers.rgbd import read_rgbd_folder

    file, archive = output / "poses.jsonl", output / "poses.jsonl.xz"  # while it is measured, and then
    kept = [line for path in (archive, file) if path.exists() for line in read_lines(path) if line.endswith("\n")]
    held = list(dict.fromkeys(PoseRecord(**json.loads(line)) for line in kept))  # a stop between the two: in both
    count = Counter((record.kind, record.clip) for record in held)
    done = {clip for clip, routes in count.items() if routes >= len(ROUTES)}
    found = [record for record in held if (record.kind, record.clip) in done]
    write_text(file, "".join(json.dumps(asdict(record)) + "\n" for record in found))
    jobs = [(FIRST_SEED + i, moving) for i in range(worlds) for moving in (False, True)]
    jobs = [job for job in jobs if ("moving" if job[1] else "static", f"world-{job[0]}") not in done]
    with file.open("a") as lines:
        for several in track(measure_worlds(jobs, workers=workers), "estimating poses", len(jobs)):
            found += several
            lines.writelines(json.dumps(asdict(record)) + "\n" for record in several)
            lines.flush()
        if room is not None and ("real", room.name) not in done:
            clip = read_rgbd_folder(room)
            several = [measure(replace(clip, name=room.name), "real", route) for route in ROUTES]
            found += several
            lines.writelines(json.dumps(asdict(record)) + "\n" for record in several)
    write_lines(archive, (json.dumps(asdict(record)) + "\n" for record in found))
    file.unlink()
    return found
