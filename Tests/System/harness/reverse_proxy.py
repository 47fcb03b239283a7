"""The proxies of deploy/proxies as they are shipped, but for where they listen, their files and their gateways."""

import pathlib
import re
import subprocess
from urllib.parse import urlsplit

import httpx

from harness.certificates import Certificates
from harness.free_port import free_port
from harness.service import ROOT, environment
from harness.waiting import eventually

# Debian keeps servers where not every user looks.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ReverseProxy:
    """One of `KINDS` as a process of its own, with TLS, in front of two addresses of gateways."""

    KINDS = ("haproxy", "nginx", "caddy")

    def __init__(self, kind: str, folder: pathlib.Path, certificates: Certificates, first: str, second: str):
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = certificates.certificate, certificates.key
        (folder / "gateway.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
        (folder / "gateway.key").write_bytes(key.read_bytes())
        self.port, plain = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        servers = [urlsplit(url).netloc for url in (first, second)]
        name = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf", "caddy": "Caddyfile"}[kind]
        text = (ROOT / "deploy/proxies" / name).read_text()
        for pattern, replacement in {
            "haproxy": [
                (r"maxconn 20000", "maxconn 1000"),  # more than this machine may allow
                (r"/etc/haproxy/tls", str(folder)),
                (r"/var/run/haproxy", str(folder)),
                (r"bind :80\b", f"bind 127.0.0.1:{plain}"),
                (r"bind :443\b", f"bind 127.0.0.1:{self.port}"),
                (r"gateway-1:8080", servers[0]),
                (r"gateway-2:8080", servers[1]),
            ],
            "nginx": [
                (r"(?m)^user .*\n", ""),
                (r"(?m)^pid .*", f"daemon off;\npid {folder}/nginx.pid;"),
                (r"(?m)^http {", "http {\n" + "".join(f"{of}_temp_path {folder}/{of};\n" for of in _TEMPORARY)),
                (r"/etc/nginx/tls", str(folder)),
                (r"/var/log/nginx", str(folder)),
                (r"listen \[::\].*", ""),
                (r"listen 80;", f"listen 127.0.0.1:{plain};"),
                (r"listen 443 ", f"listen 127.0.0.1:{self.port} "),
                (r"server_name .*", "server_name localhost;"),
                (r"127\.0\.0\.1:8080", servers[0]),
                (r"127\.0\.0\.1:8090", servers[1]),
            ],
            "caddy": [
                (r"\tadmin off\n", f"\tadmin off\n\thttp_port {plain}\n\thttps_port {self.port}\n"),
                (r"/etc/caddy/tls", str(folder)),
                (r"sandboxes\.example\.com, \*\.sandboxes\.example\.com \{", "localhost {"),
                (r"127\.0\.0\.1:8080", servers[0]),
                (r"127\.0\.0\.1:8090", servers[1]),
            ],
        }[kind]:
            text, changed = re.subn(pattern, replacement, text)
            assert changed, f"{name} says nothing like {pattern}"
        path = folder / name
        path.write_text(text)
        command = {
            "haproxy": ["haproxy", "-db", "-f", str(path)],
            "nginx": ["nginx", "-e", str(folder / "start.log"), "-c", str(path)],
            "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)],
        }[kind]
        self._log = folder / "proxy.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env=environment() | {"PATH": _PATH, "HOME": str(folder), "UNPRIVILEGED": "yes"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._authority = certificates
        eventually(self.answers, within=20, what=f"{kind} passes calls on", pause=0.1)

    def answers(self) -> bool:
        """Whether a gateway answers behind it."""
        assert self.process.poll() is None, self._log.read_text(errors="replace")[-3000:]
        try:
            return httpx.get(f"{self.url}/healthz", verify=self._authority.context(), trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:  # waits for streams
            self.process.kill()
            self.process.wait(10)


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
