"""A tree of custody, printed: first where a thing came from, then what became of it."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import click
import msgspec

from ledger.application import Ledger
from ledger.cli.opening import open_view
from ledger.cli.output import clip, safe, width_of
from ledger.errors import InputError
from ledger.view import Node, trace
from ledger.view.custody import Direction
from ledger.view.queries import subjects

__all__ = ["print_tree", "tree_of"]

_STATES = {"claimed": "claimed only", "missing": "NOT ON RECORD", "same site": "joined by the site alone"}


def tree_of(ledger: Ledger, stream: str, direction: Direction = "both", depth: int = 12) -> Node:
    """The custody of `stream`; InputError with near names where it is not on record."""
    with open_view(ledger) as view:
        tree = trace(view, stream, direction, depth)
        if tree.status == "" and any(note.code == "not-on-record" for note in tree.notes):
            near = [name for name, _, _ in subjects(view, stream.partition(":")[2] or stream, limit=5)]
            hint = f"There are: {', '.join(near)}" if near else "What is on record: chipledger log"
            raise InputError(f"{stream[:80]!r} is not on record", hint=hint)
        return tree


def print_tree(tree: Node) -> None:
    """Prints a tree within the terminal's width."""
    if tree.up:
        click.echo("where it came from")
        for index, child in enumerate(tree.up):
            _print_node(child, "  ", index == len(tree.up) - 1)
        click.echo()
    _line("", "", _name(tree), _about(tree))
    _print_notes(tree, "  ")
    if tree.down:
        click.echo("\nwhat became of it")
        for index, child in enumerate(tree.down):
            _print_node(child, "  ", index == len(tree.down) - 1)
    if not tree.up and not tree.down and tree.stream:
        click.echo(f"\nNo custody leads to it or from it. What else it is joined to: chipledger show {tree.stream}")
        return
    click.echo("\n↑ led to what is above it   ! broken or missing   · worth knowing")


def _print_node(node: Node, indent: str, last: bool) -> None:
    edge = node.edge
    words = ""
    if edge is not None:
        arrow = "↑" if edge.upward else "↓"
        part = f" ({edge.part})" if edge.part else ""
        words = f"{arrow} {edge.relation}{part}: "
    _line(indent, "└─ " if last else "├─ ", words + _name(node), _about(node))
    inner = indent + ("   " if last else "│  ")
    _print_notes(node, inner)
    children = (*node.up, *node.down)
    for index, child in enumerate(children):
        _print_node(child, inner, index == len(children) - 1)


def _print_notes(node: Node, indent: str) -> None:
    for note in node.notes:
        _line(indent, "   ! " if note.broken else "   · ", note.words, "")
    if node.more:
        _line(indent, "   … ", f"more: chipledger trace {node.stream}", "")


def _name(node: Node) -> str:
    if node.stream is None:
        return node.title
    return node.stream if node.title in ("", node.stream) else f"{node.title}  {node.stream}"


def _about(node: Node) -> str:
    words = []
    edge = node.edge
    if edge is not None:
        words += [edge.occurred_at or "undated", edge.basis, f"#{edge.position}"]
        if edge.state in _STATES:
            words.append(_STATES[edge.state])
    elif node.basis:
        words += [node.status, node.basis]
    if node.cycle:
        words.append("stands above already: not followed again")
    elif node.told_above:
        words.append("told above")
    return ", ".join(word for word in words if word)


def _line(indent: str, branch: str, text: str, about: str) -> None:
    """One line: the text, and what is about it flush to the right; below it, where there is no room beside."""
    head = indent + branch + safe(text)
    about = safe(about)
    if not sys.stdout.isatty():
        click.echo(f"{head}  [{about}]" if about else head)
        return
    columns = shutil.get_terminal_size().columns
    room = columns - width_of(about) - 2 if about else columns
    if width_of(head) <= room:
        click.echo(head + " " * (room - width_of(head)) + ("  " + about if about else ""))
        return
    click.echo(clip(head, columns))
    if about:
        # On what basis it stands is never what gives way.
        about = clip(about, columns)
        click.echo(" " * (columns - width_of(about)) + about)


def plain_tree(tree: Node) -> dict[str, Any]:
    """A tree as JSON values."""
    fields: dict[str, Any] = msgspec.to_builtins(tree)
    return fields
