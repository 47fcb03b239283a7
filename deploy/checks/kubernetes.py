"""The manifests by Kubernetes' own schemas, and by the rules that this project has for them."""

import pathlib
from collections.abc import Iterator

import kubernetes_validate
import settings
import yaml

# The oldest that these manifests are for, and the newest known.
VERSIONS = ["1.29", "1.37"]


def documents(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, dict]]:
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def faults(root: pathlib.Path) -> Iterator[str]:
    folder = root / "deploy/kubernetes"
    everything = list(documents(folder))
    for path, document in everything:
        name = path.relative_to(folder)
        if document["kind"] == "Kustomization":
            listed = {str(resource) for resource in document["resources"]}
            there = {other.name for other in path.parent.glob("*.yaml")} - {path.name}
            yield from (f"{name}: {other} is not listed, or not there" for other in sorted(listed ^ there))
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}: by Kubernetes {version}: {error.message}"
        if "namespace" in document["metadata"]:
            yield f"{name}: names a namespace"

    objects = {(document["kind"], document.get("metadata", {}).get("name")): document for _, document in everything}
    secret = objects["Secret", "e2b-gateway"]
    if any(secret["stringData"].values()):
        yield "the example of a secret has values"
    environment = objects["ConfigMap", "e2b-gateway"]["data"]
    drain = int(environment.get("GATEWAY_DRAIN_SECONDS", settings.drain_seconds(root)))
    for kind, name in [("Deployment", "e2b-gateway"), ("Job", "e2b-gateway-init")]:
        pod = objects[kind, name]["spec"]["template"]["spec"]
        yield from (f"{kind}: {fault}" for fault in pod_faults(pod, set(secret["stringData"])))
    notice = int(environment["GATEWAY_DRAIN_NOTICE_SECONDS"])
    yield from deployment_faults(objects, notice + drain)


def pod_faults(pod: dict, keys: set[str]) -> Iterator[str]:
    security = pod["securityContext"]
    if not security.get("runAsNonRoot") or security.get("runAsUser", 0) == 0:
        yield "runs as root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    if pod.get("enableServiceLinks") is not False:
        yield "takes services' variables for settings"
    if pod.get("automountServiceAccountToken") is not False:
        yield "holds a token of the cluster's, which it never needs"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for container in pod["initContainers"] + pod["containers"]:
        name, confined = container["name"], container["securityContext"]
        if (
            confined.get("allowPrivilegeEscalation") is not False
            or confined.get("readOnlyRootFilesystem") is not True
            or confined.get("capabilities", {}).get("drop") != ["ALL"]
        ):
            yield f"{name} may write to its root file system, or gain rights"
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                yield f"{name} mounts {mount['name']}, which is not there"
            if container in pod["containers"] and "secret" in volumes.get(mount["name"], {}) and not mount.get("readOnly"):
                yield f"{name} can write to {mount['name']}"
        for variable in container.get("env", []):
            key = variable["valueFrom"]["secretKeyRef"]["key"]
            if key not in keys:
                yield f"{name}: the secret has no {key}"
    for volume in volumes.values():
        for item in volume.get("secret", {}).get("items", []):
            if item["key"] not in keys:
                yield f"{volume['name']}: the secret has no {item['key']}"


def deployment_faults(objects: dict, drain: int) -> Iterator[str]:
    deployment = objects["Deployment", "e2b-gateway"]["spec"]
    pod = deployment["template"]["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    gateway = next(container for container in pod["containers"] if container["name"] == "gateway")
    if pod["terminationGracePeriodSeconds"] <= drain + settings.SHUTDOWN_MARGIN:
        yield "Deployment: it is killed before it has drained"
    if gateway["livenessProbe"]["httpGet"]["path"] != "/healthz" or gateway["readinessProbe"]["httpGet"]["path"] != "/readyz":
        yield "Deployment: its probes ask for something else than /healthz and /readyz"
    selectors = {
        "Deployment": deployment["selector"]["matchLabels"],
        "Service": objects["Service", "e2b-gateway"]["spec"]["selector"],
        "PodDisruptionBudget": objects["PodDisruptionBudget", "e2b-gateway"]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": objects["NetworkPolicy", "e2b-gateway"]["spec"]["podSelector"]["matchLabels"],
    }
    for spread in pod["topologySpreadConstraints"]:
        selectors[f"spread over {spread['topologyKey']}"] = spread["labelSelector"]["matchLabels"]
    for kind, selector in selectors.items():
        if not selector.items() <= labels:
            yield f"{kind}: does not select the gateways"
    ports = {port["name"] for port in gateway["ports"]}
    used = {port["targetPort"] for port in objects["Service", "e2b-gateway"]["spec"]["ports"]}
    for rule in objects["NetworkPolicy", "e2b-gateway"]["spec"]["ingress"]:
        used |= {port["port"] for port in rule["ports"]}
    for port in used - ports:
        yield f"there is no port {port}"
    ingress = objects["Ingress", "e2b-gateway"]
    for direction in ["read", "send"]:
        if int(ingress["metadata"]["annotations"][f"nginx.ingress.kubernetes.io/proxy-{direction}-timeout"]) <= 3600:
            yield f"Ingress: a stream of an hour is cut ({direction})"
    if any("non_idempotent" in value for value in ingress["metadata"]["annotations"].values()):
        yield "Ingress: a POST may be repeated"
    target = objects["HorizontalPodAutoscaler", "e2b-gateway"]["spec"]["scaleTargetRef"]
    if (target["kind"], target["name"]) not in objects:
        yield "HorizontalPodAutoscaler: scales nothing"
