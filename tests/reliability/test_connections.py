"""The few connections that there are: named before they are made, and no message holds a password."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
import torchvision

from app.cli import main
from app.core.gallery.references import shown
from model.method.network import build_backbone
from model.training.starting_weights import WeightsError, load_starting_weights

ADDRESS = "postgresql://ann:s3cret@127.0.0.1:1/photos?password=s3cret&connect_timeout=2"
SHOWN = "postgresql://ann@127.0.0.1:1/photos"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (ADDRESS, SHOWN),
        ("postgres://ann:s3cret%40x@[::1]:5432/photos", "postgresql://ann@[::1]:5432/photos"),
        (
            "postgresql:///photos?host=/run/postgresql&user=ann&password=s3cret",
            "postgresql://ann@/run/postgresql/photos",
        ),
        ("postgresql://:s3cret@one:1,two:2/photos", "postgresql://one:1,two:2/photos"),
        ("postgresql://ann:s3cret@[::1/photos", "postgresql://..."),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_a_shared_gallery_is_named_before_it_is_asked(
    photos: Path, tiny_model: Path, capfd: pytest.CaptureFixture
) -> None:
    common = ["--model", str(tiny_model), "--gallery", ADDRESS, "--device", "cpu"]
    for command in ("identify", "enrol"):
        assert main([command, str(photos), *common]) == 2
        said, problem = capfd.readouterr().err.splitlines()
        assert said == f"connecting to the shared gallery {SHOWN}"
        assert problem.startswith("marque: postgresql://ann@127.0.0.1") and "cannot be reached" in problem
        assert "s3cret" not in problem
        assert main([command, str(photos), *common, "--json"]) == 2
        said, problem = capfd.readouterr().err.splitlines()
        assert json.loads(said) == {"event": "connecting", "to": SHOWN}
        assert "s3cret" not in problem


def test_without_the_package_the_password_is_not_shown_either(
    photos: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "app.core.gallery.shared_gallery", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert main(["identify", str(photos), "--model", str(tiny_model), "--gallery", ADDRESS]) == 2
    out, err = capfd.readouterr()
    assert f"{SHOWN}: shared galleries" in err and "s3cret" not in out + err


def test_a_ray_cluster_is_named_before_it_is_asked(
    photos: Path, tiny_model: Path, capfd: pytest.CaptureFixture
) -> None:
    arguments = ["identify", str(photos), "--model", str(tiny_model), "--gallery", "none", "--engine", "ray"]
    assert main([*arguments, "--ray-address", "127.0.0.1:1"]) == 2
    assert capfd.readouterr().err.splitlines()[0] == "connecting to the Ray cluster at 127.0.0.1:1"


def test_a_download_of_weights_is_named_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """The download itself is a stand-in: the first fails, later there is the file."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    backbone, _ = build_backbone("resnet18")
    asked: list[str] = []

    def away(url: str, **_: object) -> None:
        asked.append(url)
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", away)
    with pytest.raises(WeightsError, match="could not be downloaded"):
        load_starting_weights(backbone, "resnet18", "imagenet")
    assert len(asked) == 1 and asked[0].startswith("https://download.pytorch.org/")
    folder = tmp_path / "hub" / "checkpoints"
    assert capsys.readouterr().err == (
        f"downloading ImageNet's weights of resnet18 from download.pytorch.org (45 MB) to {folder}; "
        "--weights none, or a file, avoids it\n"
    )
    folder.mkdir(parents=True)
    (folder / Path(asked[0]).name).touch()
    there = torchvision.models.resnet18(weights=None).state_dict()
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", lambda *_, **__: there)
    load_starting_weights(backbone, "resnet18", "imagenet")
    assert capsys.readouterr().err == ""
    assert torch.equal(backbone.state_dict()["conv1.weight"], there["conv1.weight"])
