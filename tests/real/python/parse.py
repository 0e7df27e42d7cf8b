"""Parses metrics from standard input with a parser of prometheus-client.

The argument is `openmetrics` (strict) or `classic`. Each sample is printed as a line
of JSON: its name, labels, value, and the type and help of its family.
"""

import json
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as classic

PARSERS = {"openmetrics": openmetrics, "classic": classic}

for family in PARSERS[sys.argv[1]].text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        about = [sample.name, sample.labels, str(sample.value), family.type, family.documentation]
        print(json.dumps(about, sort_keys=True))
