"""Figures of one measurement, and the tables."""

import statistics


def median(values):
    return statistics.median(values)


def total(values):
    return sum(values)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part / 100))]


class Figures:
    """Rows of numbers by way; each round adds a row."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows = title, columns, {}

    def add(self, name, row):
        self.rows.setdefault(name, []).append(list(row))

    def column(self, column, fold):
        at = self.columns.index(column)
        return {name: fold([row[at] for row in rows]) for name, rows in self.rows.items()}

    def table(self):
        """Median of each column, with the lowest and the highest round."""
        lines = [f"{self.title}: median (lowest - highest) of the rounds",
                 f"{'':16}{'rounds':>6}" + "".join(f"{name:>26}" for name in self.columns)]
        for name, rows in self.rows.items():
            cells = ""
            for at in range(len(self.columns)):
                values = [row[at] for row in rows]
                span = f"({_short(min(values))} - {_short(max(values))})"
                cells += f"{_short(median(values)) + ' ' + span:>26}"
            lines.append(f"{name:16}{len(rows):>6}{cells}")
        return "\n".join(lines)


class Table:
    """Rows of numbers, several for one name, and sentences below them."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows, self.notes = title, columns, {}, []

    def add(self, name, row):
        self.rows.setdefault(name, []).append(list(row))

    def note(self, text):
        self.notes.append(text)

    def table(self):
        lines = [self.title, f"{'':16}" + "".join(f"{name:>13}" for name in self.columns)]
        for name, rows in self.rows.items():
            lines += [f"{name:16}" + "".join(f"{_short(value):>13}" for value in row)
                      for row in rows]
        return "\n".join(lines + self.notes)


def _short(value):
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def judge(found):
    """One line of the last table. found: what, peer, ours, theirs, limit[, "at least"]; without a
    peer the figure itself is judged."""
    what, peer, ours, theirs, limit = found[:5]
    ratio = ours / theirs if peer else ours
    at_least = len(found) > 5
    met = ratio >= limit if at_least else ratio <= limit
    versus = f"{_short(theirs)} {peer}" if peer else "-"
    wanted = f"{'>=' if at_least else '<='} {limit:.3g}"
    return (f"{what:32}{_short(ours):>10}{versus:>24}{_short(ratio):>9}{wanted:>10}  "
            f"{'ok' if met else 'MISSED'}"), met


def verdict_table(found):
    lines = [f"{'target':32}{'vmconsoled':>10}{'peer':>24}{'ratio':>9}{'wanted':>10}"]
    met = 0
    for one in found:
        line, ok = judge(one)
        lines.append(line)
        met += ok
    return "\n".join(lines + [f"{met} of {len(found)} targets met"])
