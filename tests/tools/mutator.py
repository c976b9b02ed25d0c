# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be changed in a source file so that it says something else: comparisons, conditions, constants, statements.

A mutant is a piece of the text and what stands there instead, so that its neighbours stay as they are.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from typing import NamedTuple

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
}
SIGNS: dict[type[ast.operator], type[ast.operator]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr},
}
# Nothing of the code's own behaviour.
TYPES_ONLY = ("TypeVar", "NewType", "cast")


class Mutant(NamedTuple):
    """One change of a source: the bytes from start to end become text; what says which kind of change it is."""

    start: int
    end: int
    text: str
    what: str

    def of(self, source: bytes) -> bytes:
        """The source with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants_of(source: bytes) -> list[Mutant]:
    """All that can be changed in it, in the order of the text; each differs from the source."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return sorted(finder.found)


def is_python(source: bytes) -> bool:
    """Whether a source can be compiled at all; what cannot proves nothing."""
    try:
        compile(source, "a mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self.found: set[Mutant] = set()
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def _put(self, node: ast.stmt | ast.expr, text: str, what: str) -> None:
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        if self._source[start:end] != text.encode():
            self.found.add(Mutant(start, end, text, what))

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # What is left alone: types, documentation, and texts with something put into them

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([node.value])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_all([*node.args.defaults, *node.args.kw_defaults, *node.body])

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_Import(self, node: ast.Import) -> None:
        pass

    # Statements

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._put(node, "pass", "call removed")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets):
            self._put(node, "pass", "assignment removed")
        self._visit_all([node.value])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._put(node, "pass", "assignment removed")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._put(node, "pass", "raise removed")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._put(node, "pass", "continue removed")

    def visit_Break(self, node: ast.Break) -> None:
        self._put(node, "pass", "break removed")

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and ast.unparse(node.value) != "None":
            self._put(node, "return None", "returns None")
        self.generic_visit(node)

    # Conditions

    def _condition(self, node: ast.expr) -> None:
        if not isinstance(node, (ast.Compare, ast.UnaryOp)):
            self._put(node, f"(not ({ast.unparse(node)}))", "condition negated")

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self._condition(node.test)
            self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._put(node, f"({ast.unparse(node.operand)})", "not removed")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = copy.copy(node)
        other.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        self._put(node, f"({ast.unparse(other)})", "and for or")
        for left in range(len(node.values)):
            values = [value for index, value in enumerate(node.values) if index != left]
            kept = ast.BoolOp(node.op, values) if len(values) > 1 else values[0]
            self._put(node, f"({ast.unparse(kept)})", "condition left out")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for index, operator in enumerate(node.ops):
            other = copy.copy(node)
            other.ops = [*node.ops[:index], COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
            self._put(node, ast.unparse(other), "comparison flipped")
        self.generic_visit(node)

    # Values

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in SIGNS:
            other = ast.BinOp(node.left, SIGNS[type(node.op)](), node.right)
            self._put(node, f"({ast.unparse(other)})", "another sign")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in TYPES_ONLY:
            return
        for other, what in _other_calls(node):
            self._put(node, ast.unparse(other), what)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._put(node, repr(not value), "another constant")
        elif isinstance(value, (int, float)):
            self._put(node, repr(value + 1), "another constant")
        elif isinstance(value, (str, bytes)) and value and len(value.split()) == 1:  # a word, no prose
            more = "XX" if isinstance(value, str) else b"XX"
            self._put(node, repr(value + more), "another constant")  # type: ignore[operator]


def _other_calls(node: ast.Call) -> Iterator[tuple[ast.Call, str]]:
    """The call with two arguments swapped, and without each of those that have a name."""
    if len(node.args) > 1 and not any(isinstance(arg, ast.Starred) for arg in node.args[:2]):
        swapped = [node.args[1], node.args[0], *node.args[2:]]
        yield ast.Call(node.func, swapped, node.keywords), "arguments swapped"
    for left in node.keywords:
        keywords = [keyword for keyword in node.keywords if keyword is not left]
        yield ast.Call(node.func, node.args, keywords), "argument left out"
