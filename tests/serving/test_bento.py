"""What `bentoml build` makes of bentofile.yaml."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import serving
from serving import process
from serving.schemas import EXAMPLE
from training.prediction.bundle import Bundle

ROOT = Path(serving.__file__).parent.parent
BENTOFILE = yaml.safe_load((ROOT / "bentofile.yaml").read_text())


def test_the_bento_asks_for_what_was_tested() -> None:
    pinned = set((ROOT / "constraints.txt").read_text().splitlines())
    asked = {re.sub(r"\[.*\]", "", package) for package in BENTOFILE["python"]["packages"]}
    assert asked - pinned == set()


@pytest.mark.slow
def test_the_bento_holds_what_the_service_imports() -> None:
    program = (
        "import sys, serving.service\n"
        "layers = ('features', 'training', 'serving')\n"
        "names = [n for n in sys.modules if n.split('.')[0] in layers]\n"
        "print(*(sys.modules[n].__file__ for n in names), sep='\\n')\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    needed = {Path(line).relative_to(ROOT) for line in said.splitlines()}
    held = {p.relative_to(ROOT) for pattern in BENTOFILE["include"] for p in ROOT.glob(pattern)}
    assert needed - held == set()
    training = {path for path in held if path.parts[0] == "training"}
    assert training == {path for path in needed if path.parts[0] == "training"}


@pytest.mark.slow
def test_the_built_bento_serves_its_champion_without_network(
    bundle_folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    for layer in ("features", "training", "serving"):
        ignored = shutil.ignore_patterns("champion", "__pycache__")
        shutil.copytree(ROOT / layer, source / layer, ignore=ignored)
    shutil.copy(ROOT / "bentofile.yaml", source)
    champion = Bundle.load(bundle_folder)
    champion.manifest["version"] = "built"
    champion.save(source / "serving" / "champion")

    tools = Path(sys.executable).parent  # uv, which the build calls
    home = tmp_path / "home"
    environment = {
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "true",
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        # Where nothing listens: whoever asks the network fails.
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "UV_OFFLINE": "1",
        "COTERIE_BUNDLE": "",
    }
    built = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--output", "tag"],
        cwd=source, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    tag = built.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    shutil.rmtree(source)

    (bento,) = (home / "bentos" / "coterie-service").glob("*/src")
    assert not {"fit.py", "tracking.py"} & {p.name for p in (bento / "training").iterdir()}
    with process.running(bundle_folder, command=("serve", tag), environment=environment) as service:
        answer = service.ask("/assign", EXAMPLE)
        assert answer["model"]["version"] == "built"
        assert len(answer["assignments"]) == len(EXAMPLE["customers"])
    assert json.dumps(answer)
