"""The timeline as one HTML page without script or network."""

from reports.history.formats import cells, header, notes
from reports.history.lines import line_chart
from reports.history.timeline import Timeline
from reports.page.render import render


def history_page(timeline: Timeline) -> str:
    """Charts, then the table; experiments stand in the table alone, since a line joins what follows each other."""
    followed = [line for line in timeline.lines if not line.revision.baseline]
    names = [line.revision.name for line in followed]
    figures = [
        {"words": measure.words, "drawing": line_chart(measure, names, [line.values[at] for line in followed])}
        for at, measure in enumerate(timeline.measures)
    ]
    return render(
        "history/history.html.jinja",
        {
            "figures": figures,
            "header": header(timeline),
            "lines": [cells(line, timeline.measures) for line in timeline.lines],
            "first": names[0],
            "last": names[-1],
            "notes": [note for note in notes(timeline) if note],
        },
    )
