"""make setup: what it notices, and what `make check` leaves out."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devstack import chromium, make_venv, nodb, pango
from devstack.paths import PROJECT, StackError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a finished venv; pip and venv only note that they were called."""
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    (tmp_path / "requirements.lock").write_text("django==5.2 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(make_venv, "VENV", venv)
    monkeypatch.setattr(make_venv, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(make_venv, "STAMP", venv / "complete")
    monkeypatch.setattr(make_venv, "PYTHON", venv / "bin" / "python")
    make_venv.STAMP.write_text(finished())
    return tmp_path


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        calls.append(" ".join(command[1:]))
        listed = b"Django forgotten_one pip"
        return SimpleNamespace(returncode=0, stdout=listed)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def finished() -> str:
    return f"{make_venv.this_python()} {make_venv.lock_digest()}\n"


@pytest.mark.parametrize("chosen", [True, False])
def test_it_does_nothing_when_nothing_changed(
    project: Path, called: list[str], chosen: bool
) -> None:
    make_venv.make(chosen)
    assert called == []


def test_a_venv_keeps_its_python_unless_another_is_chosen(project: Path, called: list[str]) -> None:
    make_venv.STAMP.write_text(f"CPython 3.99.1 {make_venv.lock_digest()}\n")
    make_venv.make(chosen=False)
    assert called == []
    with pytest.raises(FileNotFoundError):  # the folder is gone, and the fake venv makes none
        make_venv.make(chosen=True)
    assert "-m venv" in called[0]


def test_a_changed_lock_is_installed_and_what_it_no_longer_names_goes(
    project: Path, called: list[str]
) -> None:
    make_venv.LOCK.write_text("django==5.2.1 \\\n    --hash=sha256:01\n")
    make_venv.make(chosen=False)
    assert not any("-m venv" in call for call in called)
    assert any("install --require-hashes" in call for call in called)
    assert called[-1].endswith("uninstall -y forgotten_one")
    assert make_venv.STAMP.read_text() == finished()


@pytest.mark.parametrize("damage", ["no stamp", "no python"])
def test_a_half_made_venv_is_made_anew(project: Path, called: list[str], damage: str) -> None:
    if damage == "no stamp":
        make_venv.STAMP.unlink()
    else:
        make_venv.PYTHON.unlink()
    with pytest.raises(FileNotFoundError):  # the folder is gone, and the fake venv makes none
        make_venv.make(chosen=False)
    assert "-m venv" in called[0]


def test_an_old_python_is_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        make_venv.refuse_unfit_python()


def test_the_script_needs_nothing_installed() -> None:
    """The system's Python runs it, which sees none of our packages."""
    script = PROJECT / "devstack" / "make_venv.py"
    code = f"import runpy; runpy.run_path({str(script)!r}, run_name='tried')"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_lock_names_no_index_and_serves_every_python_we_promise() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    assert "://" not in lock
    # redis needs it before Python 3.11.3, and pip then refuses a lock that lacks it.
    assert "\nasync-timeout==" in lock


def test_no_browser_and_no_right_to_install_one_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ITB_CHROMIUM", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(StackError, match="tests need Chromium"):
        chromium.ensure()


def no_library(name: str) -> None:
    raise OSError(name)


def test_without_pango_the_tests_stop_and_the_demo_says_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert pango.missing_line() == ""
    monkeypatch.setattr("ctypes.CDLL", no_library)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(StackError, match="tests need Pango"):
        pango.ensure()
    assert pango.missing_line().startswith("no PDFs here")
    assert "\n" not in pango.missing_line()


def test_the_image_has_what_the_devstack_installs() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    for package in pango.PACKAGES:
        assert f" {package}" in dockerfile


def test_a_chosen_browser_has_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITB_CHROMIUM", "/no/such/browser")
    with pytest.raises(StackError, match="not a program"):
        chromium.find()


@pytest.mark.parametrize(
    ("markers", "fixtures", "left_out"),
    [
        ([], [], False),
        ([], ["tmp_path", "now"], False),
        (["django_db"], [], True),
        (["servers"], [], True),
        ([], ["clinic", "db"], True),
        ([], ["page"], True),
    ],
)
def test_make_check_leaves_out_what_needs_a_server(
    markers: list[str], fixtures: list[str], left_out: bool
) -> None:
    item: Any = SimpleNamespace(
        get_closest_marker=lambda name: name if name in markers else None,
        fixturenames=fixtures,
        cls=None,
    )
    assert nodb.needs_server(item) is left_out
