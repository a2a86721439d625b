"""Line charts with logarithmic axes, as SVG text that is legible on light and on dark pages."""
import math

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #57606a; }
  .title { font-weight: 600; font-size: 13px; }
  .grid { stroke: #8c959f; stroke-opacity: 0.25; }
  .line { fill: none; stroke-width: 2; }
  .c0 { stroke: #0969da; } .c1 { stroke: #bc4c00; } .c2 { stroke: #1a7f37; } .c3 { stroke: #8250df; }
  .d0 { fill: #0969da; } .d1 { fill: #bc4c00; } .d2 { fill: #1a7f37; } .d3 { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9da7b3; }
    .c0 { stroke: #58a6ff; } .c1 { stroke: #f0883e; } .c2 { stroke: #56d364; } .c3 { stroke: #bc8cff; }
    .d0 { fill: #58a6ff; } .d1 { fill: #f0883e; } .d2 { fill: #56d364; } .d3 { fill: #bc8cff; }
  }
"""
MARGIN_LEFT, MARGIN_TOP, MARGIN_BOTTOM, LEGEND_LINE = 64, 34, 50, 16


def short(value):
    """1000000 as 1M, 1048576 as 1Mi."""
    if value < 10_000:
        return f"{value:,g}"
    base, units = (1024, ("Ki", "Mi")) if value % 1024 == 0 else (1000, ("k", "M"))
    power = 2 if value >= base ** 2 else 1
    return f"{value / base ** power:g}{units[power - 1]}"


class Chart:
    """One chart: `lines` are (name, [(x, y), ...]); both axes are logarithmic and span what there is."""

    def __init__(self, title, x_name, y_name, lines):
        self.title, self.x_name, self.y_name = title, x_name, y_name
        self.lines = [(name, points) for name, points in lines if points]

    def draw(self, left, width, height):
        xs = sorted({x for _, points in self.lines for x, _ in points})
        ys = [y for _, points in self.lines for _, y in points]
        if not xs:
            return ""
        low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
        high = max(high, low + 1)
        legend = LEGEND_LINE * len(self.lines)
        x0, x1 = left + MARGIN_LEFT, left + width - 28
        y0, y1 = height - MARGIN_BOTTOM - legend, MARGIN_TOP
        span = math.log(xs[-1] / xs[0]) or 1
        at_x = lambda x: x0 + (x1 - x0) * math.log(x / xs[0]) / span
        at_y = lambda y: y0 + (y1 - y0) * (math.log10(y) - low) / (high - low)

        out = [f'<text class="title" x="{left + MARGIN_LEFT}" y="18">{self.title}</text>']
        for power in range(low, high + 1):
            y = at_y(10 ** power)
            out.append(f'<path class="grid" d="M{x0} {y:.1f}H{x1}"/>'
                       f'<text x="{x0 - 8}" y="{y + 4:.1f}" text-anchor="end">{short(10 ** power)}</text>')
        for x in xs:
            out.append(f'<text x="{at_x(x):.1f}" y="{y0 + 18}" text-anchor="middle">{short(x)}</text>')
        out.append(f'<text x="{(x0 + x1) / 2:.1f}" y="{y0 + 34}" text-anchor="middle">{self.x_name}</text>')
        out.append(f'<text transform="translate({left + 14} {(y0 + y1) / 2:.1f}) rotate(-90)" '
                   f'text-anchor="middle">{self.y_name}</text>')
        for i, (name, points) in enumerate(self.lines):
            path = "L".join(f"{at_x(x):.1f} {at_y(y):.1f}" for x, y in sorted(points))
            out.append(f'<path class="line c{i}" d="M{path}"/>')
            out += [f'<circle class="d{i}" cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3"/>' for x, y in points]
            y = height - legend + LEGEND_LINE * i + 4
            out.append(f'<path class="line c{i}" d="M{x0} {y - 4}h24"/><text x="{x0 + 32}" y="{y}">{name}</text>')
        return "\n".join(out)


def svg(charts, width=440, height=400):
    """The charts beside one another."""
    drawn = "\n".join(chart.draw(width * i, width, height) for i, chart in enumerate(charts))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * len(charts)} {height}" '
            f'width="{width * len(charts)}" height="{height}" role="img">\n<style>{STYLE}</style>\n{drawn}\n</svg>\n')
