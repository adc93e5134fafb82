"""A family as a picture: SVG without script, left to right from sources over answers and verdicts to D and P."""

from collections.abc import Iterator
from dataclasses import dataclass

from cultivar.outgoing.escape import for_html
from cultivar.outgoing.redaction import redacted
from reports.trace.family import Family, Node
from reports.trace.layout import Layout, Sizes, lay_out
from reports.trace.rows import text_of
from reports.trace.text import cut
from reports.trace.words import PRODUCTS, kind_of, kind_of_node, plural
from schemas.conversations import shown
from schemas.rows import SOURCE

MOST = 60
"""Boxes of a picture that is still read."""
ALIKE = 4
"""Rows of one kind, made from the same and leading to the same, that have a box each; the others share one."""
SIZES = Sizes()
CELLS = 28
"""Characters that fit into a box."""
MARGIN, LEGEND = 20, 34
COLOURS = {
    "source": ("#e3eefb", "#2a5d9f"),
    "answer": ("#f2f2f2", "#6b6b6b"),
    "verdict": ("#fdf3d6", "#8a6500"),
    "row": ("#ffffff", "#444444"),
    "product": ("#e2f3e4", "#1f6f2e"),
    "ended": ("#fbe5e3", "#a3271b"),
}
"""Group -> fill and line; the kind stands in words in each box as well."""
GROUPS = {
    "source": "source",
    "answer": "answer of a model",
    "verdict": "verdict or ranking",
    "row": "made on the way",
    "product": "row of D or P",
    "ended": "dropped or quarantined",
}


@dataclass(frozen=True)
class Box:
    """A box of the picture: a row, or several that were folded into one."""

    name: str
    group: str
    title: str
    lines: tuple[str, str]
    is_traced: bool = False


def render_svg(family: Family) -> str:
    """The picture of a family. Rows of a kind with the same parents and children are folded beyond a few."""
    boxes, edges = drawn(family)
    layout = lay_out(list(boxes), edges, SIZES)
    width = max(layout.size[0] + 2 * MARGIN, 700)
    height = layout.size[1] + 2 * MARGIN + LEGEND
    kind = kind_of_node(family.row)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        'role="img" aria-labelledby="title" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">',
        f'<title id="title">Family of {for_html(kind)} {for_html(family.focus)}</title>',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#777777"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        *legend({box.group for box in boxes.values()}),
        f'<g transform="translate({MARGIN} {MARGIN + LEGEND})">',
        *arrows(layout),
        *(svg_of(box, layout) for box in boxes.values()),
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def drawn(family: Family) -> tuple[dict[str, Box], list[tuple[str, str]]]:
    """The boxes by name, and the arrows between them."""
    edges = family.edges()
    alike = ALIKE
    while True:
        home = folded(family, edges, alike)
        if len(set(home.values())) <= MOST or alike == 1:
            break
        alike -= 1
    members: dict[str, list[Node]] = {}
    for one, name in home.items():
        members.setdefault(name, []).append(family.nodes[one])
    boxes = {name: box_of(name, nodes, family) for name, nodes in members.items()}
    arrows_between = list(dict.fromkeys((home[one], home[other]) for one, other in edges if home[one] != home[other]))
    for table, count in family.more.items():
        name = f"more {table}"
        boxes[name] = Box(
            name,
            "ended" if "/dropped/" in table or "/quarantine/" in table else "row",
            f"and {count:,} more",
            (plural(kind_of(table), count).partition(" ")[2], ""),
        )
        arrows_between.append((home[family.focus], name))
    return boxes, arrows_between


def folded(family: Family, edges: list[tuple[str, str]], alike: int) -> dict[str, str]:
    """Id -> name of its box: its own id, or one that it shares with others of its kind, parents and children."""
    before: dict[str, set[str]] = {one: set() for one in family.nodes}
    behind: dict[str, set[str]] = {one: set() for one in family.nodes}
    for one, other in edges:
        behind[one].add(other)
        before[other].add(one)
    groups: dict[tuple, list[str]] = {}
    for one, node in family.nodes.items():
        # answers differ by what they led to, rows by what they came from: a leaf's own answer does not keep it apart
        rows_before = frozenset(up for up in before[one] if family.nodes[up].tables)
        groups.setdefault((kind_of_node(node), group_of(node), rows_before, frozenset(behind[one])), []).append(one)
    home = {}
    for members in groups.values():
        own = [one for one in members if one == family.focus] + [one for one in members if one != family.focus]
        keep = own if len(own) <= alike + 1 else own[:alike]
        for one in own:
            home[one] = one if one in keep else f"folded {own[alike]}"
    answers = [one for one, node in family.nodes.items() if not node.tables and behind[one]]
    for one in answers:  # an answer whose only row was folded goes with it
        if len({home[other] for other in behind[one]}) == 1 and home[next(iter(behind[one]))].startswith("folded "):
            home[one] = home[next(iter(behind[one]))]
    return home


