  // Maps of the head: spherical splines through the sensors' values, as src/topography/spline.rs defines them.
  const splines = store.splines;
  const SIDE = 96;

  /** g of the cosine of an angle, from a table of equal steps. */
  const kernel = (() => {
    const steps = 4096;
    const table = Float64Array.from({ length: steps + 2 }, (_, i) => {
      const x = Math.min(1, (2 * i) / steps - 1);
      let [before, legendre, sum] = [1, x, 0];
      for (let n = 1; n <= splines.terms; n++) {
        sum += ((2 * n + 1) / (n * (n + 1)) ** splines.order) * legendre;
        [before, legendre] = [legendre, ((2 * n + 1) * x * legendre - n * before) / (n + 1)];
      }
      return sum / (4 * Math.PI);
    });
    return (x) => {
      const place = Math.max(0, Math.min(steps, ((x + 1) / 2) * steps));
      const i = Math.floor(place);
      return table[i] + (place - i) * (table[i + 1] - table[i]);
    };
  })();

  /** Pixels inside the outline that are near enough to a sensor, with g of every sensor; made when first needed. */
  const rasters = new Map();
  const rasterOf = (index) => {
    if (rasters.has(index)) return rasters.get(index);
    const { directions, edge } = splines.sensors[index];
    const n = directions.length / 3;
    const pixels = [];
    const rows = [];
    for (let i = 0; i < SIDE * SIDE; i++) {
      const u = (((i % SIDE) + 0.5) / SIDE) * 2 - 1;
      const v = 1 - ((Math.floor(i / SIDE) + 0.5) / SIDE) * 2;
      const radius = Math.hypot(u, v);
      if (radius > 1 + 2 / SIDE) continue;
      const across = radius > 1e-12 ? Math.sin(radius * edge) / radius : 0;
      const [x, y, z] = [u * across, v * across, Math.cos(radius * edge)];
      const row = new Float64Array(n);
      let nearest = -1;
      for (let k = 0; k < n; k++) {
        row[k] = directions[3 * k] * x + directions[3 * k + 1] * y + directions[3 * k + 2] * z;
        nearest = Math.max(nearest, row[k]);
      }
      if (nearest < Math.cos(splines.reach)) continue;
      pixels.push(i);
      rows.push(row.map(kernel));
    }
    rasters.set(index, { pixels, rows });
    return rasters.get(index);
  };

  /** Cholesky's factor for the sensors that were measured; kept, since it is the same for most frames. */
  const factors = new Map();
  const solverOf = (index, known) => {
    const key = `${index}:${known.length === splines.sensors[index].names.length ? "all" : known.join(" ")}`;
    if (factors.has(key)) return factors.get(key);
    const d = splines.sensors[index].directions;
    const n = known.length;
    const lower = known.map(() => new Float64Array(n));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const [a, b] = [3 * known[i], 3 * known[j]];
        let rest = kernel(d[a] * d[b] + d[a + 1] * d[b + 1] + d[a + 2] * d[b + 2]) + (i === j ? splines.smoothing : 0);
        for (let k = 0; k < j; k++) rest -= lower[i][k] * lower[j][k];
        lower[i][j] = i === j ? Math.sqrt(rest) : rest / lower[j][j];
      }
    }
    const solve = (values) => {
      const x = Float64Array.from(values);
      for (let i = 0; i < n; i++) {
        for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
        x[i] /= lower[i][i];
      }
      for (let i = n - 1; i >= 0; i--) {
        for (let k = i + 1; k < n; k++) x[i] -= lower[k][i] * x[k];
        x[i] /= lower[i][i];
      }
      return x;
    };
    const sum = (x) => x.reduce((a, b) => a + b, 0);
    const ones = solve(known.map(() => 1));
    const sumOfOnes = sum(ones);
    const solver = (values) => {
      const x = solve(values);
      const constant = sum(x) / sumOfOnes;
      return { constant, coefficients: x.map((v, i) => v - constant * ones[i]) };
    };
    factors.set(key, solver);
    return solver;
  };

  // Maps follow the page's light or dark ground; paper is light.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const colours = () => splines.colours[dark.matches && !printing ? 1 : 0];
  const colourIndex = (value, limit, n) => Math.round(((Math.max(-1, Math.min(1, value / limit)) + 1) / 2) * (n - 1));
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");

  const paintRaster = (svg, map, values) => {
    const image = svg.querySelector("image");
    const known = values.map((_, i) => i).filter((i) => !Number.isNaN(values[i]));
    const picture = context.createImageData(SIDE, SIDE);
    if (known.length) {
      const { constant, coefficients } = solverOf(map.sensors, known)(known.map((i) => values[i]));
      const { pixels, rows } = rasterOf(map.sensors);
      const ramp = colours().map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
      pixels.forEach((pixel, p) => {
        let value = constant;
        for (let k = 0; k < known.length; k++) value += coefficients[k] * rows[p][known[k]];
        picture.data.set([...ramp[colourIndex(value, map.limit, ramp.length)], 255], 4 * pixel);
      });
    }
    context.putImageData(picture, 0, 0);
    image.setAttribute("href", canvas.toDataURL());
  };
  const paintDiscs = (svg, map, values) => {
    const ramp = colours();
    all(".site", svg).forEach((site, i) => {
      const missing = Number.isNaN(values[i]);
      const fill = missing ? "none" : ramp[colourIndex(values[i], map.limit, ramp.length)];
      site.querySelector("circle").setAttribute("fill", fill);
      site.querySelector(".value").textContent = fixed(values[i], 2);
    });
  };
  const paintMarks = (svg, map, frame) => {
    if (!map.significant.length) return;
    const marked = map.significant[frame];
    const { places } = splines.sensors[map.sensors];
    all(".site", svg).forEach((site, i) => site.classList.toggle("marked", marked.includes(i)));
    const dots = svg.querySelector("[data-significant]");
    // Middle and radius of the outline, as src/charts/topomap.rs draws it.
    if (dots) dots.setAttribute("d", marked.map((i) => `M${(78 + 66 * places[2 * i]).toFixed(1)} ${(86 - 66 * places[2 * i + 1]).toFixed(1)}h0`).join(""));
  };

  const sets = store.maps.map((set) => {
    const root = document.querySelector(`.maps[data-maps="${set.id}"]`);
    const slider = root.querySelector("input[type=range]");
    const readout = root.querySelector(".map-readout");
    let frame = set.first;
    const views = all(".topo", root).map((figure) => {
      const map = set.maps[Number(figure.dataset.map)];
      return { figure, map, svg: figure.querySelector("svg"), painted: null, visible: false };
    });
    const valuesOf = (map, at) => {
      map.all ??= unpack(map.values);
      const n = splines.sensors[map.sensors].names.length;
      return map.all.slice(at * n, (at + 1) * n);
    };
    const paint = (view) => {
      const key = `${frame} ${colours() === splines.colours[1]}`;
      if (view.painted === key) return;
      view.painted = key;
      const values = valuesOf(view.map, frame);
      if (view.svg.querySelector("image")) paintRaster(view.svg, view.map, values);
      else paintDiscs(view.svg, view.map, values);
      paintMarks(view.svg, view.map, frame);
      const label = set.frames[frame].label;
      const spoken = `Map of the head: ${view.figure.dataset.name}${label && ` at ${label}`}.`;
      view.svg.setAttribute("aria-label", spoken);
      view.svg.querySelector("desc").textContent = spoken;
    };
    // Only what is in view is painted; the rest when it comes into view.
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const view = views.find((v) => v.figure === target);
        view.visible = isIntersecting;
        if (isIntersecting) paint(view);
      }
    }, { rootMargin: "200px" });
    for (const view of views) watch.observe(view.figure);
    const repaint = () => views.filter((view) => view.visible || printing).forEach(paint);

    const following = all(`[data-follows="${set.id}"]`);
    const show = (at) => {
      frame = Math.max(0, Math.min(set.frames.length - 1, at));
      const { label, at: place } = set.frames[frame];
      if (slider) {
        slider.value = String(frame);
        slider.setAttribute("aria-valuetext", label);
        root.querySelector("output").textContent = label;
      }
      for (const svg of following.flatMap((plot) => all("svg", plot))) {
        const { left, right, x0, x1 } = frameOf(svg);
        const cursor = svg.querySelector(".cursor");
        cursor.setAttribute("transform", `translate(${(left + ((place - x0) / (x1 - x0)) * (right - left)).toFixed(1)} 0)`);
        cursor.classList.add("on");
      }
      repaint();
    };
    if (slider) {
      slider.addEventListener("input", () => show(Number(slider.value)));
      // A place on a figure that follows the slider moves it.
      for (const plot of following) {
        const follow = (event) => {
          if (event.type === "pointermove" && !event.buttons) return;
          const svg = all("svg", plot).find((s) => s.getBoundingClientRect().width > 0);
          const box = svg.getBoundingClientRect();
          const { left, right, x0, x1 } = frameOf(svg);
          const at = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
          const x = x0 + ((at - left) / (right - left)) * (x1 - x0);
          const distance = (i) => Math.abs(set.frames[i].at - x);
          show(set.frames.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0));
        };
        plot.addEventListener("pointerdown", follow);
        plot.addEventListener("pointermove", follow);
      }
    }
    // The sensor nearest to the pointer and its value.
    for (const { figure, map, svg } of views) {
      figure.addEventListener("pointermove", (event) => {
        const box = svg.getBoundingClientRect();
        const scale = svg.viewBox.baseVal.width / box.width;
        const { names, places } = splines.sensors[map.sensors];
        const u = ((event.clientX - box.left) * scale - 78) / 66;
        const v = (86 - (event.clientY - box.top) * scale) / 66;
        const distance = (i) => Math.hypot(places[2 * i] - u, places[2 * i + 1] - v);
        const nearest = names.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
        const marked = map.significant[frame]?.includes(nearest) ? ", significant" : "";
        readout.replaceChildren(`${figure.dataset.name} at ${names[nearest]}: `, bold(fixed(valuesOf(map, frame)[nearest], 3)), marked);
      });
    }
    show(frame);
    return { repaint };
  });
  const repaintAll = () => sets.forEach((set) => set.repaint());
  dark.addEventListener("change", repaintAll);
  for (const [event, value] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      printing = value;
      repaintAll();
    });
  }

  // Butterfly plots: the line of every channel that the page holds, drawn when the plot comes into view.
  const drawButterfly = (line) => {
    const [condition, index] = line.dataset.butterfly.split(" ").map(Number);
    const frame = frameOf(line.closest("svg"));
    const n = store.times.length;
    const start = (condition * evoked.traces.length + index) * n;
    line.setAttribute("d", evoked.values.map((packed) => {
      packed.all ??= unpack(packed);
      return pathOf(frame, store.times, packed.all.slice(start, start + n));
    }).join(""));
  };
  const butterflies = new IntersectionObserver((entries, observer) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      observer.unobserve(target);
      drawButterfly(target.querySelector("[data-butterfly]"));
    }
  }, { rootMargin: "400px" });
  for (const plot of all(".butterfly-plot")) butterflies.observe(plot);
