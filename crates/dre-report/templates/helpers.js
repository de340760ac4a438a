  const store = JSON.parse(document.getElementById("store").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const fixed = (value, decimals) => {
    if (value === null || Number.isNaN(value)) return "\u2013";
    const text = Math.abs(value).toFixed(decimals);
    return (value < 0 && Number(text) !== 0 ? "\u2212" : "") + text;
  };
  /** Numbers of a packed array: 16-bit counts from lo to hi, 65535 for a missing one. */
  const unpack = ({ lo, hi, base64 }) => {
    const view = new DataView(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
    return Array.from({ length: view.byteLength / 2 }, (_, i) => {
      const code = view.getUint16(2 * i, true);
      return code === 65535 ? NaN : lo + (code / 65534) * (hi - lo);
    });
  };
  /** The scales of a drawn figure. */
  const frameOf = (svg) => {
    const [left, right, top, bottom, x0, x1, y0, y1] = svg.querySelector(".cursor").dataset.frame.split(" ").map(Number);
    return { left, right, top, bottom, x0, x1, y0, y1 };
  };
  /** A line through ys over xs, broken where a value is missing. */
  const pathOf = (frame, xs, ys) => {
    let d = "";
    let gap = true;
    xs.forEach((x, i) => {
      if (Number.isNaN(ys[i])) {
        gap = true;
        return;
      }
      const px = frame.left + ((x - frame.x0) / (frame.x1 - frame.x0)) * (frame.right - frame.left);
      const py = frame.bottom - ((ys[i] - frame.y0) / (frame.y1 - frame.y0)) * (frame.bottom - frame.top);
      d += `${gap ? "M" : "L"}${px.toFixed(1)} ${py.toFixed(1)}`;
      gap = false;
    });
    return d;
  };
  const element = (name, attributes, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, setting] of Object.entries(attributes)) node.setAttribute(key, setting);
    node.textContent = text;
    return node;
  };

