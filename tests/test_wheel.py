"""The wheel holds all it needs and runs outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("forensic_iso", "parsers", "tui")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network by the backend that is installed here."""
    pytest.importorskip("hatchling", reason="needs hatchling: pip install -e '.[dev]'")
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_source_and_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(f.relative_to(ROOT).as_posix())
        for package in PACKAGES
        for pattern in ("*.py", "*.sql", "*.toml", "*.tcss", "*.j2", "*.css", "*.typ", "py.typed")
        for f in (ROOT / package).rglob(pattern)
    }

    assert expected <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert not [n for n in names if n.split("/")[0] in ("tests", "tools", "benchmarks")]


def test_the_installed_wheel_runs_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    purelib = Path(
        sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)})
    )
    # Dependencies come from here by a .pth; the packages from the wheel, which the path has first.
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    install += ["--no-index", "--quiet", str(wheel)]
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PIP_FIND_LINKS")}
    subprocess.run(install, check=True, env=env, cwd=tmp_path, timeout=120)
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    places = run(str(python), "-c", f"import {', '.join(PACKAGES)} as t; print(forensic_iso, t)")
    assert str(purelib) in places
    assert str(ROOT) not in places
    assert "analyze" in run(str(scripts / "forensic-iso"), "--help")
    assert "analyze" in run(str(python), "-m", "forensic_iso", "--help")
    hunts = "from forensic_iso.hunts import all_hunts; print(len(all_hunts()))"
    assert int(run(str(python), "-c", hunts)) >= 4
