
"use strict";
// A pointer on a chart finds the nearest trial, which is then shown in all charts and tables.
const told = JSON.parse(document.getElementById("marks").textContent);
const bar = document.getElementById("found");
const charts = [...document.querySelectorAll("svg.linked")].map((svg) => ({ svg, found: svg.querySelector(".found") }));

// The points of a chart, read from its paths when they are first needed: of a curve [trial, x, y, path].
function pointsOf(chart) {
  if (chart.points) return chart.points;
  chart.points = [];
  for (const path of chart.svg.querySelectorAll("path[data-trial]")) {
    const numbers = path.getAttribute("d").match(/-?\d+/g).map(Number);
    let [x, y] = numbers;
    chart.points.push([path.dataset.trial, x, y, path]);
    if (path.getAttribute("d").includes("l"))
      for (let place = 2; place < numbers.length; place += 2)
        chart.points.push([path.dataset.trial, (x += numbers[place]), (y += numbers[place + 1]), path]);
  }
  for (const path of chart.svg.querySelectorAll("path[data-trials]")) {
    const trials = path.dataset.trials.split(" ");
    [...path.getAttribute("d").matchAll(/M(\d+) (\d+)/g)].forEach((at, place) =>
      chart.points.push([trials[place], +at[1], +at[2], null]));
  }
  return chart.points;
}

function wordsOf(trial) {
  const [status, ...values] = told.trials[trial] || [""];
  const named = values.map((value, place) => value && `${told.names[place]} ${value}`);
  return [`trial ${trial}: ${status}`, ...named.filter(Boolean)].join(" · ");
}

function show(trial, chart, near) {
  for (const other of charts) {
    const own = trial === null ? [] : pointsOf(other).filter((point) => point[0] === trial);
    other.found.setAttribute("visibility", own.length ? "visible" : "hidden");
    if (!own.length) continue;
    const curve = own.find((point) => point[3]);
    const at = other === chart ? near : own[own.length - 1];
    other.found.firstChild.setAttribute("d", curve ? curve[3].getAttribute("d") : "");
    other.found.lastChild.setAttribute("cx", at[1]);
    other.found.lastChild.setAttribute("cy", at[2]);
  }
  for (const row of document.querySelectorAll("tr[data-trial]"))
    row.classList.toggle("on", row.dataset.trial === trial);
  bar.hidden = trial === null;
  bar.textContent = trial === null ? "" : wordsOf(trial);
}

function nearest(chart, event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.svg.getScreenCTM().inverse());
  let best = null, least = (event.pointerType === "touch" ? 200 : 70) ** 2;
  for (const point of pointsOf(chart)) {
    const away = (point[1] - at.x) ** 2 + (point[2] - at.y) ** 2;
    if (away < least) [best, least] = [point, away];
  }
  show(best && best[0], chart, best);
}

for (const chart of charts) {
  for (const kind of ["pointermove", "pointerdown"])
    chart.svg.addEventListener(kind, (event) => nearest(chart, event));
  chart.svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") show(null); });
}
for (const row of document.querySelectorAll("tr[data-trial]")) {
  row.addEventListener("pointerenter", () => show(row.dataset.trial));
  row.addEventListener("pointerleave", () => show(null));
}
