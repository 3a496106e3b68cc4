"""deploy/kubernetes and deploy/milvus: what a person would apply parses, and names what there is: settings, commands, options, ports.

Applied nowhere. Where kubernetes-validate is installed (`make test-cluster`), objects and pods are also held
against the schemas of Kubernetes.
"""

import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import indexer.__main__
import search_api.__main__
from bench.scale_law import Prices, measured, needs
from indexer.options import RayOption
from search_api.settings import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SEARCH, MILVUS, RAY = (
    DEPLOY / "kubernetes" / name for name in ("search.yaml", "search-milvus.yaml", "ray-build.yaml")
)
servers = pytest.mark.parametrize("file", [SEARCH, MILVUS], ids=lambda file: file.name)
VALUES = {"10m": 10e6, "100m": 100e6, "1b": 1e9}
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
COMMANDS = {
    "indexer": typer.main.get_command(indexer.__main__.app),
    "search-api": typer.main.get_command(search_api.__main__.app),
}


def objects(file: Path) -> dict[str, Any]:
    """The objects of a file by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))}


def pods(file: Path) -> list[dict[str, Any]]:
    """Every pod's spec in a file, wherever it stands."""
    found: list[dict[str, Any]] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "containers" in value:
                found.append(value)
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    for one in objects(file).values():
        look(one)
    return found


def require_known(command: str) -> None:
    """Every option of a command line is one of the command."""
    program, name, *rest = shlex.split(command)
    known = {option for one in COMMANDS[program].commands[name].params for option in one.opts}
    assert {word for word in rest if word.startswith("--")} <= known, command


@pytest.mark.parametrize(
    "file", [SEARCH, MILVUS, RAY, *sorted((DEPLOY / "milvus").glob("*.yaml"))], ids=lambda f: f.name
)
def test_every_file_says_that_it_was_not_applied(file: Path) -> None:
    assert "NOT APPLIED HERE" in file.read_text(encoding="utf-8")
    assert list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


@servers
def test_the_server_is_given_settings_that_it_has(file: Path) -> None:
    (pod,) = pods(file)
    (container,) = pod["containers"]
    given = {one["name"]: one["value"] for one in container["env"]}
    settings = {f"SEARCH_{name.upper()}" for name in Settings.model_fields}
    assert given.keys() <= settings
    read = Settings(**{name.removeprefix("SEARCH_").lower(): value for name, value in given.items()})
    assert container["ports"] == [{"name": "http", "containerPort": read.port}]
    assert container["command"] == ["search-api", "serve"]
    mounts = {one["mountPath"]: one.get("readOnly", False) for one in container["volumeMounts"]}
    assert not mounts[str(read.cache)]
    if read.backend == "milvus":
        assert read.milvus_token_file is not None and mounts[str(read.milvus_token_file.parent)]
        assert read.milvus_timeout_s < read.request_timeout_s
        assert file == MILVUS and "SEARCH_INDEX" not in given
    else:
        assert mounts[f"/{read.index.parts[1]}"] and file == SEARCH
    assert pod["terminationGracePeriodSeconds"] >= read.drain_s + read.grace_s + 10


