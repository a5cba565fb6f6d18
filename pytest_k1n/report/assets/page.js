"use strict";
/* Comfort only: the page says everything without it. */
for (const chart of document.querySelectorAll("[data-chart]")) {
  const rows = [...chart.querySelectorAll("a.row")];
  const names = [...chart.querySelectorAll(".names > g")];
  const drawings = chart.querySelectorAll(".right > svg");
  const scroller = chart.querySelector(".right");
  const told = chart.querySelector("[data-told]");
  const filter = chart.querySelector("[data-filter]");
  const links = chart.querySelector(".links");
  let zoom = 1;
  chart.querySelector(".tools").hidden = false;

  const tellAbout = (row) => { told.textContent = row.getAttribute("aria-label"); };
  const visible = () => rows.filter((row) => row.style.display !== "none");
  const reachable = (chosen) => rows.forEach((row) => row.setAttribute("tabindex", row === chosen ? "0" : "-1"));
  reachable(rows[0]);
  for (const row of rows) {
    row.addEventListener("focus", () => { tellAbout(row); reachable(row); });
    row.addEventListener("mouseenter", () => tellAbout(row));
  }
  const setZoom = (factor) => {
    const middle = (scroller.scrollLeft + scroller.clientWidth / 2) / scroller.scrollWidth;
    zoom = factor ? Math.min(Math.max(zoom * factor, 1), 64) : 1;
    for (const drawing of drawings) drawing.style.width = `${zoom * 100}%`;
    scroller.scrollLeft = middle * scroller.scrollWidth - scroller.clientWidth / 2;
  };
  for (const button of chart.querySelectorAll("[data-zoom]"))
    button.addEventListener("click", () => setZoom(Number(button.dataset.zoom)));
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    const first = Number(rows.length ? rows[0].dataset.y : 0);
    let place = 0;
    rows.forEach((row, index) => {
      const shows = row.dataset.name.toLowerCase().includes(wanted);
      for (const part of [row, names[index]]) {
        part.style.display = shows ? "" : "none";
        part.setAttribute("transform", `translate(0 ${first + place * 22})`);
      }
      if (shows) place += 1;
    });
    links.style.display = wanted ? "none" : "";
    reachable(visible()[0]);
    told.textContent = `${place} of ${rows.length} bars`;
  });
  chart.addEventListener("keydown", (event) => {
    if (event.target === filter) {
      if (event.key === "Escape") { filter.value = ""; filter.dispatchEvent(new Event("input")); }
      return;
    }
    const shown = visible();
    const at = shown.indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 };
    if (event.key in moves && at >= 0) {
      const next = shown[Math.min(Math.max(moves[event.key], 0), shown.length - 1)];
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else if (event.key === "+" || event.key === "=") setZoom(2);
    else if (event.key === "-") setZoom(0.5);
    else if (event.key === "0") setZoom(0);
    else if (event.key === "/") filter.focus();
    else return;
    event.preventDefault();
  });
}
/* A finding's link opens what hides its bar. */
addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  if (target.matches("a.row")) target.focus();
});
