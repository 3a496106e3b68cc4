"""The dashboard asks for metrics that are there, and for all of them."""

import json
import re
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

DASHBOARD = json.loads(
    (Path(__file__).parent.parent / "deploy" / "grafana" / "article-search.json").read_text(encoding="utf-8")
)
PARTS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def expressions() -> list[str]:
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [*asked, *(one["expr"] for one in DASHBOARD["annotations"]["list"])]


def exported(client: TestClient) -> dict[str, tuple[str, set[str]]]:
    """Each series by its name: its family, and its labels."""
    client.get("/v1/search?q=goats")
    found: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        if family.name.startswith("search_"):
            for part in PARTS[family.type]:
                labels = {label for one in family.samples for label in one.labels}
                found[family.name + part] = (family.name, labels)
    return found


def test_every_metric_that_is_asked_for_is_exported_with_its_labels(client: TestClient) -> None:
    known = exported(client)
    for asked in expressions():
        names = re.findall(r"\b(search_\w+)\{([^}]*)\}", asked)
        assert names, asked
        for name, selector in names:
            assert name in known, name
            labels = set(re.findall(r"(\w+)=", selector)) - {"job"}
            labels |= {one for group in re.findall(r"by \(([\w, ]+)\)", asked) for one in group.split(", ")}
            assert labels <= known[name][1], (name, labels)


def test_every_metric_is_on_the_dashboard(client: TestClient) -> None:
    known, shown = exported(client), " ".join(expressions())
    families = {family for family, _ in known.values()}
    asked = {known[name][0] for name in re.findall(r"\b(search_\w+)\{", shown)}
    assert families == asked


def test_reasons_and_routes_that_are_named_are_there(client: TestClient) -> None:
    document: dict[str, Any] = client.get("/openapi.json").json()
    for routes in re.findall(r'route=~"([^"]+)"', " ".join(expressions())):
        assert set(routes.split("|")) - {"/"} <= document["paths"].keys()


def test_panels_stand_beside_each_other() -> None:
    places = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places and max(x for x, _ in cells) < 24, panel["title"]
        places |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
