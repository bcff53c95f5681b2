"""Draws the figures of fast-classifier.md from the rules they show.

    python docs/images/draw.py

Only the standard library is used, so that the same script writes the same bytes everywhere.
Colours are told apart by their lightness alone.
"""

from fractions import Fraction
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
INK, GREY, LIGHT, PAPER = "#1c2024", "#4c565e", "#c9cfd2", "#f7f8f6"
TEAL, PALE, OCHRE = "#0b6e75", "#a9d3d6", "#d9963a"
WIDTH = 960
FIGURES = {}


class Figure:
    """SVG elements on a rounded sheet with a heading."""

    def __init__(self, title, height):
        self.title, self.height = title, height
        self.elements = [f'<rect width="{WIDTH}" height="{height}" rx="10" fill="{PAPER}"/>']
        self.text(30, 38, title, 18, bold=True)

    def rect(self, x, y, width, height, fill, line="none"):
        self.elements.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{fill}" stroke="{line}"/>'
        )

    def text(self, x, y, words, size=15, fill=INK, bold=False, anchor="start"):
        weight = ' font-weight="600"' if bold else ""
        self.elements.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"{weight} '
            f'text-anchor="{anchor}">{escape(words)}</text>'
        )

    def note(self, x, y, *lines, anchor="start"):
        for i, words in enumerate(lines):
            self.text(x, y + 22 * i, words, 14.5, GREY, anchor=anchor)

    def line(self, x1, y1, x2, y2, stroke=GREY, width=1.5, arrow=False, dashed=False):
        end = ' marker-end="url(#arrow)"' if arrow else ""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.elements.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{stroke}" stroke-width="{width}"{dash}{end}/>'
        )

    def cell(self, x, y, width, height, words, fill, size=15):
        """Draw a box with centred words, light on dark."""
        self.rect(x, y, width, height, fill, PAPER)
        ink = PAPER if fill in (TEAL, GREY) else INK
        self.text(x + width / 2, y + height / 2 + size / 3, words, size, ink, anchor="middle")

    def svg(self):
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
                'role="img" aria-labelledby="title" '
                "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\">",
                f'<title id="title">{escape(self.title)}</title>',
                '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
                f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{GREY}"/></marker>'
                "</defs>",
                *self.elements,
                "</svg>\n",
            ]
        )


def figure(title, height):
    """Register a function that draws on a sheet; its name becomes the file's."""

    def register(function):
        FIGURES[function.__name__.replace("_", "-")] = (function, title, height)
        return function

    return register


def source(place, voxels, places):
    """PyTorch's nearest rule, where it needs no rounding."""
    return place * voxels // places


@figure("Batch norm and ReLU behind the pool: once for eight places", 230)
def fold(f):
    values = (3, -1, 4, 0, -2, 1, 2, -5)
    for y, words in ((62, "as defined"), (142, "folded")):
        f.text(30, y + 24, words, bold=True)
    for i, value in enumerate(values):
        f.cell(150 + 42 * i, 62, 40, 34, str(value), PALE)
        f.cell(150 + 42 * i, 142, 40, 34, str(value), PALE)
    for y, middle in (
        (62, "8 times  max(0, y + t),  then max"),
        (142, "max,  then once  max(0, y + t)"),
    ):
        f.line(492, y + 17, 522, y + 17, arrow=True)
        f.text(534, y + 22, middle)
        f.line(792, y + 17, 822, y + 17, arrow=True)
        f.cell(830, y, 60, 34, str(max(max(0, value - 3) for value in values)), TEAL)
    f.note(
        30,
        208,
        "t = -3. s is in the weights already: a negative one would turn the maximum round.",
    )


