"""What a gateway's metrics say."""

import dataclasses
import re
import subprocess

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as prometheus_families
from prometheus_client.samples import Sample

from harness.gateway import Gateway
from harness.leaks import WITNESS

# As Prometheus asks (scrape/scrape.go, 2.53).
OPENMETRICS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
CONTENT_TYPES = {
    False: "text/plain; version=0.0.4; charset=utf-8",
    True: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


@dataclasses.dataclass
class Scrape:
    """One reading of all metrics, which has been parsed and checked."""

    text: str
    # By family, as the format names it.
    types: dict[str, str]
    samples: list[Sample]

    @classmethod
    def of(cls, gateway: Gateway, *, openmetrics: bool = False) -> "Scrape":
        headers = {"accept": OPENMETRICS} if openmetrics else {}
        reply = httpx.get(f"{gateway.admin_url}/metrics", headers=headers, trust_env=False).raise_for_status()
        WITNESS.note(reply.content)
        assert reply.headers["content-type"] == CONTENT_TYPES[openmetrics]
        parse = openmetrics_families if openmetrics else prometheus_families
        families = list(parse(reply.text))
        names = [family.name for family in families]
        assert len(set(names)) == len(names)
        samples = [sample for family in families for sample in family.samples]
        series = [(sample.name, *sorted(sample.labels.items())) for sample in samples]
        assert len(set(series)) == len(series)
        return cls(reply.text, {family.name: family.type for family in families}, samples)

    def value(self, name: str, **labels: str) -> float:
        """The sum of all series of this name that have these labels."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str) -> set[str]:
        """All values that a label has."""
        return {sample.labels[label] for sample in self.samples if sample.name == name and label in sample.labels}

    def assert_histograms_hold(self) -> None:
        """Buckets grow, the last of them is the count, and there is a sum."""
        for family in (name for name, kind in self.types.items() if kind == "histogram"):
            counts = [sample for sample in self.samples if sample.name == f"{family}_count"]
            assert counts, family
            for count in counts:
                buckets = [
                    (float(sample.labels["le"]), sample.value)
                    for sample in self.samples
                    if sample.name == f"{family}_bucket" and count.labels.items() <= sample.labels.items()
                ]
                bounds, values = zip(*buckets, strict=True)
                assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf"), family
                assert list(values) == sorted(values) and values[-1] == count.value, family
                total = self.value(f"{family}_sum", **count.labels)
                assert total >= 0 and (total > 0 or count.value == values[0]), family


def promtool(text: str) -> None:
    """Prometheus' own checker, which must find nothing to say."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def documented(page: str) -> set[str]:
    """The metrics that a page names in the first column of a table."""
    return set(re.findall(r"^\| `((?:e2b_gateway|process)_\w+)`", page, re.MULTILINE))
