"""The search for a home: order, reasons, refusals. No library is opened: empty files do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ascend_ops._cann import homes
from ascend_ops._cann.errors import HomeError

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if nothing were installed, set or loaded, and the process had not chosen a home yet."""
    for name in ("ASCEND_OPS_HOME", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(homes, "_found", None)
    monkeypatch.setattr(homes, "_announced", False)
    monkeypatch.setattr(homes, "_INSTALL_PLACES", (str(tmp_path / "absent"),))
    monkeypatch.setattr(homes, "loaded_libraries", dict)
    monkeypatch.setattr(homes, "_stub_places", list)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make_installation(
        name: str, *libraries: str, lib: str = "lib64", include: str = "include/acl"
    ) -> Path:
        root = tmp_path / name
        (root / lib).mkdir(parents=True)
        (root / include).mkdir(parents=True)
        for library in libraries or ("libascendcl.so",):
            (root / lib / library).touch()
        return root

    return make_installation


@pytest.fixture
def stand_in(make: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make("stubs", "libascendcl.so", "libascend_stub.so")
    monkeypatch.setattr(homes, "_stub_places", lambda: [root])
    return root


def test_the_setting_wins_over_everything(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_HOME_PATH", str(make("other")))
    monkeypatch.setenv("ASCEND_OPS_HOME", str(make("mine")))
    home = homes.find_home()
    assert (home.root.name, home.origin) == ("mine", "ASCEND_OPS_HOME")


def test_the_word_stub_asks_for_the_stand_in_without_a_word(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASCEND_OPS_HOME", "stub")
    home = homes.find_home()
    assert (home.root, home.stand_in) == (stand_in, True)
    assert capsys.readouterr().err == ""


def test_a_loaded_cann_wins_over_the_environment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = make("torch") / "lib64" / "libascendcl.so"
    monkeypatch.setattr(homes, "loaded_libraries", lambda: {"libascendcl.so": loaded})
    monkeypatch.setenv("ASCEND_HOME_PATH", str(make("other")))
    home = homes.find_home()
    assert home.root.name == "torch"
    assert home.origin == f"loaded library {loaded}"


def test_asking_for_another_cann_than_the_loaded_one_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = make("torch") / "lib64" / "libascendcl.so"
    monkeypatch.setattr(homes, "loaded_libraries", lambda: {"libascendcl.so": loaded})
    monkeypatch.setenv("ASCEND_OPS_HOME", str(make("mine")))
    with pytest.raises(HomeError, match=r"already loaded .*torch.*unset ASCEND_OPS_HOME"):
        homes.find_home()


def test_asking_for_the_loaded_cann_through_a_link_is_no_contradiction(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = make("cann-8.5.0")
    (tmp_path / "cann").symlink_to(root)
    monkeypatch.setattr(
        homes, "loaded_libraries", lambda: {"libascendcl.so": root / "lib64" / "libascendcl.so"}
    )
    monkeypatch.setenv("ASCEND_OPS_HOME", str(tmp_path / "cann"))
    assert homes.find_home().root == tmp_path / "cann"


def test_a_loaded_link_stub_is_an_error_that_explains_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = make("cann", lib="devlib") / "devlib" / "libascendcl.so"
    monkeypatch.setattr(homes, "loaded_libraries", lambda: {"libascendcl.so": stub})
    with pytest.raises(HomeError, match=r"link stub .*driver"):
        homes.find_home()


def test_the_home_of_a_loaded_library_is_the_directory_with_the_operators(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import platform

    lib = f"{platform.machine()}-linux/lib64"
    root = make("cann", lib=lib, include=f"{platform.machine()}-linux/include")
    (root / "opp").mkdir()
    monkeypatch.setattr(homes, "loaded_libraries", lambda: {"libascendcl.so": root / lib / "libascendcl.so"})
    assert homes.find_home().root == root


@pytest.mark.parametrize("name", ["ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"])
def test_the_variables_of_set_env_are_used(make: Make, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, str(make("cann", "libacl_rt.so")))
    assert homes.find_home().origin == name


@pytest.mark.parametrize("name", ["ASCEND_OPS_HOME", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"])
def test_a_variable_that_names_no_directory_is_an_error(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/no/such/place")
    with pytest.raises(HomeError, match=rf"{name} is '/no/such/place'.*not a directory.*set_env.sh"):
        homes.find_home()


@pytest.mark.parametrize("name", ["ASCEND_OPS_HOME", "ASCEND_HOME_PATH"])
def test_a_directory_without_a_runtime_is_an_error_not_a_reason_to_go_on(
    stand_in: Path, make: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(make("broken", "libnnopbase.so")))
    with pytest.raises(HomeError, match=r"no libacl_rt.so or libascendcl.so was found"):
        homes.find_home()


def test_the_usual_places_are_tried_in_order(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = [tmp_path / "absent", make("empty", "libc.so"), make("first"), make("second")]
    monkeypatch.setattr(homes, "_INSTALL_PLACES", tuple(map(str, places)))
    home = homes.find_home()
    assert home.root.name == "first"
    assert {s.name: s.reason for s in home.steps}[str(places[0])] == "does not exist"
    assert {s.name: s.reason for s in home.steps}[str(places[1])] == "holds no libascendcl.so"


def test_the_stand_in_is_last_and_says_so_once(stand_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert homes.find_home().root == stand_in
    assert homes.find_home().root == stand_in
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"running on the CPU stand-in at {stand_in}" in message


def test_every_step_is_recorded_with_its_reason(stand_in: Path) -> None:
    steps = homes.find_home().steps
    assert [step.taken for step in steps] == [False] * (len(steps) - 1) + [True]
    assert [step.name for step in steps][:4] == [
        "ASCEND_OPS_HOME",
        "loaded library",
        "ASCEND_HOME_PATH",
        "ASCEND_TOOLKIT_HOME",
    ]
    assert all(step.reason for step in steps)


def test_with_nothing_at_all_the_error_lists_what_was_looked_at() -> None:
    with pytest.raises(HomeError, match="ASCEND_HOME_PATH not set") as caught:
        homes.find_home()
    assert [step[0] for step in caught.value.steps][-1].endswith("absent")


def test_a_home_that_fails_is_looked_for_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HomeError):
        homes.find_home()
    monkeypatch.setenv("ASCEND_OPS_HOME", str(make("now")))
    assert homes.find_home().root.name == "now"


def test_the_first_answer_holds(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_OPS_HOME", str(make("one")))
    first = homes.find_home()
    monkeypatch.setenv("ASCEND_OPS_HOME", str(make("two")))
    assert homes.find_home() is first


def test_linked_directories_are_listed_once(make: Make, tmp_path: Path) -> None:
    import platform

    root = make("cann", lib=f"{platform.machine()}-linux/lib64")
    (root / "lib64").symlink_to(root / f"{platform.machine()}-linux/lib64")
    home = homes.make_home(root, "test")
    assert home.lib == (root / "lib64",)
    assert home.library("libascendcl.so") == root / "lib64" / "libascendcl.so"
    assert home.library("libhccl.so") is None


@pytest.mark.parametrize("name", ["ASCEND_OPS_HOME", "ASCEND_HOME_PATH"])
def test_a_relative_home_outlives_a_change_of_directory(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = make("cann")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "cann")
    assert homes.find_home().root == root
