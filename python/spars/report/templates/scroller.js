// Cuts three planes out of a mosaic of slices and draws them with mask, reference and scores.
(async () => {
  const d = JSON.parse(document.getElementById("scroller-data").textContent);
  const [nx, ny, nz] = d.shape, at = d.start.slice();
  const root = document.getElementById("scroller-view");
  const spacing = [0, 1, 2].map(a => Math.hypot(...[0, 1, 2].map(w => d.affine[w][a])));
  // Of each plane: the axis it is across, its columns and rows, and the letters of its edges.
  const planes = [[2, 0, 1, "RLAP"], [1, 0, 2, "RLSI"], [0, 1, 2, "APSI"]];

  async function unpack(source) {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  }
  const [grey, layers] = await Promise.all([unpack(d.scan), unpack(d.layers)]);
  const width = nx * d.columns;
  const offset = v => 4 * ((Math.floor(v[2] / d.columns) * ny + v[1]) * width + (v[2] % d.columns) * nx + v[0]);
  const shown = name => root.querySelector(`[name=${name}]`)?.checked;

  function colour(score) { // violet, red, yellow
    const t = score / 255, stops = [[87, 16, 110], [222, 73, 61], [252, 255, 164]];
    const i = t < .5 ? 0 : 1, u = 2 * t - i;
    return stops[i].map((c, k) => c + u * (stops[i + 1][k] - c));
  }

  function draw([across, h, v, letters], canvas) {
    const [w, rows] = [d.shape[h], d.shape[v]], scale = 512 / Math.max(w * spacing[h], rows * spacing[v]);
    const place = [0, 0, 0], small = document.createElement("canvas");
    [small.width, small.height] = [w, rows];
    const context = small.getContext("2d"), pixels = context.createImageData(w, rows);
    const edges = [[], []]; // of mask and reference
    const [sx, sy] = [spacing[h] * scale, spacing[v] * scale];
    const layer = (x, y, c) => {
      if (x < 0 || y < 0 || x >= w || y >= rows) return false;
      [place[across], place[h], place[v]] = [at[across], x, y];
      return layers[offset(place) + c] > 127;
    };
    for (let y = 0; y < rows; y++) for (let x = 0; x < w; x++) {
      [place[across], place[h], place[v]] = [at[across], x, y];
      const o = offset(place), p = 4 * (y * w + x), score = layers[o + 2];
      const c = shown("scores") && score ? colour(score) : null;
      for (let k = 0; k < 3; k++) pixels.data[p + k] = c ? (grey[o] + c[k]) / 2 : grey[o];
      pixels.data[p + 3] = 255;
      for (const k of [0, 1]) if (layers[o + k] > 127) {
        if (!layer(x - 1, y, k)) edges[k].push([x, y, x, y + 1]);
        if (!layer(x + 1, y, k)) edges[k].push([x + 1, y, x + 1, y + 1]);
        if (!layer(x, y - 1, k)) edges[k].push([x, y, x + 1, y]);
        if (!layer(x, y + 1, k)) edges[k].push([x, y + 1, x + 1, y + 1]);
      }
    }
    context.putImageData(pixels, 0, 0);
    [canvas.width, canvas.height] = [Math.round(w * sx), Math.round(rows * sy)];
    const g = canvas.getContext("2d");
    g.drawImage(small, 0, 0, canvas.width, canvas.height);
    for (const [k, name, ink] of [[1, "reference", "#56B4E9"], [0, "mask", "#E69F00"]]) if (shown(name)) {
      g.strokeStyle = ink;
      g.lineWidth = 2.5;
      g.setLineDash(k === 0 ? [3, 3] : []);
      g.beginPath();
      for (const [a, b, c, e] of edges[k]) { g.moveTo(a * sx, b * sy); g.lineTo(c * sx, e * sy); }
      g.stroke();
    }
    g.setLineDash([]);
    g.lineWidth = 1;
    g.strokeStyle = "#ffffff80";
    g.beginPath(); // the cross of the other two planes
    const [cx, cy] = [(at[h] + .5) * sx, (at[v] + .5) * sy];
    g.moveTo(cx, 0); g.lineTo(cx, canvas.height); g.moveTo(0, cy); g.lineTo(canvas.width, cy);
    g.stroke();
    const [W, H] = [canvas.width, canvas.height];
    const text = (words, x, y, align, base) => {
      [g.font, g.textAlign, g.textBaseline, g.lineWidth, g.strokeStyle, g.fillStyle] = ["18px sans-serif", align, base, 3, "#000", "#fff"];
      g.strokeText(words, x, y); g.fillText(words, x, y);
    };
    text(letters[0], 6, H / 2, "left", "middle"); text(letters[1], W - 6, H / 2, "right", "middle");
    text(letters[2], W / 2, 5, "center", "top"); text(letters[3], W / 2, H - 5, "center", "bottom");
    const bar = [100, 50, 20, 10, 5, 2, 1].find(l => l * scale < W / 3) || 1;
    g.fillStyle = "#fff"; g.fillRect(W - 12 - bar * scale, H - 12, bar * scale, 4);
    text(`${bar} mm`, W - 12 - bar * scale / 2, H - 15, "center", "bottom");
  }

  function update() {
    planes.forEach((plane, i) => { draw(plane, views[i].canvas); views[i].slider.value = at[plane[0]]; });
    const mm = d.affine.slice(0, 3).map(row => row[0] * at[0] + row[1] * at[1] + row[2] * at[2] + row[3]);
    const o = offset(at), score = layers[o + 2], [low, high] = d.scores;
    root.querySelector("output").textContent =
      mm.map((m, i) => `${["RL", "AP", "SI"][i][m >= 0 ? 0 : 1]} ${Math.abs(m).toFixed(1)}`).join(", ") + " mm" +
      (score ? ` · score ${(low + (score - 1) / 254 * (high - low)).toFixed(2)}` : " · not scored") +
      (layers[o] > 127 ? " · in the mask" : "") + (layers[o + 1] > 127 ? " · in the reference" : "");
  }

  const views = [...root.querySelectorAll("figure")].map((figure, i) => {
    const [across, h, v] = planes[i], canvas = figure.querySelector("canvas"), slider = figure.querySelector("input");
    slider.max = d.shape[across] - 1;
    slider.addEventListener("input", () => { at[across] = +slider.value; update(); });
    const go = event => {
      const r = canvas.getBoundingClientRect(), clamp = (x, n) => Math.max(0, Math.min(n - 1, Math.floor(x * n)));
      at[h] = clamp((event.clientX - r.left) / r.width, d.shape[h]);
      at[v] = clamp((event.clientY - r.top) / r.height, d.shape[v]);
      update();
    };
    canvas.addEventListener("pointerdown", event => { slider.focus({preventScroll: true}); event.preventDefault(); go(event); });
    canvas.addEventListener("pointermove", event => event.buttons && go(event));
    canvas.addEventListener("wheel", event => { // where the plane was clicked: else the page scrolls
      if (document.activeElement !== slider) return;
      event.preventDefault();
      at[across] = Math.max(0, Math.min(d.shape[across] - 1, at[across] + Math.sign(event.deltaY)));
      update();
    }, {passive: false});
    return {canvas, slider};
  });
  root.querySelectorAll("[type=checkbox]").forEach(box => box.addEventListener("change", update));
  root.hidden = false;
  update();
})();
