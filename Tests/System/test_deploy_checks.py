"""deploy/check finds what is wrong: each of its checks is shown a copy of deploy/ with one thing broken."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path):
    for name in ["deploy", "docs"]:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
    for name in ["Sources", "Tests", "bench", "Package.swift", ".dockerignore"]:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def checked(root, *part):
    return subprocess.run(
        [ROOT / "deploy/check", root, *part],
        env=os.environ | {"TEST_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_is_here_is_sound(copy):
    done = checked(copy)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


@pytest.mark.parametrize(
    ("part", "file", "old", "new", "said"),
    [
        ("systemd", "systemd/e2b-gateway.service", "ProtectHome=yes", "ProtectHme=yes", "Unknown key"),
        ("systemd", "systemd/e2b-gateway.service", "CapabilityBoundingSet=\n", "", "exposure level"),
        ("systemd", "systemd/e2b-gateway.service.d/postgresql.conf", "/usr/bin/install", "/usr/bin/instal", "not executable"),
        ("proxies", "proxies/haproxy.cfg", "option abortonclose", "option abortonclosed", "haproxy"),
        ("proxies", "proxies/haproxy.cfg", "user haproxy", "user nobody-here", "haproxy"),
        ("proxies", "proxies/nginx.conf", "proxy_buffering off", "proxy_bufering off", "nginx"),
        ("proxies", "proxies/nginx.conf", "listen 443 ssl http2;", "listen 443 ssl http2; listen 80;", "conflicting"),
        ("proxies", "proxies/Caddyfile", "lb_policy least_conn", "lb_policy least_con", "caddy"),
        ("proxies", "proxies/Caddyfile", "\theader Strict", "  header Strict", "caddy fmt"),
        ("prometheus", "prometheus/prometheus.yml", "scrape_timeout: 10s", "scrape_timeout: 20s", "scrape timeout"),
        ("prometheus", "prometheus/alerts.yml", "for: 1m", "for: 1", "prometheus"),
        ("prometheus", "prometheus/alerts.yml", "changes(up", "resets(up", "FAILED"),
        ("files", "prometheus/alerts.yml", '{use="waiting"}', '{use="idle"}', 'never use="idle"'),
        ("files", "prometheus/alerts.yml", "e2b_gateway_doubtful_creates", "e2b_gateway_doubts", "exported by nobody"),
        ("files", "prometheus/alerts.yml", "#e2bgatewaydrift", "#e2bgatewaydrifts", "no entry of docs/runbook.md"),
        ("files", "grafana/dashboards/e2b-gateway.json", "sum by (use)", "sum by use (", "PromQL"),
        ("files", "grafana/dashboards/e2b-gateway.json", "e2b_gateway_pool_sandboxes", "e2b_gateway_pool", "exported by nobody"),
        ("files", "grafana/dashboards/e2b-gateway.json", '"y": 4', '"y": 3', "over another panel"),
        ("files", "docker/Dockerfile", "USER 10001:10001", "USER gateway", "runs as gateway"),
        ("files", "docker/Dockerfile", "COPY Sources Sources", "COPY Source Sources", "no such file"),
        ("files", "docker/Dockerfile", "COPY bench bench", "COPY docs docs", "keeps it from the engine"),
        ("files", "docker/Dockerfile", "debian:bookworm-slim", "debian", "not pinned"),
        ("files", "docker/Dockerfile", "COPY --from=build", "COPY --from=built", "no such stage"),
        ("files", "docker/Dockerfile", "/var/lib/apt/lists/*", "$lists/*", "RUN"),
        ("files", "docker/Dockerfile", "HEALTHCHECK", "LABEL", "HEALTHCHECK"),
        ("files", "compose/compose.yaml", "stop_grace_period: 90s", "stop_grace_time: 90s", "was unexpected"),
        ("files", "compose/compose.yaml", "stop_grace_period: 90s", "stop_grace_period: 60s", "before it has drained"),
        ("files", "compose/compose.yaml", "- pgpass\n", "- pgpasswd\n", "no secret pgpasswd"),
        ("files", "compose/compose.yaml", "../grafana/dashboards:", "../grafana/boards:", "there is no ../grafana/boards"),
        ("files", "compose/compose.yaml", "GF_SECURITY_ADMIN_PASSWORD__FILE", "GF_SECURITY_ADMIN_PASSWORD", "belongs into a file"),
        ("files", "compose/compose.yaml", "e2b_gateway@postgresql", "e2b_gateway:secret@postgresql", "holds a password"),
        ("files", "compose/compose.yaml", "GATEWAY_TRUSTED_PROXIES: 172.30.8.10", "GATEWAY_TRUSTED_PROXIES: 10.0.0.0/8", "trust the proxy"),
        ("files", "compose/compose.yaml", "GATEWAY_DOMAIN", "GATEWAY_DOMAINS", "no setting"),
        ("files", "compose/make-secrets", "secret pgpass ", "secret pgpasswd ", "does not make the secret pgpass"),
        ("files", "compose/make-secrets", 'umask 077\ncd "', "umask 077\ncd $", "shell"),
        ("files", "kubernetes/base/deployment.yaml", "periodSeconds: 1\n", "periodSeconds: one\n", "by Kubernetes 1.29"),
        ("files", "kubernetes/base/deployment.yaml", "failureThreshold: 60", "failureTreshold: 60", "by Kubernetes 1.37"),
        ("files", "kubernetes/base/deployment.yaml", "terminationGracePeriodSeconds: 90", "terminationGracePeriodSeconds: 75", "drained"),
        ("files", "kubernetes/base/deployment.yaml", "key: PGPASSWORD", "key: PASSWORD", "no PASSWORD"),
        ("files", "kubernetes/base/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "runs as root"),
        ("files", "kubernetes/base/deployment.yaml", "RuntimeDefault", "Unconfined", "seccomp"),
        ("files", "kubernetes/base/deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "root file system"),
        ("files", "kubernetes/base/deployment.yaml", "enableServiceLinks: false", "enableServiceLinks: true", "services' variables"),
        ("files", "kubernetes/base/deployment.yaml", "path: /readyz", "path: /healthz", "probes"),
        ("files", "kubernetes/base/service.yaml", "targetPort: http", "targetPort: web", "no port web"),
        ("files", "kubernetes/base/poddisruptionbudget.yaml", "component: gateway", "component: gate", "does not select"),
        ("files", "kubernetes/base/ingress.yaml", 'read-timeout: "3900"', 'read-timeout: "60"', "is cut (read)"),
        ("files", "kubernetes/base/configmap.yaml", "  name: e2b-gateway", "  name: e2b-gateway\n  namespace: here", "a namespace"),
        ("files", "kubernetes/base/configmap.yaml", "GATEWAY_DOMAIN", "GATEWAY_HOST", "no setting"),
        ("files", "kubernetes/base/kustomization.yaml", "  - service.yaml\n", "", "not listed"),
        ("files", "kubernetes/secret.example.yaml", 'root-key: ""', 'root-key: "00"', "has values"),
    ],
)  # fmt: skip
def test_what_is_broken_is_found(copy, part, file, old, new, said):
    path = copy / "deploy" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    done = checked(copy, part)
    assert done.returncode == 1
    assert said in done.stderr
