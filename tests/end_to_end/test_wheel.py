"""What `pip install .` gives: a wheel, built, installed, and run from a folder with a `models/` of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

BUILT_FROM = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "region4d", "models", "scenes", "training")
BUILT_FROM += ("benchmarks", "distill", "probes", "configs", "checkpoints")
ROOM = "outputs/rooms/world-6"
REGIONS = ("--region", "0:58,50,114,125", "--region", "1:131,91,171,164")
NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
STUDY = (  # one arm, two steps
    *("compare", "study=quick", "arms=[3d]", "study.tasks=[worlds4d]", "study.primary=[]", "study.contrasts=[]"),
    "study.overrides=['trainer.max_steps=2','data.seeds=[0,16]','data.batch_size=4']",
    "study.bench_overrides=['limit=20','task.seeds=[1000000,1000008]','task.digest=null']",
)
FORBIDDEN = 'raise RuntimeError("a folder of the user was imported for one of region4d")\n'


def run(*command: str | Path, folder: Path) -> str:
    """Run a command that must succeed, without this checkout on the path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy of the sources by the setuptools of this environment: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("build")
    sources = folder / "sources"
    sources.mkdir()
    for name in BUILT_FROM:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, sources)
    (sources / "checkpoints" / "downloaded").mkdir()
    (sources / "checkpoints" / "downloaded" / "model.safetensors").write_bytes(b"of the user")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    run(*pip, "--wheel-dir", folder, sources, folder=folder)
    (built,) = folder.glob("region4d-*.whl")
    return built


@pytest.fixture(scope="session")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of a fresh environment with the wheel, which takes other packages from the environment of these tests."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, folder=environment)
    python = environment / "bin" / "python"
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=environment).strip()
    # a folder on the path: the editable installation in it, itself a .pth file, is not followed
    (Path(purelib) / "tested.pth").write_text(sysconfig.get_path("purelib"))
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet")
    run(*pip, wheel, folder=environment)
    return environment / "bin"


@pytest.fixture(scope="module")
def elsewhere(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with packages of the same names, which must not be imported, and an exported room."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("models", "scenes", "training", "benchmarks", "distill", "probes", "configs", "checkpoints"):
        (folder / name).mkdir()
        for file in ("__init__.py", "sr3d.py", "clip.py"):
            (folder / name / file).write_text(FORBIDDEN)
    worlds = ("worlds", "--export", "--seed", "6", "--count", "1", "--frames", "4", "--output", "outputs/rooms")
    run(binaries / "region4d", *worlds, folder=folder)
    return folder


@pytest.mark.long
def test_the_wheel_has_one_package_with_the_shipped_checkpoints_and_no_other(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"region4d"}
    shipped = {name.split("/")[2] for name in names if name.startswith("region4d/checkpoints/")}
    assert {"registry.yaml", "sr3d_tiny_3d", "lift_tiny", "expert4d_tiny"} <= shipped
    assert "downloaded" not in shipped
    configs = {f"region4d/{path.relative_to(REPOSITORY)}" for path in (REPOSITORY / "configs").rglob("*.yaml")}
    assert configs <= set(names)
    assert "region4d/benchmarks/report/templates/report.html.j2" in names


@pytest.mark.long
def test_a_script_beside_a_models_folder_asks_through_the_wheel(binaries: Path, elsewhere: Path) -> None:
    script = f"""
        import region4d

        model = region4d.load(device="cpu")
        print(model.ask("{ROOM}", "{NEARER}", [(41, 33, 69, 85), (131, 92, 170, 164)]))
        print(region4d.SR3DProcessor.__module__)
    """
    (elsewhere / "script.py").write_text(textwrap.dedent(script))
    assert run(binaries / "python", "script.py", folder=elsewhere).split() == [
        "B",
        "region4d.models.sr3d.inputs.processor",
    ]


@pytest.mark.long
def test_the_wheel_answers_from_the_command_line(binaries: Path, elsewhere: Path) -> None:
    assert run(binaries / "region4d", "ask", ROOM, *REGIONS, NEARER, folder=elsewhere) == "B\n"


@pytest.mark.long
def test_the_wheel_lifts_an_object(binaries: Path, elsewhere: Path) -> None:
    fast = ("--best-of", "1", "--fit", "none", "--device", "cpu", "-o", "lifted")
    run(binaries / "region4d", "lift", ROOM, "--region", "58,50,114,125", *fast, folder=elsewhere)
    assert (elsewhere / "lifted" / "lifted.glb").is_file()


@pytest.mark.long
def test_the_wheel_reports_a_study_from_its_archive(binaries: Path, elsewhere: Path) -> None:
    archive = REPOSITORY / "results" / "compare" / "static"
    words = ("compare", "study=static", "report_only=true", f"runs={archive}", "output=report")
    run(binaries / "region4d", *words, folder=elsewhere)
    assert "| 3d - 2d | distance | worlds_static |" in (elsewhere / "report" / "report.md").read_text()


@pytest.mark.slow
def test_the_wheel_carries_out_a_study_and_reports_it_again(binaries: Path, elsewhere: Path) -> None:
    run(binaries / "region4d", *STUDY, folder=elsewhere)
    saved = (elsewhere / "outputs" / "runs" / "quick" / "3d-seed0" / "config.yaml").read_text()
    assert "_target_: models.sr3d.SR3DConfig" in saved  # as in a checkout, so that either continues the run
    report = elsewhere / "outputs" / "compare" / "quick" / "report.html"
    assert report.is_file()
    report.unlink()
    run(binaries / "region4d", *STUDY, "report_only=true", folder=elsewhere)
    assert report.is_file()
