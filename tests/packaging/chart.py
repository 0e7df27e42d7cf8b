"""Lints and renders the Helm chart, and holds what comes out against the schemas of Kubernetes.

Arguments: the folder of the chart, and one for the results. The top folders that the chart links to
may not be there yet: then it is rendered without rules and dashboards.
"""

import pathlib
import shutil
import subprocess
import sys

import helm_python as helm
import yaml

chart, work = (pathlib.Path(argument) for argument in sys.argv[1:])
copy = work / "auth-exporter"
shutil.copytree(chart, copy, symlinks=True)
groups, boards = 0, 0
for link in [path for path in copy.iterdir() if path.is_symlink()]:
    link.unlink()
    folder = (chart / link.name).resolve()
    if folder.is_dir():
        shutil.copytree(folder, copy / link.name)
        groups += sum(
            len(yaml.safe_load(file.read_text())["groups"]) for file in folder.glob("*.rules.yml")
        )
        boards += len(list(folder.glob("*.json")))

EVERYTHING = {
    "webConfigSecret": "web",
    "scheme": "HTTPS",
    "secretEnv": ["variables"],
    "secretFiles": "files",
    "extraArgs": ["--log.prober=debug"],
    "podAnnotations": {"a": "b"},
    "tolerations": [{"operator": "Exists"}],
    "podDisruptionBudget": {"enabled": True},
    "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {}}]},
    "serviceMonitor": {"enabled": True, "tlsConfig": {"insecureSkipVerify": True}},
    "probes": [
        {"name": "login", "module": "login", "interval": "60s", "scrapeTimeout": "15s",
         "targets": ["https://auth.example.com"], "labels": {"team": "identity"}},
        {"name": "key", "module": "key", "targets": ["https://api.example.com"]},
    ],
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
}


def rendered(values):
    files = helm.Chart.load(str(copy)).render(values, name="release", namespace="monitoring")
    texts = [text for name, text in sorted(files.items()) if not name.endswith("NOTES.txt")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def lint(values):
    report = helm.lint(str(copy), values)
    # 1 is for information: that there is no icon.
    found = [message for message in report["messages"] if message["severity"] > 1]
    assert not found and not report["errors"], report


def valid(name, objects):
    file = work / f"{name}.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    command = [f"{sys.prefix}/bin/kubernetes-validate", "--strict", "-k", "1.30", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


lint(None)
lint(EVERYTHING)
valid("default", rendered(None))
objects = rendered(EVERYTHING)
valid("everything", [found for found in objects if "coreos" not in found["apiVersion"]])
kinds = sorted(found["kind"] for found in objects)
assert kinds == [
    "ConfigMap", "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Probe", "Probe",
    "PrometheusRule", "Service", "ServiceAccount", "ServiceMonitor",
], kinds
# What the rules of the chart ask for: jobs called auth_…, and the module as a label of the probes.
probes = [found["spec"] for found in objects if found["kind"] == "Probe"]
assert [probe["jobName"] for probe in probes] == ["auth_login", "auth_key"], probes
assert [probe["targets"]["staticConfig"]["labels"] for probe in probes] == [
    {"module": "login", "team": "identity"}, {"module": "key"},
], probes
monitor = next(found["spec"] for found in objects if found["kind"] == "ServiceMonitor")
assert monitor["endpoints"][0]["relabelings"] == [
    {"targetLabel": "job", "replacement": "auth_exporter"}
], monitor
rule = next(found for found in objects if found["kind"] == "PrometheusRule")
assert len(rule["spec"]["groups"] or []) == groups, rule
dashboards = next(
    found for found in objects if found["metadata"]["name"] == "release-auth-exporter-dashboards"
)
assert len(dashboards["data"] or {}) == boards, dashboards
# What the API server takes at most.
assert len(yaml.safe_dump(dashboards)) < 1_000_000, len(yaml.safe_dump(dashboards))
container = next(found for found in objects if found["kind"] == "Deployment")["spec"]["template"]
container = container["spec"]["containers"][0]
print("\n".join(container["args"]))
try:
    helm.Chart.load(str(copy)).validate_schema({"replica": 1})
except helm.HelmError:
    pass
else:
    raise AssertionError("a value that nobody reads is taken")
