"""Grouped horizontal bars as SVG, with the spread as a line at each bar's end."""
from xml.sax.saxutils import escape

COLOURS = {"gateway": "#2563a8", "nginx": "#4f9a4f", "haproxy": "#c77f2a"}
LEFT, WIDTH, BAR, GAP, TOP = 250, 430, 13, 12, 62


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def bars(title, labels, series):
    """`series`: name -> one {"median", "spread"} or None per label. Bars start at zero."""
    top = max((value["median"] + value["spread"] for values in series.values()
               for value in values if value), default=1) or 1
    height = TOP + len(labels) * (len(series) * BAR + GAP) + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 80}" height="{height}" '
           'font-family="sans-serif" font-size="11">',
           f'<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="20" font-size="14">{escape(title)}</text>']
    x = LEFT
    for name in series:
        out.append(f'<rect x="{x}" y="32" width="10" height="10" fill="{COLOURS[name]}"/>'
                   f'<text x="{x + 14}" y="41">{name}</text>')
        x += 90
    y = TOP
    for index, label in enumerate(labels):
        middle = y + len(series) * BAR / 2 + 4
        out.append(f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for name, values in series.items():
            value = values[index]
            if value:
                end = LEFT + max(0.0, value["median"]) / top * WIDTH
                low = LEFT + max(0.0, value["median"] - value["spread"]) / top * WIDTH
                high = LEFT + max(0.0, value["median"] + value["spread"]) / top * WIDTH
                out.append(
                    f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR - 2}" '
                    f'fill="{COLOURS[name]}"/>'
                    f'<path d="M{low:.1f} {y + BAR / 2 - 1}H{high:.1f}" stroke="#222"/>'
                    f'<text x="{high + 5:.1f}" y="{y + BAR - 3}">{number(value["median"])}</text>')
            y += BAR
        y += GAP
    out.append("</svg>\n")
    return "\n".join(out)
