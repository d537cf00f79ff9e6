"""Figures of one measurement, and the tables."""

import statistics


def median(values):
    return statistics.median(values)


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

    def compare(self, column, ours, theirs):
        """Both medians, and the median of the rounds' ratios: what slows a whole round down has no
        say in it."""
        at = self.columns.index(column)
        pairs = [(left[at], right[at]) for left, right in zip(self.rows[ours], self.rows[theirs])]
        return (median([pair[0] for pair in pairs]), median([pair[1] for pair in pairs]),
                median([left / right for left, right in pairs]))

    def table(self):
        """Median of each column, with the lowest and the highest round."""
        lines = [f"{self.title}: median (lowest - highest) of the rounds",
                 f"{'':22}{'rounds':>6}" + "".join(f"{name:>26}" for name in self.columns)]
        for name, rows in self.rows.items():
            cells = ""
            for at in range(len(self.columns)):
                values = [row[at] for row in rows]
                span = f"({_short(min(values))} - {_short(max(values))})"
                cells += f"{_short(median(values)) + ' ' + span:>26}"
            lines.append(f"{name:22}{len(rows):>6}{cells}")
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


class Verdict:
    """One target. With a peer the ratio is judged, else the figure itself."""

    def __init__(self, what, limit, ours, theirs=None, ratio=None, peer="", at_least=False):
        self.what, self.limit, self.at_least, self.peer = what, limit, at_least, peer
        self.ours, self.theirs = ours, theirs
        self.ratio = ours if not peer else ours / theirs if ratio is None else ratio
        self.met = self.ratio >= limit if at_least else self.ratio <= limit

    def line(self):
        versus = f"{_short(self.theirs)} {self.peer}" if self.peer else "-"
        wanted = f"{'>=' if self.at_least else '<='} {self.limit:.3g}"
        return (f"{self.what:36}{_short(self.ours):>10}{versus:>20}{_short(self.ratio):>9}"
                f"{wanted:>10}  {'ok' if self.met else 'MISSED'}")


def verdict_table(found):
    lines = [f"{'target':36}{'vmconsoled':>10}{'peer':>20}{'ratio':>9}{'wanted':>10}"]
    lines += [one.line() for one in found]
    return "\n".join(lines + [f"{sum(one.met for one in found)} of {len(found)} targets met"])
