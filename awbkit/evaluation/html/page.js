"use strict";
// The page says everything without this script; it adds sorting, and reading values off the cumulative curves.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
      const compare = (a, b) => (column ? value(a) - value(b) : value(a).localeCompare(value(b)));
      const rows = [...table.tBodies[0].rows].sort(compare);
      table.tBodies[0].append(...(falling ? rows.reverse() : rows));
    });
  });
}
for (const chart of document.querySelectorAll("svg[data-low]")) {
  const lines = [...chart.querySelectorAll("path.line")].map((line) => ({
    name: line.querySelector("title").textContent,
    group: line.parentNode,
    points: line.getAttribute("d").slice(1).split("L").map((pair) => pair.split(" ").map(Number)),
  }));
  const note = chart.parentNode.querySelector(".reading");
  const resting = note.textContent;
  const cross = document.createElementNS("http://www.w3.org/2000/svg", "path");
  cross.setAttribute("class", "cross");
  chart.append(cross);
  const { left, right, top, bottom, low, high } = Object.fromEntries(
    Object.entries(chart.dataset).map(([name, value]) => [name, Number(value)]),
  );
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = Math.min(Math.max(((event.clientX - box.left) / box.width) * 440, left), right);
    const error = low * Math.pow(high / low, (x - left) / (right - left));
    const read = lines.filter((line) => getComputedStyle(line.group).display !== "none").map((line) => {
      const at = line.points.findIndex((point) => point[0] >= x);
      const [x1, y1] = line.points[at < 0 ? line.points.length - 1 : at];
      const [x0, y0] = line.points[Math.max(at - 1, 0)];
      const y = x1 > x0 ? y0 + ((y1 - y0) * (x - x0)) / (x1 - x0) : y1;
      return [line.name, (100 * (bottom - y)) / (bottom - top)];
    });
    read.sort((a, b) => b[1] - a[1]);
    note.textContent = `At most ${error.toPrecision(2)}°: ` + read.map((r) => `${r[0]} ${r[1].toFixed(0)} %`).join(", ");
    cross.setAttribute("d", `M${x} ${top}V${bottom}`);
  });
  chart.addEventListener("pointerleave", () => {
    note.textContent = resting;
    cross.removeAttribute("d");
  });
}
