"""The dashboard and the alerts ask for what /metrics tells, and say what somebody who is called at night needs."""

import json
import re
from itertools import combinations
from pathlib import Path

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api import Api

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "knative" / "components" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
(GROUP,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
ALERTS = {rule["alert"]: rule for rule in GROUP["rules"]}
PLAYED = yaml.safe_load((MONITORING / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]
README = (MONITORING / "README.md").read_text(encoding="utf-8")

ASKED = [
    *((f"dashboard: {title}", target["expr"]) for title, target in TARGETS),
    *((f"alert: {name}", rule["expr"]) for name, rule in ALERTS.items()),
]
"""Everything that is asked of Prometheus, with where."""
SERIES = [row["series"] for test in PLAYED for row in test["input_series"]]
OURS = {"datasource": {"type": "prometheus", "uid": "${datasource}"}}
SCRAPED = {"namespace", "job", "instance"}
"""Labels that Prometheus puts to what it scrapes (prometheus.yaml)."""
OF_ALERTS = {"alertname", "alertstate", "namespace", "function", "work"}
"""Labels of the series that Prometheus keeps of alerts."""

SELECTOR = re.compile(r"\b((?:flycatcher|process)_\w+|ALERTS)\b({[^}]*})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|group_left)\s*\(([\w, ]*)\)")

Told = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def told(client: httpx2.Client) -> Told:
    """Every sample of /metrics with its labels and their values, after one request with a route and one without."""
    api = Api(client)
    assert [api.get(path).status_code for path in ("/api/auth/me", "/api/nothing")] == [401, 404]
    found: Told = {"ALERTS": {label: set() for label in OF_ALERTS}}
    for family in text_string_to_metric_families(api.get("/metrics").text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {label: set() for label in SCRAPED})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def family(metric: str) -> str:
    """What a histogram's three kinds of samples have in common."""
    return re.sub(r"_(?:bucket|count|sum)$", "", metric)


def grouping(expression: str) -> set[str]:
    """The labels by which an expression groups."""
    return {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")} - {""}


def test_every_metric_and_label_that_is_asked_for_is_told(told: Told) -> None:
    for where, expression in [*ASKED, *(("played", series) for series in SERIES)]:
        selectors = SELECTOR.findall(expression)
        assert selectors, where
        for metric, matchers in selectors:
            assert metric in told, (where, metric)
            assert {label for label, _, _ in MATCHER.findall(matchers)} <= set(told[metric]), (where, metric)
        assert grouping(expression) <= set().union(*(told[metric] for metric, _ in selectors)), where


def test_every_value_that_is_asked_for_is_told(told: Told) -> None:
    asked = [
        (where, metric, label, value)
        for where, expression in ASKED
        for metric, matchers in SELECTOR.findall(expression)
        for label, how, value in MATCHER.findall(matchers)
        if how in ("=", "!=") and metric != "ALERTS"
    ]
    assert {label for _, _, label, _ in asked} == {"le", "route"}
    for where, metric, label, value in asked:
        assert value in told[metric][label], (where, metric)


def test_every_label_that_a_text_shows_is_there(told: Told) -> None:
    for title, target in TARGETS:
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        known = set().union(*(told[metric] for metric, _ in SELECTOR.findall(target["expr"])))
        assert shown <= (grouping(target["expr"]) or known) | SCRAPED, title
    for name, rule in ALERTS.items():
        for text in rule["annotations"].values():
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= grouping(rule["expr"]), name


def test_every_family_is_on_the_dashboard(told: Told) -> None:
    families = {family(metric) for metric in told if metric.startswith("flycatcher_")}
    assert len(families) > 15
    assert families <= {family(metric) for _, target in TARGETS for metric, _ in SELECTOR.findall(target["expr"])}


def test_every_query_heeds_the_variables(told: Told) -> None:
    assert set(VARIABLES) == {"datasource", "namespace", "function"}
    for name in ("namespace", "function"):
        metric = re.fullmatch(rf"label_values\((\w+), {name}\)", VARIABLES[name]["query"]["query"])
        assert metric
        assert name in told[metric[1]]
    for title, target in TARGETS:
        for metric, matchers in SELECTOR.findall(target["expr"]):
            if metric.startswith("flycatcher_"):
                assert 'namespace=~"$namespace", function=~"$function"' in matchers, title
    for query in (*PANELS, *(target for _, target in TARGETS), VARIABLES["namespace"], VARIABLES["function"]):
        assert query.items() >= OURS.items()


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_no_alert_asks_whether_a_function_is_there() -> None:
    for name, rule in ALERTS.items():
        assert not re.search(r"\b(?:absent|absent_over_time|up)\b", rule["expr"]), name


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_to_do_first(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert 20 < len(rule["annotations"]["summary"]) < 100
    assert re.search(r"\bfirst\b", rule["annotations"]["description"], re.IGNORECASE)


@pytest.mark.parametrize("name", ALERTS)
def test_the_runbook_of_an_alert_is_there(name: str) -> None:
    path, _, anchor = ALERTS[name]["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_played_where_it_fires_and_where_it_does_not(name: str) -> None:
    queries = [query for test in PLAYED for query in test["promql_expr_test"]]
    fires = [any(f'alertname="{name}"' in sample["labels"] for sample in query["exp_samples"]) for query in queries]
    assert any(fires)
    assert not all(fires)


def test_the_dashboard_and_the_readme_name_the_alerts_that_there_are() -> None:
    told = " ".join(panel.get("description", "") for panel in PANELS)
    assert set(re.findall(r"Flycatcher[A-Z]\w+", told)) == set(ALERTS)
    table = README.partition("| alert |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(ALERTS)


@pytest.mark.parametrize(
    ("title", "alert"),
    [
        pytest.param("Failing", "FlycatcherErrors", id="errors"),
        pytest.param("Slower than 0.5 s", "FlycatcherSlow", id="slow"),
        pytest.param("Got no turn in 10 minutes", "FlycatcherQueueCrowded", id="queue"),
        pytest.param("Accounts locked in 15 minutes", "FlycatcherLockouts", id="lockouts"),
    ],
)
def test_the_line_of_a_panel_is_the_threshold_of_its_alert(title: str, alert: str) -> None:
    thresholds = {float(number) for number in re.findall(r">=? ([\d.]+)", ALERTS[alert]["expr"])}
    steps = [panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1] for panel in PANELS if panel["title"] == title]
    assert steps
    for step in steps:
        assert step["color"] == "red"
        assert step["value"] in thresholds
