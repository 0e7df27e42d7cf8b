"""Canonical forms of documents by libxml2: those of the root, for what stands beside it is no
part of an element."""

import json
import sys

from lxml import etree

asked = json.load(sys.stdin)
prefixes = asked["prefixes"]


def form(document, **options):
    tree = etree.fromstring(document.encode()).getroottree()
    root = tree.getroot()
    while root.getprevious() is not None:
        remove(root.getprevious())
    while root.getnext() is not None:
        remove(root.getnext())
    return etree.tostring(root, method="c14n", **options).decode()


def remove(node):
    """What stands beside a root has no parent: it goes into another tree."""
    etree.Element("elsewhere").append(node)


def forms(document):
    for exclusive, names in ((True, None), (True, prefixes), (False, None)):
        for comments in (False, True):
            yield form(
                document, exclusive=exclusive, with_comments=comments, inclusive_ns_prefixes=names
            )


json.dump([list(forms(document)) for document in asked["documents"]], sys.stdout)
