  // Models, shown or hidden in every figure at once.
  const hidden = new Set();
  for (const key of all(".key[data-model]")) {
    key.addEventListener("click", () => {
      const model = key.dataset.model;
      if (!hidden.delete(model)) hidden.add(model);
      for (const twin of all(`.key[data-model="${model}"]`)) twin.setAttribute("aria-pressed", String(!hidden.has(model)));
      for (const group of all(`svg .m${model}, .of-model.m${model}`)) group.classList.toggle("hidden", hidden.has(model));
      for (const plot of all(".plot")) plot.refresh();
    });
  }

  // Every subject's r over time.
  const each = document.getElementById("each");
  const timePlot = store.plots.find((plot) => plot.name === "time");
  if (each && timePlot.lines.some((line) => line.subjects)) {
    each.addEventListener("click", () => {
      const on = each.getAttribute("aria-pressed") !== "true";
      each.setAttribute("aria-pressed", String(on));
      for (const line of timePlot.lines) {
        const values = on && line.subjects ? unpack(line.subjects) : [];
        const n = timePlot.x.length;
        for (const svg of all("#time svg")) {
          const frame = frameOf(svg);
          const lines = Array.from({ length: values.length / n }, (_, i) =>
            element("path", { class: "thin", d: pathOf(frame, timePlot.x, values.slice(i * n, (i + 1) * n)) }));
          svg.querySelector(`.each-${line.model}`).replaceChildren(...lines);
        }
      }
    });
  } else if (each) {
    each.remove();
  }

  // Evoked responses of the chosen channel: (condition, trace, time).
  const evoked = store.evoked;
  let channel = 0;
  let values = evoked ? unpack(evoked.values[0]) : [];
  const trace = (condition, k) => {
    const start = (condition * evoked.traces.length + k) * store.times.length;
    return values.slice(start, start + store.times.length);
  };

  // Read-outs: a cursor that follows the pointer or the arrow keys.
  const linesOf = (plot) => {
    if (plot.dataset.plot !== "evoked") return store.plots.find((p) => p.name === plot.dataset.plot);
    const condition = Number(plot.dataset.condition);
    const lines = evoked.traces.map(({ name, model }, k) => ({ name, model, y: trace(condition, k) }));
    return { x: store.times, before: "", after: "\u202fs", decimals: 2, lines };
  };
  const bold = (text) => Object.assign(document.createElement("b"), { textContent: text });
  const hint = matchMedia("(hover: none)").matches
    ? "Touch a figure to read its values."
    : "Point at a figure to read its values, or focus it and press \u2190 or \u2192.";

  all(".plot").forEach((plot, position) => {
    const readout = plot.nextElementSibling;
    let index = null;
    if (position === 0) readout.textContent = hint;
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", "Figure with a read-out: left and right arrow keys move it");
    const show = (i) => {
      const data = linesOf(plot);
      if (!data.x.length) return;
      index = Math.max(0, Math.min(data.x.length - 1, i));
      for (const svg of all("svg", plot)) {
        const { left, right, x0, x1 } = frameOf(svg);
        const x = left + ((data.x[index] - x0) / (x1 - x0)) * (right - left);
        const cursor = svg.querySelector(".cursor");
        cursor.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
        cursor.classList.add("on");
      }
      const parts = [bold(`${data.before}${fixed(data.x[index], data.before ? 0 : 3)}${data.after}`)];
      for (const { name, model, y } of data.lines) {
        if (model === null || !hidden.has(String(model))) parts.push(` \u00b7 ${name}\u00a0`, bold(fixed(y[index], data.decimals)));
      }
      readout.replaceChildren(...parts);
    };
    plot.refresh = () => {
      if (index !== null) show(index);
    };
    const follow = (event) => {
      const svg = all("svg", plot).find((s) => s.getBoundingClientRect().width > 0);
      const box = svg.getBoundingClientRect();
      const { left, right, x0, x1 } = frameOf(svg);
      const at = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const x = x0 + ((at - left) / (right - left)) * (x1 - x0);
      const xs = linesOf(plot).x;
      let nearest = 0;
      for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - x) < Math.abs(xs[nearest] - x)) nearest = i;
      readout.ariaLive = "off";
      show(nearest);
    };
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("keydown", (event) => {
      const xs = linesOf(plot).x;
      const step = event.shiftKey ? 10 : 1;
      const from = index ?? Math.max(0, xs.findIndex((x) => x >= 0));
      const to = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: xs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      readout.ariaLive = "polite";
      show(to);
    });
  });

  // Another channel: redraw the lines and the vertical axis of every condition.
  const ticks = (lo, hi, n) => {
    const rough = (hi - lo) / n;
    const magnitude = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * magnitude).find((s) => s >= rough * 0.75);
    const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    const out = [];
    for (let i = Math.ceil(lo / step - 1e-6); i <= Math.floor(hi / step + 1e-6); i++) out.push([i * step, fixed(i * step, decimals)]);
    return out;
  };
  const choose = (chosen) => {
    channel = chosen;
    values = unpack(evoked.values[channel]);
    const name = evoked.channels[channel];
    document.getElementById("channel").value = String(channel);
    for (const place of all(".channel-name")) place.textContent = name;
    for (const tile of all(".tile")) tile.setAttribute("aria-pressed", String(Number(tile.dataset.channel) === channel));
    const [lo, hi] = [Math.min(0, evoked.values[channel].lo), Math.max(0, evoked.values[channel].hi)];
    const pad = hi > lo ? (hi - lo) * 0.05 : 0.5;
    for (const plot of all(".plot[data-condition]")) {
      const condition = Number(plot.dataset.condition);
      for (const svg of all("svg", plot)) {
        const frame = { ...frameOf(svg), y0: lo - pad, y1: hi + pad };
        const { left, right, top, bottom, y0, y1 } = frame;
        svg.querySelector(".cursor").dataset.frame = Object.values(frame).join(" ");
        const axis = ticks(y0, y1, Math.max(2, Math.min(6, Math.round((bottom - top) / 45)))).flatMap(([v, label]) => {
          const y = Number((bottom - ((v - y0) / (y1 - y0)) * (bottom - top)).toFixed(1));
          return [
            element("path", { class: v === 0 ? "zero" : "grid", d: `M${left} ${y}L${right} ${y}` }),
            element("text", { class: "tick", x: left - 7, y: y + 4, "text-anchor": "end" }, label),
          ];
        });
        svg.querySelector(".yaxis").replaceChildren(...axis);
        for (const line of all("[data-trace]", svg)) {
          line.setAttribute("d", pathOf(frame, store.times, trace(condition, Number(line.dataset.trace))));
        }
        const label = `True and predicted evoked response to ${plot.dataset.name} at channel ${name}.`;
        svg.setAttribute("aria-label", label);
        svg.querySelector("desc").textContent = label;
      }
      plot.refresh();
    }
  };
  const picker = document.getElementById("channel");
  if (picker && evoked) {
    picker.value = "0";
    picker.addEventListener("change", () => choose(Number(picker.value)));
    for (const tile of all(".tile")) tile.addEventListener("click", () => choose(Number(tile.dataset.channel)));
  }

  // Paper has no way to unfold.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
  });

