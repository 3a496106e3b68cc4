"""The container files name what is there: packages, settings, ports, routes, commands. Nothing is built."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from manual.tables import commands
from search_api.settings import Settings

yaml = pytest.importorskip("yaml", reason="PyYAML, which huggingface_hub brings, is not installed")

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STATEMENTS = [
    line.split(maxsplit=1) for line in re.sub(r"\\\n", " ", DOCKERFILE).split("\n") if line and line[0] != "#"
]
PORT = Settings.model_fields["port"].default


def stated(instruction: str) -> list[str]:
    return [rest for word, rest in STATEMENTS if word == instruction]


def settings_in(text: str) -> set[str]:
    return {name.lower() for name in re.findall(r"\bSEARCH_([A-Z_]+)=", text)}


def test_the_image_is_made_of_what_is_there() -> None:
    copied = [shlex.split(rest)[:-1] for rest in stated("COPY") if not rest.startswith("--from")]
    sources = {source for one in copied for source in one}
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    packages = {name.partition(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    assert packages <= sources
    assert {"constraints.txt", PROJECT["project"]["readme"]} <= sources
    assert any("--constraint constraints.txt" in rest for rest in stated("RUN"))


def test_the_image_runs_without_root_on_the_python_that_is_asked_for() -> None:
    assert stated("USER") == ["10001"]
    assert len(stated("FROM")) == 2  # what builds is left behind
    for base in stated("FROM"):
        version = re.match(r"python:(\d+\.\d+)-slim", base)
        assert version and f">={version[1]}" == PROJECT["project"]["requires-python"]


def test_the_image_knows_settings_port_and_health() -> None:
    given = settings_in(" ".join(stated("ENV")))
    assert {"index", "cache", "host", "port"} <= given <= set(Settings.model_fields)
    assert stated("EXPOSE") == [str(PORT)]
    (health,) = stated("HEALTHCHECK")
    assert f"http://127.0.0.1:{PORT}/readyz" in health
    openapi = json.loads((ROOT / "tests" / "data" / "openapi.json").read_text(encoding="utf-8"))
    assert "/readyz" in openapi["paths"]
    assert json.loads(stated("CMD")[-1]) == ["search-api", "serve"]
    assert json.loads(stated("VOLUME")[0]) == ["/index", "/cache"]


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_services_can_write_their_volumes_only(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and service["tmpfs"] == ["/tmp"]
    assert (ROOT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    written = [one.split(":") for one in service["volumes"] if not one.endswith(":ro")]
    assert {one[0] for one in written} == set(COMPOSE["volumes"])
    assert {one[1] for one in written} == {"/index", "/cache"}
    program, command = service["command"][:2]
    assert f"{program} {command}" in dict(commands())


def test_the_service_is_reached_from_this_machine_only() -> None:
    service = COMPOSE["services"]["serve"]
    assert service["ports"] == [f"127.0.0.1:${{PORT:-{PORT}}}:{PORT}"]
    assert {name.removeprefix("SEARCH_").lower() for name in service["environment"]} <= set(
        Settings.model_fields
    )
    assert Settings(**{
        name.removeprefix("SEARCH_").lower(): value for name, value in service["environment"].items()
    }).open  # fmt: skip
    assert f"http://127.0.0.1:{PORT}/readyz" in service["healthcheck"]["test"][-1]
    articles = COMPOSE["services"]["index"]["volumes"][0]
    assert articles.startswith("${ARTICLES:-../corpus}") and (ROOT / "corpus").is_dir()
