"""The manifests are valid and agree with one another, and with the program that they start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from coordinator.config import PREFIX, Settings, load, unknown

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = ("try", "production")
# The newest with all that is used here, and one of today.
VERSIONS = ("1.26", "1.37")
FOREIGN = {"ServiceMonitor"}  # the Prometheus operator's: there is no schema of it


@cache
def rendered(overlay):
    """Return the objects of an overlay, as kubectl makes them."""
    if (kubectl := shutil.which("kubectl")) is None:
        reason = "kubectl is needed to put the overlays of deploy/kubernetes together"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    command = [kubectl, "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay, kind):
    """Return the objects of a kind by name."""
    return {o["metadata"]["name"]: o for o in rendered(overlay) if o["kind"] == kind}


def pods(overlay):
    """Return the templates of pods, by the name of what makes them."""
    makers = of_kind(overlay, "Deployment") | of_kind(overlay, "StatefulSet")
    return {name: maker["spec"]["template"] for name, maker in makers.items()}


def containers(overlay):
    """Return the containers of all pods."""
    return [c for pod in pods(overlay).values() for c in pod["spec"]["containers"]]


def found_in(tree, key):
    """Return every value under `key`, however deep."""
    if isinstance(tree, dict):
        here = [tree[key]] if key in tree else []
        return here + [v for child in tree.values() for v in found_in(child, key)]
    return [v for child in tree for v in found_in(child, key)] if isinstance(tree, list) else []


def files():
    """Return the manifests."""
    return [p for p in sorted(FOLDER.rglob("*.yaml")) if p.name != "kustomization.yaml"]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_each_object_is_valid(overlay, version):
    """Members, types and values are those of Kubernetes."""
    for each in rendered(overlay):
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_wrong_type_would_be_noticed():
    """The validator knows what a Deployment is."""
    wrong = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "3"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_each_file_is_used():
    """No manifest lies about that no kustomization names."""
    named = set()
    for path in FOLDER.rglob("kustomization.yaml"):
        content = yaml.safe_load(path.read_text())
        used = [*content["resources"], *(p["path"] for p in content.get("patches", []))]
        named |= {(path.parent / name).resolve() for name in used}
    assert {path.resolve() for path in files()} <= named


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_are_ours(overlay):
    """Each variable of the ConfigMap is a setting, with a value that is accepted."""
    (config,) = [o for o in rendered(overlay) if o["kind"] == "ConfigMap"]
    assert unknown(config["data"]) == []
    names = {name.removeprefix(PREFIX).lower(): text for name, text in config["data"].items()}
    assert set(names) <= set(Settings.model_fields)
    assert load(**names).signed


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_selects_finds_something(overlay):
    """Services, budgets, policies and monitors select labels that something carries."""
    labels = [o["metadata"].get("labels", {}) for o in rendered(overlay)]
    labels += [pod["metadata"]["labels"] for pod in pods(overlay).values()]
    for each in rendered(overlay):
        selector = each.get("spec", {}).get("selector") or each.get("spec", {}).get("podSelector")
        if selector:
            wanted = selector.get("matchLabels", selector).items()
            assert any(wanted <= have.items() for have in labels), each["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_that_are_named_are_there(overlay):
    """Probes, services, policies and monitors name ports of containers."""
    names = {p["name"] for c in containers(overlay) for p in c.get("ports", [])}
    services = [p["name"] for s in of_kind(overlay, "Service").values() for p in s["spec"]["ports"]]
    used = [
        v for o in rendered(overlay) for key in ("port", "targetPort") for v in found_in(o, key)
    ]
    assert {v for v in used if isinstance(v, str)} <= {*names, *services}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_have_no_more_rights_than_they_need(overlay):
    """No root, nothing to write on, no capability, no token of Kubernetes."""
    for pod in pods(overlay).values():
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert pod["spec"]["automountServiceAccountToken"] is False
    for container in containers(overlay):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"]
        assert not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"]["drop"] == ["ALL"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_replica_has_time_to_drain(overlay):
    """Kubernetes waits longer than the delay and the calls under way take together."""
    (config,) = [o for o in rendered(overlay) if o["kind"] == "ConfigMap"]
    drain = float(config["data"]["COORDINATOR_DRAIN_DELAY"])
    spec = pods(overlay)["coordinator"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > drain + 10
    probe = spec["containers"][0]["readinessProbe"]
    assert drain > probe["periodSeconds"] * probe["failureThreshold"]


def test_secrets_are_those_that_the_readme_makes():
    """Every Secret and key that a pod asks for is made by a command of the README."""
    readme = (FOLDER / "README.md").read_text()
    made = set(re.findall(r"create secret generic (\S+)", readme))
    for overlay in OVERLAYS:
        refs = [r for o in rendered(overlay) for r in found_in(o, "secretKeyRef")]
        for ref in refs:
            assert f"--from-literal={ref['key']}=" in readme, ref
        names = [v for o in rendered(overlay) for v in found_in(o, "secretName")]
        assert {*names, *(ref["name"] for ref in refs)} <= made


def test_no_secret_is_in_a_manifest():
    """Secrets are made by hand, and never committed."""
    for path in files():
        assert not re.search(r"^kind: Secret$", path.read_text(), re.MULTILINE), path
