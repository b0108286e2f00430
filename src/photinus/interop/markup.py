"""Networks in XML: XMLBIF, and XDSL of GeNIe and SMILE.

XMLBIF 0.3 (Cozman 1998) and the SMILE manual agree on tables: the parents in their order, the variable
itself last, and the last runs fastest.
"""

import math
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from photinus.interop.drafts import Draft
from photinus.interop.text import Source, number
from photinus.machines.bayes import BayesianNetwork

DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
OLD = ("iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "us-ascii", "iso-8859-15")
"""Encodings beside Unicode that files declare."""


def root_of(source: Source) -> ElementTree.Element:
    """Return the root of an XML file."""
    declared = DECLARED.match(source.content)
    name = declared[1].decode().lower() if declared else ""
    text = source.content.decode(name, "replace") if name in OLD else source.text()
    if "<!ENTITY" in text:
        # Entities can be made to grow without end, and no network needs them.
        raise source.wrong(
            "it must not declare entities", 1 + text.count("\n", 0, text.index("<!ENTITY"))
        )
    try:
        return ElementTree.fromstring(text.lstrip())
    except ElementTree.ParseError as error:
        raise source.wrong(
            f"it is not complete XML: {error.msg.partition(': line')[0]}", error.position[0]
        ) from None
    except (ValueError, LookupError, RecursionError, MemoryError):
        raise source.wrong("it is not complete XML") from None


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2].upper() if isinstance(node.tag, str) else ""


def _named(node: ElementTree.Element, *tags: str) -> list[ElementTree.Element]:
    return [child for child in node if _tag(child) in tags]


def _text(node: ElementTree.Element) -> str:
    return "".join(node.itertext()).strip()


def _numbers(source: Source, node: ElementTree.Element) -> list[float]:
    return [number(source, word) for word in _text(node).replace(",", " ").split()]


def read_xmlbif(source: Source) -> BayesianNetwork:
    """Return the network of an XMLBIF file."""
    root, draft = root_of(source), Draft(source)
    if _tag(root) != "BIF":
        raise source.wrong(f"its root must be BIF, got {root.tag!r:.80}")
    for part in _inside(root, "VARIABLE", "PROBABILITY-VARIABLE"):
        draft.variable(_one(source, part, "NAME"), [*map(_text, _named(part, "OUTCOME", "VALUE"))])
    for part in _inside(root, "DEFINITION", "PROBABILITY"):
        name = _one(source, part, "FOR")
        tables = _named(part, "TABLE")
        if len(tables) != 1:
            raise source.wrong(f"definition of {name!r} must have one TABLE, got {len(tables)}")
        draft.table(name, [*map(_text, _named(part, "GIVEN"))], _numbers(source, tables[0]))
    return draft.network()


def _inside(root: ElementTree.Element, *tags: str) -> Iterator[ElementTree.Element]:
    return (part for network in _named(root, "NETWORK") for part in _named(network, *tags))


def _one(source: Source, part: ElementTree.Element, tag: str) -> str:
    found = _named(part, tag)
    if len(found) != 1 or not _text(found[0]):
        raise source.wrong(f"each {_tag(part)} must have one {tag}, got {len(found)}")
    return _text(found[0])


def read_xdsl(source: Source) -> BayesianNetwork:
    """Return the network of an XDSL file."""
    root, draft = root_of(source), Draft(source)
    if _tag(root) != "SMILE":
        raise source.wrong(f"its root must be smile, got {root.tag!r:.80}")
    nodes = list(_chance(source, root))
    for node in nodes:
        draft.variable(_id(source, node), [_id(source, state) for state in _named(node, "STATE")])
    for node in nodes:
        parents = [word for part in _named(node, "PARENTS") for word in _text(part).split()]
        shape = draft.shape(node.attrib["id"], parents)
        draft.table(node.attrib["id"], parents, _values(source, draft, node, shape))
    return draft.network()


def _chance(source: Source, root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the nodes, those in submodels too."""
    for part in root.iter():
        if _tag(part) != "NODES":
            continue
        for node in part:
            if _tag(node) not in ("CPT", "DETERMINISTIC", "SUBMODEL"):
                raise source.wrong(f"nodes must be cpt or deterministic, got {node.tag!r:.80}")
            if _tag(node) != "SUBMODEL":
                yield node


def _id(source: Source, node: ElementTree.Element) -> str:
    if not node.get("id"):
        raise source.wrong(f"each {node.tag!r:.80} must have an id, got none")
    return node.attrib["id"]


def _values(
    source: Source, draft: Draft, node: ElementTree.Element, shape: tuple[int, ...]
) -> list[float]:
    """Return the probabilities of a node, those of a deterministic one by its resulting states."""
    name = node.attrib["id"]
    if _tag(node) == "CPT":
        return [each for part in _named(node, "PROBABILITIES") for each in _numbers(source, part)]
    states, values = draft.states[name], list[float]()
    results = [word for part in _named(node, "RESULTINGSTATES") for word in _text(part).split()]
    if len(results) != math.prod(shape[:-1]):
        raise source.wrong(
            f"resulting states of {name!r} must be {math.prod(shape[:-1])}, got {len(results)}"
        )
    for result in results:
        if result not in states:
            raise source.wrong(f"resulting states of {name!r} must be its states, got {result!r:.80}")
        values += [float(state == result) for state in states]
    return values