def box_of(name: str, nodes: list[Node], family: Family) -> Box:
    """The box of a row, or of several folded ones."""
    rows = [node for node in nodes if node.tables] or nodes
    if name.startswith("folded "):
        return Box(
            name,
            group_of(rows[0]),
            f"and {len(rows)} more",
            (plural(kind_of_node(rows[0]), len(rows)).partition(" ")[2], ""),
        )
    node = nodes[0]
    said = (
        node.line.place
        if node.line is not None
        else str(
            node.row.get("outcome") or ("ranked by " + str(node.row.get("source")) if "readings" in node.row else "")
        )
    )
    if node.ends:
        ended = node.row.get("ended", [{}])[0]
        said = f"{ended.get('stage', '')}: {ended.get('rule') or ended.get('error') or ''}"
    said = said or str(node.row.get("strategy") or node.row.get("engine") or (node.answer or {}).get("engine") or "")
    text = str(node.answer["text"]) if node.answer else written_in(node)
    if "episode" in node.row and not said:
        said = f"episode {node.row['episode']}" + (f", reward {node.row['reward']:.2f}" if "reward" in node.row else "")
    products = [product for table, product in PRODUCTS.items() if table in node.tables]
    title = kind_of_node(node) + (f" of {products[0]}" if products else "")
    return Box(name, group_of(node), f"{title} {node.id[:8]}", (said, text), node.id == family.focus)


def written_in(node: Node) -> str:
    """What tells a row from its siblings: what was answered, or else what was asked."""
    row = node.row
    for name in ("completion", "chosen"):
        if value := row.get(name):
            return value if isinstance(value, str) else shown(value[-1])
    if "readings" in row:
        return f"{len(row['candidates'])} candidates, {len(row['readings'])} readings"
    return text_of(row)


def group_of(node: Node) -> str:
    """The group of COLOURS that a row belongs to."""
    if not node.tables:
        return "answer"
    if node.ends:
        return "ended"
    if any(table in PRODUCTS for table in node.tables):
        return "product"
    if node.line is not None or (
        node.row.get("source")
        and not node.row.get("parents")
        and node.row.get("engine") in (None, SOURCE)
        and "candidates" not in node.row
    ):
        return "source"
    return "verdict" if "outcome" in node.row or "readings" in node.row or "ngram" in node.row else "row"


def svg_of(box: Box, layout: Layout) -> str:
    """A box: its title, a fact, the beginning of its text; each line cut to the box's width."""
    x, y = layout.boxes[box.name]
    fill, line = COLOURS[box.group]
    width = 3 if box.is_traced else 1.2
    rows = [("bold", box.title), ("normal", box.lines[0]), ("normal", box.lines[1])]
    texts = "".join(
        f'<text x="8" y="{15 + 14 * number}" font-weight="{weight}" fill="#1a1a1a">{inert(text)}</text>'
        for number, (weight, text) in enumerate(rows)
    )
    whole = inert(" · ".join(text for _, text in rows), 300)
    return (
        f'<g id="row-{for_html(box.name)}" transform="translate({x:g} {y:g})"><title>{whole}</title>'
        f'<rect width="{SIZES.width}" height="{SIZES.height}" rx="5" fill="{fill}" stroke="{line}" stroke-width="{width:g}"/>'
        f"{texts}</g>"
    )


def inert(text: str, cells: int = CELLS) -> str:
    """A text on one line, cut, without secrets and with nothing that acts."""
    return for_html(cut(" ".join(redacted(text).split()), cells))


def arrows(layout: Layout) -> Iterator[str]:
    """The arrows: curves in the gaps between columns, straight in lanes."""
    for points in layout.ways.values():
        (x, y), *rest = points
        path = [f"M{x:g} {y:g}"]
        for number, (to_x, to_y) in enumerate(rest):
            if number % 2:
                path.append(f"H{to_x:g}")
            else:
                middle = (x + to_x) / 2
                path.append(f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}")
            x, y = to_x, to_y
        yield f'<path d="{" ".join(path)}" fill="none" stroke="#777777" stroke-width="1.2" marker-end="url(#head)"/>'


def legend(groups: set[str]) -> Iterator[str]:
    """What the colours say, of the groups that occur."""
    x = MARGIN
    for group in (group for group in GROUPS if group in groups):
        fill, line = COLOURS[group]
        yield f'<rect x="{x}" y="{MARGIN - 8}" width="12" height="12" rx="2" fill="{fill}" stroke="{line}"/>'
        yield f'<text x="{x + 17}" y="{MARGIN + 2}" fill="#1a1a1a">{GROUPS[group]}</text>'
        x += 30 + 7 * len(GROUPS[group])
