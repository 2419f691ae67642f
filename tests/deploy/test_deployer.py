"""Who deploys (knative/components/deployer): exactly the rights that a deploy needs, and who has them."""

from typing import Any

import yaml

from delivery.deploy.release import BY_INSTALLATION
from tests.support.discovery import KINDS
from tests.support.manifests import ROOT, render

DIRECTORY = ROOT / "knative" / "components" / "deployer"
PLURALS = {(group, kind): plural for group, _, kind, plural in KINDS}
ONCE = {"get", "create", "patch"}
"""What kubectl apply needs of a kind."""
BESIDE = {
    ("", "namespaces"): {"get"},
    ("", "pods"): {"get", "list"},
    ("", "pods/exec"): {"get", "create"},
    ("apps", "deployments"): {*ONCE, "list", "watch"},
    ("apps", "replicasets"): {"list"},
}
"""What the smoke test, kubectl rollout and kubectl itself need."""


def _rights() -> dict[tuple[str, str], set[str]]:
    role = render("production", "deployer").of("Role")["deployer"]
    found: dict[tuple[str, str], set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def test_the_role_is_what_the_overlay_and_a_deploy_need_and_no_more() -> None:
    needed: dict[tuple[str, str], set[str]] = {}
    for item in render("production", "deployer").objects:
        group = item["apiVersion"].rpartition("/")[0]
        if item["kind"] not in BY_INSTALLATION:
            needed[group, PLURALS[group, item["kind"]]] = ONCE
    assert _rights() == {**needed, **BESIDE}


def test_it_is_one_user_of_the_cluster_who_has_it() -> None:
    rendered = render("production", "deployer")
    binding: dict[str, Any] = rendered.of("RoleBinding")["deployer"]
    told = yaml.safe_load((DIRECTORY / "authentication.yaml").read_text(encoding="utf-8"))
    (issuer,) = told["jwt"]
    rules = {rule["claim"]: rule["requiredValue"] for rule in issuer["claimValidationRules"]}
    (subject,) = binding["subjects"]
    prefix = issuer["claimMappings"]["username"]["prefix"]
    assert subject["name"] == f"{prefix}repo:{rules['repository']}:environment:{rules['environment']}"
    assert not {item["kind"] for item in rendered.objects} & {"ClusterRole", "ClusterRoleBinding"}
    assert "authentication.yaml" not in yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())["resources"]
