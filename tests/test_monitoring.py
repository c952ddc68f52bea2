"""The files for operators: compose, Prometheus, Grafana, KEDA. They name only what there really is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from api.edge.hosts import Hosts
from api.schemas.queues import QueueOut

from samples import pngs
from services import Services
from waiting import until

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((ROOT / "monitoring/grafana/inkqueue.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "monitoring/alerts.yml").read_text())
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
NAME = re.compile(r"\b(?:inkqueue|process)_[a-z0-9_]+\b")
LABEL = re.compile(r"by \(([^)]*)\)")


def panels() -> Iterator[dict[str, Any]]:
    yield from (each for each in DASHBOARD["panels"] if each["type"] != "row")


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


@pytest.fixture(scope="module")
def served(services: Services) -> str:
    """What a gateway says that has done a bit of everything."""
    image = pngs(1, np.random.default_rng(7))[0]
    with httpx.Client(base_url=services.url, timeout=60) as http:
        headers = {"Content-Type": "image/png"}
        assert http.post("/v1/predictions", content=image, headers=headers).status_code == 200
        until(lambda: "worker_images_per_second{" in http.get("/metrics").text)  # with a heartbeat
        return http.get("/metrics").text


def test_every_query_names_a_metric_that_is_served(served: str) -> None:
    names = set(re.findall(r"^([a-z_]+)(?:\{| )", served, re.MULTILINE))
    asked = queries() + [rule["expr"] for rule in RULES]
    for query in asked:
        found = NAME.findall(query)
        assert found or query.startswith("up{"), query
        assert set(found) <= names, query


def test_what_an_alert_compares_has_no_labels_that_could_differ(served: str) -> None:
    for rule in RULES:
        metrics = {*NAME.findall(rule["expr"])}
        if len(metrics) > 1 and " by (" not in rule["expr"]:
            for metric in metrics:  # else Prometheus would pair nothing, and the alert be silent
                assert re.search(rf"^{metric} ", served, re.MULTILINE), rule["alert"]


def test_what_is_said_of_an_old_queue_holds_for_a_long_one_that_is_being_read() -> None:
    (rule,) = [each for each in RULES if each["alert"] == "QueueOld"]
    assert rule["expr"].startswith("max by (model, lane) (inkqueue_oldest_due_chunk_age_seconds)")
    assert rule["annotations"]["summary"].startswith("The oldest chunk of ")


def test_every_query_groups_by_labels_that_are_served(served: str) -> None:
    for query in queries():
        (metric, *_), grouped = NAME.findall(query), LABEL.search(query)
        sample = next(line for line in served.splitlines() if line.startswith(metric))
        labels = {*re.findall(r'([a-z]+)="', sample), "instance"}  # which Prometheus adds
        assert {each.strip() for each in grouped[1].split(",")} <= labels if grouped else True, query


def test_everything_that_is_counted_is_on_the_dashboard(served: str) -> None:
    families = set(re.findall(r"^# TYPE (inkqueue_\w+) ", served, re.MULTILINE))
    seldom = {"inkqueue_build_info", "inkqueue_jobs_expired_total"}
    shown = " ".join(queries())
    assert not [name for name in families - seldom if name not in shown]


def test_panels_have_titles_ids_and_places_of_their_own() -> None:
    assert (DASHBOARD["uid"], DASHBOARD["title"]) == ("inkqueue", "Inkqueue")
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert panel["title"]
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    (source,) = yaml.safe_load((ROOT / "monitoring/grafana/datasources.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((ROOT / "monitoring/grafana/dashboards.yml").read_text())["providers"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    mounts = [mount.split(":") for mount in COMPOSE["services"]["grafana"]["volumes"]]
    folder = provider["options"]["path"]
    assert ["./monitoring/grafana/inkqueue.json", f"{folder}/inkqueue.json", "ro"] in mounts


def test_prometheus_scrapes_the_gateway_of_compose() -> None:
    config = yaml.safe_load((ROOT / "monitoring/prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    host, port = job["static_configs"][0]["targets"][0].split(":")
    assert COMPOSE["services"][host]["ports"][0].endswith(f":{port}")
    assert "front" in COMPOSE["services"]["prometheus"]["networks"]
    assert "front" in COMPOSE["services"][host]["networks"]


def test_monitoring_is_optional_guarded_and_reachable_from_this_machine_only() -> None:
    for name in ("prometheus", "grafana"):
        service = COMPOSE["services"][name]
        assert service["profiles"] == ["monitoring"]
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ledger" not in service["networks"]
        for mount in service["volumes"]:
            source, _, *mode = mount.split(":")
            assert source in COMPOSE["volumes"] or ((ROOT / source).is_file() and mode == ["ro"])
    grafana = COMPOSE["services"]["grafana"]
    assert grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "${INKQUEUE_GRAFANA_PASSWORD:-}"
    assert 'if [ -z "$$GF_SECURITY_ADMIN_PASSWORD" ]' in grafana["entrypoint"][-1]


def test_containers_log_json_unless_told_otherwise() -> None:
    for name in ("api", "worker"):
        assert COMPOSE["services"][name]["environment"]["INKQUEUE_LOG"] == "${INKQUEUE_LOG:-json}"


def test_the_autoscaler_of_kubernetes_reads_what_the_gateway_says(http: httpx.Client) -> None:
    trigger_auth, scaled = yaml.safe_load_all((ROOT / "deploy/keda.yaml").read_text())
    for document, kind in ((trigger_auth, "TriggerAuthentication"), (scaled, "ScaledObject")):
        assert (document["apiVersion"], document["kind"]) == ("keda.sh/v1alpha1", kind)
        assert re.fullmatch(r"[a-z0-9-]+", document["metadata"]["name"])
    spec = scaled["spec"]
    assert spec["scaleTargetRef"]["name"]
    assert 0 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    (trigger,) = spec["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("metrics-api", "AverageValue")
    assert trigger["authenticationRef"]["name"] == trigger_auth["metadata"]["name"]
    facts = trigger["metadata"]
    assert all(isinstance(value, str) for value in facts.values())  # KEDA takes nothing else
    url = httpx.URL(facts["url"])
    assert url.host.endswith(".namespace.svc")  # a bare name would be sought in KEDA's own namespace
    assert Hosts(["ink.example.org"]).allows(url.netloc.decode()) is False  # as the file says,
    assert Hosts(["ink.example.org", "*.svc"]).allows(url.netloc.decode())  # and what to do
    answer = http.get(url.path)
    assert QueueOut.model_validate(answer.json())
    assert isinstance(answer.json()[facts["valueLocation"]], int)
    assert facts["targetValue"] == "1"
    assert trigger_auth["spec"]["secretTargetRef"][0]["parameter"] == "token"  # of authMode bearer
    assert facts["authMode"] == "bearer"
