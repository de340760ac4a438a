"use strict";
(() => {
  const store = JSON.parse(document.getElementById("store").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const fixed = (value, decimals) => {
    if (value === null || Number.isNaN(value)) return "n/a";
    const text = Math.abs(value).toFixed(decimals);
    return (value < 0 && Number(text) !== 0 ? "\u2212" : "") + text;
  };

  // Evoked responses of every stored channel, decoded once: value(channel, condition, trace, time).
  const evoked = store.evoked;
  const nTimes = store.times.length;
  const nConditions = all("[data-condition]").length;
  const codes = evoked ? new DataView(Uint8Array.from(atob(evoked.values), (c) => c.charCodeAt(0)).buffer) : null;
  let channel = 0;
  const value = (condition, trace, time) => {
    const at = ((channel * nConditions + condition) * evoked.n_traces + trace) * nTimes + time;
    const code = codes.getUint16(2 * at, true);
    const [lo, hi] = evoked.ranges[channel];
    return code === 65535 ? NaN : lo + (code / 65534) * (hi - lo);
  };
  const series = (condition, trace) => Array.from({ length: nTimes }, (_, i) => value(condition, trace, i));

  // Models, shown or hidden in every figure at once.
  const hidden = new Set();
  const names = all(".controls").length ? all(".key[data-model]", all(".controls")[0]).map((k) => k.textContent.trim()) : [];
  for (const key of all(".key[data-model]")) {
    key.addEventListener("click", () => {
      const model = key.dataset.model;
      if (!hidden.delete(model)) hidden.add(model);
      for (const twin of all(`.key[data-model="${model}"]`)) twin.setAttribute("aria-pressed", String(!hidden.has(model)));
      for (const group of all(`svg .m${model}`)) group.classList.toggle("hidden", hidden.has(model));
    });
  }
  const isShown = (name) => !hidden.has(String(names.indexOf(name)));

  const each = document.getElementById("each");
  if (each) {
    each.addEventListener("click", () => {
      const on = each.getAttribute("aria-pressed") !== "true";
      each.setAttribute("aria-pressed", String(on));
      document.getElementById("time").classList.toggle("show-each", on);
    });
  }

  // Read-outs: a cursor that follows the pointer or the arrow keys.
  const hint = matchMedia("(hover: none)").matches
    ? "Touch the figure to read values."
    : "Point at the figure to read values, or focus it and press \u2190 or \u2192.";
  const linesOf = (plot) => {
    if (plot.dataset.plot === "evoked") {
      const condition = Number(plot.dataset.condition);
      return {
        x: store.times, before: "", after: "\u202fs", decimals: 2,
        lines: evoked.names.map((name, trace) => [name, (i) => value(condition, trace, i)]),
      };
    }
    const found = store.plots.find((p) => p.name === plot.dataset.plot);
    return { ...found, lines: found.lines.map(([name, values]) => [name, (i) => values[i]]) };
  };
  const bold = (text) => Object.assign(document.createElement("b"), { textContent: text });

  for (const plot of all(".plot")) {
    const readout = plot.nextElementSibling;
    const isEvoked = plot.dataset.plot === "evoked";
    let index = null;
    readout.textContent = isEvoked && plot.dataset.condition !== "0" ? "" : hint;
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", "Figure with a read-out: left and right arrow keys move it");
    const show = (i) => {
      const data = linesOf(plot);
      if (!data.x.length) return;
      index = Math.max(0, Math.min(data.x.length - 1, i));
      for (const cursor of all(".cursor", plot)) {
        const [left, right, , , x0, x1] = cursor.dataset.frame.split(" ").map(Number);
        const x = left + ((data.x[index] - x0) / (x1 - x0)) * (right - left);
        cursor.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
        cursor.classList.add("on");
      }
      const parts = [bold(`${data.before}${fixed(data.x[index], data.before ? 0 : 3)}${data.after}`)];
      for (const [name, at] of data.lines) {
        if (isShown(name)) parts.push(`  \u00b7  ${name} `, bold(fixed(at(index), data.decimals)));
      }
      readout.replaceChildren(...parts);
    };
    plot.refresh = () => { if (index !== null) show(index); };
    const follow = (event) => {
      const svg = all("svg", plot).find((s) => s.getBoundingClientRect().width > 0);
      const box = svg.getBoundingClientRect();
      const [left, right, , , x0, x1] = svg.querySelector(".cursor").dataset.frame.split(" ").map(Number);
      const at = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const x = x0 + ((at - left) / (right - left)) * (x1 - x0);
      const xs = linesOf(plot).x;
      let nearest = 0;
      for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - x) < Math.abs(xs[nearest] - x)) nearest = i;
      show(nearest);
    };
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("keydown", (event) => {
      const last = linesOf(plot).x.length - 1;
      const step = event.shiftKey ? 10 : 1;
      const from = index ?? (isEvoked || plot.dataset.plot === "time" ? store.times.findIndex((t) => t >= 0) : 0);
      const to = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    });
  }

  // Another channel: redraw lines and the vertical axis of every condition.
  const ticks = (lo, hi, n) => {
    const rough = (hi - lo) / n;
    const magnitude = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * magnitude).find((s) => s >= rough * 0.999);
    const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    const out = [];
    for (let i = Math.ceil(lo / step - 1e-6); i <= Math.floor(hi / step + 1e-6); i++) out.push([i * step, fixed(i * step, decimals)]);
    return out;
  };
  const element = (name, attributes, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, setting] of Object.entries(attributes)) node.setAttribute(key, setting);
    node.textContent = text;
    return node;
  };
  const choose = (chosen) => {
    channel = chosen;
    const name = evoked.channels[channel];
    document.getElementById("channel").value = String(channel);
    document.getElementById("channel-name").textContent = name;
    for (const tile of all(".tile")) tile.setAttribute("aria-pressed", String(Number(tile.dataset.channel) === channel));
    const [lo, hi] = [Math.min(0, evoked.ranges[channel][0]), Math.max(0, evoked.ranges[channel][1])];
    const pad = hi > lo ? (hi - lo) * 0.05 : 0.5;
    const [y0, y1] = [lo - pad, hi + pad];
    for (const plot of all(".plot[data-condition]")) {
      const condition = Number(plot.dataset.condition);
      const svg = plot.querySelector("svg");
      const [left, right, top, bottom, x0, x1] = svg.querySelector(".cursor").dataset.frame.split(" ").map(Number);
      const px = (t) => (left + ((t - x0) / (x1 - x0)) * (right - left)).toFixed(1);
      const py = (v) => (bottom - ((v - y0) / (y1 - y0)) * (bottom - top)).toFixed(1);
      const axis = svg.querySelector(".yaxis");
      axis.replaceChildren();
      for (const [v, label] of ticks(y0, y1, Math.max(2, Math.min(6, Math.round((bottom - top) / 45))))) {
        axis.append(element("path", { class: v === 0 ? "zero" : "grid", d: `M${left} ${py(v)}L${right} ${py(v)}` }));
        axis.append(element("text", { class: "tick", x: left - 7, y: Number(py(v)) + 4, "text-anchor": "end" }, label));
      }
      for (const line of all("[data-trace]", svg)) {
        let d = "";
        let gap = true;
        series(condition, Number(line.dataset.trace)).forEach((v, i) => {
          if (!Number.isNaN(v)) d += `${gap ? "M" : "L"}${px(store.times[i])} ${py(v)}`;
          gap = Number.isNaN(v);
        });
        line.setAttribute("d", d);
      }
      const label = `True and predicted evoked response at channel ${name}, condition ${condition + 1} of ${nConditions}`;
      svg.setAttribute("aria-label", label);
      svg.querySelector("desc").textContent = label;
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
})();