@figure("Places along x that reach a feature, layer by layer", 400)
def unseen_border(f):
    layers = [("input", 256, 1), ("conv1", 254, 1)]
    for number in (2, 3, 4):
        layers.append((f"pool {number - 1}", layers[-1][1] // 2, layers[-1][2] * 2))
        layers.append((f"conv{number}", (layers[-1][1] - 3) // 2 + 1, layers[-1][2] * 2))
    seen = [layers[-1][1]]
    for name, _, _ in reversed(layers[1:]):
        size, stride = (2, 2) if name.startswith("pool") else (3, 1 if name == "conv1" else 2)
        seen.insert(0, (seen[0] - 1) * stride + size)
    for i, ((name, places, step), used) in enumerate(zip(layers, seen, strict=True)):
        y, scale = 62 + 36 * i, 600 / 256
        f.text(30, y + 19, name)
        f.rect(120, y, places * step * scale, 26, OCHRE)
        f.rect(120, y, used * step * scale, 26, TEAL)
        f.text(132, y + 18, f"{used}", 15, PAPER, bold=True)
        f.text(740, y + 18, f"of {places}" + ("" if places > used else ", all"), 15)
    f.note(30, 372, "Lighter: left over by a stride of 2 or a pool; never computed in evaluation.")


@figure("Enlarged voxels repeat, so places of conv1 do", 330)
def distinct_places(f):
    fills, letters, unit = (TEAL, PALE, OCHRE), "abc", 50
    for i in range(3):
        f.cell(160 + 250 * i + 30, 60, 190, 34, letters[i], fills[i])
    f.text(30, 83, "voxels")
    f.text(30, 153, "enlarged")
    owner = [source(place, 48, 256) for place in range(15)]
    for place, voxel in enumerate(owner):
        f.cell(160 + unit * place, 130, unit, 34, letters[voxel], fills[voxel])
    f.text(30, 223, "taps see")
    patterns = ["".join(letters[v] for v in owner[p : p + 3]) for p in range(13)]
    for place, words in enumerate(patterns):
        same = place > 0 and patterns[place - 1] == words
        f.cell(160 + unit * (place + 1), 200, unit, 34, words, LIGHT if same else PAPER)
        if not same:
            f.rect(162 + unit * (place + 1), 201, unit - 4, 32, "none", TEAL)
    count = len(set(patterns))
    f.note(
        30,
        272,
        f"Outlined: {count} distinct places of 13; grey: copies. Of a whole axis: 142 of 254.",
    )
    f.note(30, 298, "Each distinct sum is shorter too:  w0 a + w1 a + w2 b = (w0 + w1) a + w2 b.")


@figure("Eight voxels on 256 places: places behind conv2's pool that are equal", 235)
def equal_places(f):
    fields = [tuple(source(8 * q + i, 8, 256) for i in range(12)) for q in range(29)]
    unit = 900 / 236
    for voxel in range(8):
        width = min(32, 236 - 32 * voxel) * unit
        f.cell(30 + 32 * voxel * unit, 62, width, 34, str(voxel), (PALE, LIGHT)[voxel % 2])
    for q, field in enumerate(fields):
        copy = q > 0 and fields[q - 1] == field
        f.cell(30 + 31 * q, 122, 30, 40, str(q), LIGHT if copy else TEAL, 14.5)
    f.note(
        30,
        192,
        f"Each sees 12 places of the input, the next begins 8 on: {len(set(fields))} of 29 differ.",
    )
    f.note(30, 216, "Grey ones equal the place before and are copied behind conv2.")


@figure("Windows 12 voxels apart lie on one grid", 370)
def window_phases(f):
    for row in range(10):
        for column in range(10):
            same = row % 3 == 0 and column % 3 == 0
            f.rect(40 + 26 * column, 66 + 26 * row, 22, 22, TEAL if same else LIGHT)
    f.note(36, 350, "one phase of nine, 4 voxels a step")
    x, scale = 350, 1.55
    for i in range(3):
        y = 76 + 62 * i
        f.rect(x + 64 * i * scale, y, 256 * scale, 30, PALE, GREY)
        f.text(x + 64 * i * scale + 12, y + 20, f"window at voxel {12 * i}: 256 places")
    for i in range(1, 3):
        f.line(x + 64 * i * scale, 106 + 62 * i, x + 64 * i * scale, 270, dashed=True)
        f.note(x + 64 * i * scale, 290, str(64 * i), anchor="middle")
    f.cell(x, 300, 384 * scale, 30, "one pass over 384 places instead of 3 x 256", TEAL)
    f.note(x, 350, "12 voxels are 64 places, and 64 is the product of all strides and pools")


@figure("Windows of a column need conv2 at odd places in turn", 290)
def window_columns(f):
    unit = 26.5
    rows = (("window 0", range(0, 31, 2), TEAL), ("window 1", range(15, 31, 2), OCHRE))
    for place in range(31):
        x = 105 + unit * place
        f.text(x + 12, 76, str(place), 14, GREY, anchor="middle")
        for i, (_, taken, fill) in enumerate(rows):
            f.rect(x, 92 + 44 * i, 24, 30, fill if place in taken else "#e6e9e9")
        f.rect(x, 192, 24, 30, GREY)
    for i, (name, _, _) in enumerate(rows):
        f.text(30, 112 + 44 * i, name, 14.5)
    f.text(30, 212, "made", 14.5)
    f.note(
        30,
        252,
        "Windows 4 voxels apart begin 15 places apart; conv2 steps by 2, and 15 is odd.",
    )
    f.note(
        30,
        276,
        "Every place is computed once: 15 more for a further window, 42 for one alone.",
    )


@figure("Five planes make one, and are then forgotten", 300)
def slabs(f):
    for row, (name, count) in enumerate((("pool 1", 21), ("pool 2", 5), ("pool 3", 1))):
        y, step = 66 + 74 * row, 38 * 4**row
        f.text(30, y + 25, name)
        for i in range(count):
            x = 130 + 38 * (0, 2, 10)[row] + step * i
            f.cell(x, y, 26, 38, "", (TEAL, PALE, OCHRE)[row])
            if row:
                below = 38 * 4 ** (row - 1)
                for k in range(-2, 3):
                    f.line(x + 13 + k * below, y - 34, x + 13, y - 2, LIGHT if abs(k) < 2 else GREY)
    f.note(
        30,
        278,
        "Planes along x. Each takes five planes of the pool before and shares the last.",
    )


@figure("Two sums of three products from four products", 345)
def minimal_filtering(f):
    inputs = [f"x{i}" for i in range(4)]
    products = ("w0 (x0 - x2)", "½(w0+w1+w2) (x1 + x2)", "½(w0-w1+w2) (x2 - x1)", "w2 (x1 - x3)")
    uses = ((0, 2), (1, 2), (2, 1), (1, 3))
    signs = ((1, 1, 1, 0), (0, 1, -1, -1))
    for i in range(4):
        y = 66 + 54 * i
        f.cell(50, y, 60, 38, inputs[i], PALE)
        f.cell(300, y, 260, 38, products[i], TEAL)
        for k, j in enumerate(uses[i]):
            minus = k == 1 and i != 1
            f.line(112, 85 + 54 * j, 298, y + 19, GREY, 1.5, True, minus)
        for j in range(2):
            if signs[j][i]:
                f.line(562, y + 19, 758, 112 + 108 * j, GREY, 1.5, True, signs[j][i] < 0)
    f.cell(760, 93, 150, 38, "y0", OCHRE)
    f.cell(760, 201, 150, 38, "y1", OCHRE)
    f.note(
        30,
        308,
        "Dashed: subtracted. Differences of inputs are made once for all eight channels,",
        "sums of weights once for a network.",
    )


@figure("63 displacements instead of 27 x 27 pairs of taps", 275)
def tap_displacements(f):
    unit = 27
    for x in range(-2, 3):
        left = 40 + 180 * (x + 2)
        for y in range(-2, 3):
            for z in range(-2, 3):
                taken = (x, y, z) >= (0, 0, 0)
                fill = OCHRE if (x, y, z) == (0, 0, 0) else TEAL if taken else LIGHT
                f.rect(left + unit * (z + 2), 66 + unit * (y + 2), unit - 3, unit - 3, fill)
        f.note(left + 66, 226, f"x displaced by {x}", anchor="middle")
    f.note(
        30,
        256,
        "Two taps differ by one of 125 displacements; grey: the same pairs the other way round.",
    )


@figure("A gradient at one place of eight, and the rest by moments", 300)
def pool_backward(f):
    for i in range(4):
        for j in range(8):
            chosen = j % 4 == (1, 2, 3, 0)[i] and j // 4 == i % 2
            x, y = 40 + 33 * j + 10 * (j // 4), 66 + 33 * i + 10 * (i // 2)
            f.rect(x, y, 31, 31, OCHRE if chosen else PALE)
    f.note(40, 236, "dy: zero but at one place of eight")
    f.line(326, 132, 376, 132, arrow=True)
    f.cell(390, 66, 250, 52, "S, G from chosen places", OCHRE)
    f.cell(390, 146, 250, 52, "m, C of all taps, known", PALE)
    f.line(646, 92, 694, 122, arrow=True)
    f.line(646, 172, 694, 142, arrow=True)
    f.cell(704, 106, 226, 52, "dW = γ/σ (S - G m - T/σ W C)", TEAL, 14.5)
    f.note(
        30,
        268,
        "dx is zero nowhere, but what is not chosen enters dW only through m and C.",
    )


def resize_weights(voxels, places):
    """Return A[place][voxel] of trilinear resizing along one axis (align_corners False)."""
    rows = []
    for place in range(places):
        at = max(Fraction(0), Fraction(2 * place + 1, 2) * voxels / places - Fraction(1, 2))
        low = min(int(at), voxels - 1)
        row = [Fraction(0)] * voxels
        row[low] += 1 - (at - low)
        row[min(low + 1, voxels - 1)] += at - low
        rows.append(row)
    return rows


@figure("Products of neighbours in the resized crop, by source voxels", 400)
def trilinear_moments(f):
    voxels, places, lag = 8, 20, 2
    a = resize_weights(voxels, places)
    heads = ("A: 20 places of 8 voxels", "B[u, v] = sum over t of A[t, u] A[t + 2, v]")
    b = [
        [sum(a[t][u] * a[t + lag][v] for t in range(places - lag)) for v in range(voxels)]
        for u in range(voxels)
    ]

    def mix(part):
        ends = [(int(c[i : i + 2], 16)) for c in ("#ffffff", TEAL) for i in (1, 3, 5)]
        return "#" + "".join(
            f"{round(ends[i] + (ends[i + 3] - ends[i]) * float(part)):02x}" for i in range(3)
        )

    f.text(60, 72, heads[0], 15)
    for t in range(places):
        for u in range(voxels):
            f.rect(90 + 24 * u, 84 + 13 * t, 23, 12, mix(a[t][u]), LIGHT)
    largest = max(max(row) for row in b)
    f.text(450, 72, heads[1], 15)
    for u in range(voxels):
        for v in range(voxels):
            f.rect(480 + 33 * v, 84 + 32 * u, 31, 30, mix(b[u][v] / largest), LIGHT)
    reach = max(abs(u - v) for u in range(voxels) for v in range(voxels) if b[u][v])
    f.note(780, 190, "u and v differ")
    f.note(780, 212, f"by at most {reach}")
    f.line(310, 210, 440, 210, arrow=True)
    f.note(
        30,
        380,
        "Darker: larger. Sums over places are sums over voxels u and few v, weighted by B.",
    )


@figure("One step over a whole batch, its crops one by one", 300)
def batch_passes(f):
    passes = (
        ("moments of each, joined", PALE),
        ("normalise, on to the loss", TEAL),
        ("the way back", OCHRE),
    )
    for i, (name, fill) in enumerate(passes):
        y = 66 + 62 * i
        f.text(30, y + 26, name)
        for crop in range(8):
            again = i > 0 and crop >= 5
            f.cell(270 + 78 * crop, y, 70, 40, f"{crop + 1}" + (" again" if again else ""), fill)
            if i < 2:
                f.line(305 + 78 * crop, y + 42, 305 + 78 * crop, y + 59, GREY, 1.5, True, crop >= 5)
    f.note(
        30,
        262,
        "Solid: kept, within 384 MiB of conv1's pooled and 1 GiB of conv2's raw output.",
    )
    f.note(
        30,
        284,
        "Dashed: made again from the crop, with the same bits. Statistics are of all crops.",
    )


@figure("Sums that stay in registers", 270)
def register_tile(f):
    for channel in range(16):
        f.cell(250 + 40 * channel, 62, 38, 30, f"w{channel}", OCHRE, 14)
    for voxel in range(6):
        f.cell(190, 98 + 22 * voxel, 52, 20, f"x{voxel}", PALE, 14)
        for channel in range(16):
            f.rect(250 + 40 * channel, 98 + 22 * voxel, 38, 20, TEAL)
    f.text(30, 160, "6 voxels")
    f.note(
        30,
        252,
        "conv2 to conv4, for each tap and input channel: 16 weights, 6 values, 96 multiply-adds.",
    )


def drawn():
    """Return {file name: SVG} of every figure."""
    files = {}
    for name, (function, title, height) in FIGURES.items():
        sheet = Figure(title, height)
        function(sheet)
        files[f"{name}.svg"] = sheet.svg()
    return files


if __name__ == "__main__":
    for name, svg in drawn().items():
        (FOLDER / name).write_text(svg, encoding="utf-8")
