"""docs/growth.json and docs/growth.svg: every curve as figures and as a picture.

Knows both forms. A run of some measures leaves the other places of the curves as they are: the figures are
their own memory. Next: `page.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from bench.chart import Picture, Spread, draw, figure
from bench.panels import PANELS, Panel
from bench.record import Curve, median

Curves = dict[str, Curve]
HEADING = "What grows with alerts, silences and rules, beside the programs that hbalert stands in for"


def read(text: str) -> Curves:
    """Back from what `written` made; of no text: no curves."""
    panels: Mapping[str, Mapping[str, Mapping[str, list[float]]]] = json.loads(text)["curves"] if text else {}
    return {
        name: {
            who: {int(among): figures for among, figures in curve.items()}
            for who, curve in curves.items()
            if who in PANELS[name].who
        }
        for name, curves in panels.items()
        if name in PANELS
    }


def joined(known: Curves, found: Curves) -> Curves:
    """The places of curves that were found now, and all others as they were."""
    whole: Curves = {}
    for name in PANELS:
        for curves in (known.get(name, {}), found.get(name, {})):
            for who, curve in curves.items():
                whole.setdefault(name, {}).setdefault(who, {}).update(curve)
    return whole


def written(curves: Curves, made: str) -> str:
    """The figures, one place of a curve in a line."""
    panels = []
    for name, panel in curves.items():
        whose = []
        for who, curve in panel.items():
            places = ",\n".join(
                f'        "{among}": {json.dumps([float(f"{one:.4g}") for one in curve[among]])}'
                for among in sorted(curve)
            )
            whose.append(f'      "{who}": {{\n{places}\n      }}')
        panels.append(f'    "{name}": {{\n' + ",\n".join(whose) + "\n    }")
    body = ",\n".join(panels)
    units = json.dumps({name: f"{PANELS[name].unit} by {PANELS[name].among}" for name in curves}, indent=4)
    return f'{{\n  "made": {json.dumps(made)},\n  "units": {units},\n  "curves": {{\n{body}\n  }}\n}}\n'


def picture(curves: Curves, made: str) -> str:
    """The same as SVG; of a curve that has one place so far there is nothing to draw."""
    drawn = [
        name for name in PANELS if len({each for who in curves.get(name, {}).values() for each in who}) > 1
    ]
    return draw(HEADING, [_picture(PANELS[name], curves[name]) for name in drawn], made)


def _picture(panel: Panel, curves: Curve) -> Picture:
    whose = {who: curves[who] for who in panel.who if who in curves}
    medians = {who: {among: median(found) for among, found in curve.items()} for who, curve in whose.items()}
    return Picture(
        panel.title,
        panel.among,
        panel.unit,
        {
            who: {among: Spread(median(found), min(found), max(found)) for among, found in curve.items()}
            for who, curve in whose.items()
        },
        panel.budget_says,
        dict(panel.budget.figures(medians.get(panel.budget.who, {})).items()),
    )


def rows(curves: Curves) -> Iterator[str]:
    """The medians as a table, for who reads without the picture."""
    yield "| what | unit | who | among: median | last / first |"
    yield "| --- | --- | --- | --- | --- |"
    for name, whose in curves.items():
        panel = PANELS[name]
        for who in (one for one in panel.who if one in whose):
            curve = {among: median(whose[who][among]) for among in sorted(whose[who])}
            places = ", ".join(f"{among:,}: {figure(found)}" for among, found in curve.items())
            grown = curve[max(curve)] / curve[min(curve)]
            yield f"| {panel.title} | {panel.unit} | {who} | {places} | {figure(grown)} |"
