"""The pytest plugin in real pytest processes: what fails, what passes, and what is printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
pytestmark = pytest.mark.xdist_group("plugin")  # one process has what its fixtures made
LOADED = ("-p", "gradcheck.pytest_plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider")


def run_pytest(
    directory: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *LOADED, *map(str, arguments)],
        cwd=directory,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={
            **kept,
            "PYTHONPATH": str(PROJECT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            **environment,
        },
    )


def made(directory: Path, body: str, ini: str = "") -> Path:
    (directory / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers\n{ini}")
    (directory / "test_it.py").write_text(f"import pytest\n{body}")
    return directory


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "sample_repo", tmp_path / "repository"))


def test_a_repository_fails_on_a_gradient_spike(repository: Path) -> None:
    ran = run_pytest(repository, "-q")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "spike  gradient spike from step 3 on: outlier batch (bad data)" in ran.stdout
    assert "sample 26 of the data set" in ran.stdout
    assert "at sensor.py:26" in ran.stdout
    assert "Traceback" not in ran.stdout
    assert sorted(p.name for p in repository.iterdir()) == ["pytest.ini", "sensor.py", "tests"]


def test_and_passes_with_the_remedy(repository: Path) -> None:
    ran = run_pytest(repository, "-q", "--gradcheck-record", "kept", REMEDY="1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
    (kept,) = (repository / "kept").iterdir()
    assert kept.name == "tests-test_training.py-test_training_is_calm"
    assert list(kept.glob("events.out.tfevents.*"))


def outcomes(report: Path) -> dict[str, tuple[str, str]]:
    """How each test ended, and what was said of it, by its name."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        end = next((e for e in case if e.tag in ("failure", "error", "skipped")), None)
        told = "" if end is None else f"{end.get('message')}\n{end.text}"
        found[str(case.get("name"))] = ("passed" if end is None else end.tag, told)
    return found


@pytest.fixture(scope="module", name="suites")
def _suites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, tuple[str, str]]]:
    """The same tests in one process and in two."""
    directory = tmp_path_factory.mktemp("suite")
    shutil.copy(HERE / "suite.py", directory / "test_suite.py")
    made(directory, "", ini="filterwarnings = error\n")
    found = {}
    for name, options in (("one", ()), ("two", ("-n", "2"))):
        report = directory / f"{name}.xml"
        ran = run_pytest(directory, "-q", f"--junitxml={report}", "test_suite.py", *options)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        found[name] = outcomes(report)
    return found


@pytest.mark.parametrize("processes", ["one", "two"])
def test_each_way_to_ask(suites: dict[str, dict[str, tuple[str, str]]], processes: str) -> None:
    found = {name: end for name, (end, _) in suites[processes].items()}
    ways = {"fail": "failure", "fails": "failure", "skipped": "skipped"}
    expected = {
        name: ways.get(name.rpartition("_")[2], "passed") for name in found if "[" not in name
    }
    expected |= {
        "test_nan_fails_whatever_the_test_catches": "failure",
        "test_each[calm]": "passed",
        "test_each[spike]": "failure",
        "test_region[calm]": "passed",
        "test_region[spike]": "error",
    }
    assert found == expected
    assert len(found) == 25


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("test_nan_fails", "NaN loss at step 3: "),
        ("test_fixture_fails", "NaN loss at step 3: "),
        ("test_each[spike]", "spike  gradient spike"),
        (
            "test_without_training_fails",
            "had nothing to judge: no optimizer of torch's took a step",
        ),
        ("test_two_steps_fail", "had nothing to judge: a spike shows in 3 steps or more"),
        ("test_explosion_fails", "learning rate too high"),
        ("test_second_optimizer_fails", "gradient spike"),
        ("test_own_assertion_fails", "my own assertion"),
        ("test_own_error_fails", "LookupError: my own error"),
        ("test_skip_is_skipped", "not today"),
        ("test_region[spike]", "gradient spike"),
        ("test_region_within_fails", "gradcheck is watching already"),
    ],
)
def test_what_is_said(suites: dict[str, dict[str, tuple[str, str]]], name: str, said: str) -> None:
    for suite in suites.values():
        assert said in suite[name][1]


def test_an_exception_of_the_test_comes_with_the_diagnosis(tmp_path: Path) -> None:
    shutil.copy(HERE / "suite.py", tmp_path / "test_suite.py")
    ran = run_pytest(tmp_path, "-q", "test_suite.py", "-k", "own_assertion")
    assert "my own assertion" in ran.stdout
    assert "gradcheck call" in ran.stdout
    assert "gradient spike" in ran.stdout


@pytest.mark.parametrize(
    ("mark", "ini", "said"),
    [
        ("fail_on='rain'", "", "fail_on='rain': choose one of failure, spike, warning, never"),
        ("fial_on='spike'", "", "no argument is called 'fial_on': use fail_on or spike_ratio"),
        ("'spike'", "", "takes names only"),
        ("spike_ratio=0.5", "", "spike_ratio must be a number above 1"),
        ("", "gradcheck_fail_on = rain", "fail_on='rain': choose one of"),
        ("", "gradcheck_spike_ratio = much", "spike_ratio must be a number above 1"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_runs(
    tmp_path: Path, mark: str, ini: str, said: str
) -> None:
    body = f"@pytest.mark.gradcheck({mark})\ndef test_it():\n    print('it went')\n"
    ran = run_pytest(made(tmp_path, body, ini), "-q", "-s")
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert said in ran.stderr
    assert "it went" not in ran.stdout
    assert "Traceback" not in ran.stderr


def test_the_defaults_are_those_of_the_ini_file(tmp_path: Path) -> None:
    ini = "gradcheck_fail_on = never\ngradcheck_spike_ratio = 7"
    body = "@pytest.mark.gradcheck\ndef test_it():\n    pass\n"
    assert run_pytest(made(tmp_path, body, ini), "-q").returncode == 0


def test_the_plugin_costs_next_to_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    body = (
        "import sys\ndef test_it():\n"
        "    heavy = {'torch', 'numpy', 'pandas', 'rich', 'gradcheck.model', 'gradcheck.watch'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    ran = run_pytest(made(tmp_path, body), "-q")
    assert ran.returncode == 0, ran.stdout


def test_pytest_finds_it_by_its_entry_point(tmp_path: Path) -> None:
    """As installed: the entry points of pyproject.toml in the metadata of a distribution."""
    project = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    listed = project.partition("[project.entry-points.pytest11]\n")[2].partition("\n\n")[0]
    assert listed
    installed = tmp_path / "site"
    metadata = installed / "stand_in-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\n" + listed.replace('"', "") + "\n")
    body = "def test_it(gradcheck_region):\n    assert callable(gradcheck_region)\n"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=made(tmp_path, body),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{PROJECT}"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
