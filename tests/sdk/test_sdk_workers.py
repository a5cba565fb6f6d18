"""Workers written for the official Python SDK as handlers; the SDK is only in an environment of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


def test_workers_of_the_official_sdk_are_handlers_as_they_stand(sdk_folder, tmp_path):
    (tmp_path / "test_handled.py").write_text((HERE / "handled_by_sdk_workers.py").read_text())
    (tmp_path / "shop_workers.py").write_text((HERE / "shop_workers.py").read_text())
    environment = {**os.environ, "PYTHONPATH": f"{sdk_folder}{os.pathsep}{tmp_path}"}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "test_handled.py"]
    run = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert "3 passed" in run.stdout, run.stdout + run.stderr


@pytest.fixture(scope="module")
def sdk_folder(tmp_path_factory):
    """A folder with the SDK and what it needs; K1N_SDK_FOLDER keeps it from one run to the next."""
    kept = os.environ.get("K1N_SDK_FOLDER")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("sdk") / "site"
    if not (folder / "conductor").exists():
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--target",
            str(folder),
            "conductor-python==2.0.0",
        ]
        subprocess.run(install, check=True, timeout=300)
    return folder