@servers
def test_readiness_asks_readyz_and_life_asks_healthz(file: Path) -> None:
    (container,) = pods(file)[0]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["startupProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}


@servers
def test_service_autoscaler_and_budget_are_of_the_same_pods(file: Path) -> None:
    found = objects(file)
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    target = found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == found["Deployment"]["metadata"]["name"]
    assert (
        found["HorizontalPodAutoscaler"]["spec"]["minReplicas"]
        > found["PodDisruptionBudget"]["spec"]["minAvailable"]
    )
    assert "replicas" not in found["Deployment"]["spec"]
    claims = {
        v["persistentVolumeClaim"]["claimName"]
        for v in pods(file)[0]["volumes"]
        if "persistentVolumeClaim" in v
    }
    assert claims == {
        one["metadata"]["name"] for kind, one in found.items() if kind == "PersistentVolumeClaim"
    }


def test_both_ways_to_serve_can_stand_side_by_side() -> None:
    names = [
        {(kind, one["metadata"]["name"]) for kind, one in objects(file).items()} for file in (SEARCH, MILVUS)
    ]
    assert not names[0] & names[1]


def test_images_are_of_this_version_and_no_pod_may_be_root() -> None:
    for pod in pods(SEARCH) + pods(MILVUS) + pods(RAY):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            name, _, tag = container["image"].partition(":")
            assert (
                name in ("article-search", "article-search-milvus", "article-search-ray") and tag == VERSION
            )


def test_the_image_that_is_made_here_listens_and_runs_as_the_pods_say() -> None:
    made = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", made, re.MULTILINE)
    (user,) = re.findall(r"^USER (\d+)$", made, re.MULTILINE)
    assert int(exposed) == pods(SEARCH)[0]["containers"][0]["ports"][0]["containerPort"]
    assert {pod["securityContext"]["runAsUser"] for pod in pods(SEARCH) + pods(MILVUS) + pods(RAY)} == {
        int(user)
    }
    (cache,) = re.findall(r"^ +SEARCH_CACHE=(\S+)", made, re.MULTILINE)
    assert pods(SEARCH)[0]["initContainers"][0]["command"][2].startswith(f"{cache}/")
    assert f"--cache {cache}" in objects(RAY)["RayJob"]["spec"]["entrypoint"]


def test_the_build_on_ray_is_a_command_that_there_is() -> None:
    job = objects(RAY)["RayJob"]["spec"]
    require_known(job["entrypoint"])
    assert "--ray auto" in job["entrypoint"] and RayOption is not None
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert f"ray=={job['rayClusterSpec']['rayVersion']}\n" in constraints
    head, *workers = [job["rayClusterSpec"]["headGroupSpec"], *job["rayClusterSpec"]["workerGroupSpecs"]]
    assert head["rayStartParams"] == {"num-cpus": "0"}
    mounts = [{m["mountPath"] for m in pod["containers"][0]["volumeMounts"]} for pod in pods(RAY)]
    assert mounts == [{"/data"}] * (1 + len(workers))
    assert [one["groupName"] for one in workers] == ["cpu", "gpu"]


@pytest.mark.parametrize("name", VALUES)
def test_milvus_gets_as_many_query_nodes_as_the_law_says(name: str) -> None:
    text = (DEPLOY / "milvus" / f"values-{name}.yaml").read_text(encoding="utf-8")
    values, wanted = yaml.safe_load(text), needs(VALUES[name], measured(), Prices())
    assert values["queryNode"]["replicas"] == wanted.query_nodes
    disk = values["queryNode"]["resources"]["requests"]["ephemeral-storage"]
    assert int(disk.removesuffix("Gi")) >= wanted.cluster_ssd_gb / wanted.query_nodes
    assert f"--shards {wanted.shards} " in text
    inner = yaml.safe_load(values["extraConfigFiles"]["user.yaml"])
    assert inner["queryNode"]["mmap"]["scalarField"] is True
    (published,) = re.findall(r"^#   (indexer publish .*)$", text, re.MULTILINE)
    if "publish" in COMMANDS["indexer"].commands:
        require_known(published)


@pytest.mark.parametrize("file", [SEARCH, MILVUS, RAY], ids=lambda file: file.name)
def test_objects_and_pods_fit_the_schemas_of_kubernetes(file: Path) -> None:
    if find_spec("kubernetes_validate") is None:
        pytest.skip("kubernetes-validate is not installed; `make test-cluster` has it")
    import kubernetes_validate

    version = kubernetes_validate.latest_version()
    for one in objects(file).values():
        if not one["apiVersion"].startswith("ray.io/"):
            kubernetes_validate.validate(one, version, strict=True)
    for pod in pods(file):
        whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": pod}
        kubernetes_validate.validate(whole, version, strict=True)
