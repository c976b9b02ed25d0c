"use strict";
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const made = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const data = JSON.parse(one("#data").textContent);
  const columns = all("thead .step").map((cell) => cell.textContent);
  const rows = all("tbody tr").map((row, index) => {
    const state = one(".state", row).textContent;
    const name = one("th bdi", row).textContent;
    const texts = [name, state, ...data.hosts[index].flatMap(([step, , status, detail]) => [step, status, detail])];
    return { row, name, state, index, text: texts.join("\n").toLowerCase() };
  });
  const bar = one(".bar");
  const find = one("input", bar);
  const buttons = all("[data-filter]", bar);
  const panel = one(".panel");
  const chosen = new Set();
  let shownRows = rows;
  let opener = null;

  // What is shown

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    shownRows = rows.filter(({ row, state, text }) => {
      const visible = (!chosen.size || chosen.has(state)) && words.every((word) => text.includes(word));
      row.hidden = !visible;
      return visible;
    });
    for (const button of buttons) {
      const state = button.dataset.filter;
      button.setAttribute("aria-pressed", String(state ? chosen.has(state) : !chosen.size));
    }
    const every = shownRows.length === rows.length;
    one(".found").textContent = every ? "" : `${shownRows.length} of ${rows.length} hosts`;
    one(".nothing").hidden = shownRows.length > 0;
    one("table").hidden = shownRows.length === 0;
    enter(shownRows[0]);
  }

  function reset() {
    chosen.clear();
    find.value = "";
    filter();
    find.focus();
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const state = button.dataset.filter;
      if (!state) chosen.clear();
      else if (!chosen.delete(state)) chosen.add(state);
      filter();
    });
  }
  find.addEventListener("input", filter);
  bar.addEventListener("submit", (event) => event.preventDefault());
  one(".nothing button").addEventListener("click", reset);

  // Moving about: the table is one stop of the Tab key, arrows go on from there

  const stops = (row) => all("th button, td", row).map((cell) => one("button, a", cell) || (cell.matches("button") ? cell : null));

  let current = null;
  function settle(button) {
    if (current) current.tabIndex = -1;
    current = button;
    if (current) current.tabIndex = 0;
  }
  function enter(entry) {
    if (current && !current.closest("tr").hidden) return;
    settle(entry ? one("th button", entry.row) : null);
  }

  function move(button, down, right) {
    const row = button.closest("tr");
    const place = shownRows.findIndex((entry) => entry.row === row);
    const target = shownRows[Math.min(shownRows.length - 1, Math.max(0, place + down))];
    const cells = stops(target.row);
    let column = stops(row).indexOf(button);
    do column += Math.sign(right);
    while (right && column >= 0 && column < cells.length && !cells[column]);
    if (right === -Infinity) column = 0;
    if (right === Infinity) column = cells.length - 1;
    while (column > 0 && !cells[column]) column -= 1;
    const next = cells[Math.min(cells.length - 1, Math.max(0, column))];
    if (!next) return;
    settle(next);
    next.focus();
  }

  const MOVES = {
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
    PageDown: [10, 0],
    PageUp: [-10, 0],
    Home: [0, -Infinity],
    End: [0, Infinity],
  };
  const body = one("tbody");
  body.addEventListener("keydown", (event) => {
    const step = MOVES[event.key];
    const button = event.target.closest("button, a");
    if (!step || !button || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move(button, ...step);
  });

  // What is behind a cell

  body.addEventListener("click", (event) => {
    if (event.target.closest("a")) return;
    const cell = event.target.closest("td, th");
    const row = event.target.closest("tr");
    if (!cell || !row || String(getSelection())) return;
    const button = one("button", cell) || one("th button", row);
    settle(button);
    const column = cell.cellIndex - 2;
    open(rows.find((entry) => entry.row === row), columns[column], button);
  });

  function open(entry, step, from) {
    opener = from;
    one("h2", panel).replaceChildren(made("bdi", "", entry.name), " ", made("span", entry.row.className, entry.state));
    const link = one(".age a", entry.row).cloneNode(true);
    const facts = one(".facts", panel);
    link.tabIndex = 0;
    link.textContent = decodeURIComponent(link.getAttribute("href"));
    const version = one(".version", entry.row).textContent;
    const time = one(".age time", entry.row);
    const parts = [version && `version ${version}`, time && `reported ${time.title || time.textContent}`, link];
    facts.replaceChildren(...parts.filter(Boolean).map((part) => {
      const span = made("span");
      span.append(part);
      return span;
    }));
    const list = one(".rows", panel);
    list.replaceChildren(...data.hosts[entry.index].map((row) => item(row, row[1] === step)));
    panel.hidden = false;
    panel.scrollTop = 0;
    panel.focus();
    const target = one(".marked", list) || one(".bad", list);
    if (target) target.scrollIntoView({ block: "nearest" });
  }

  function item([name, , status, detail, advice], marked) {
    const element = made("li");
    element.classList.toggle("marked", marked);
    element.classList.toggle("bad", status === "fail" || status === "unreachable");
    const sign = one(`.legend .${status}`);
    const head = made("p", "head");
    head.append(sign ? sign.cloneNode(true) : "", made("bdi", "step", name), made("span", "word", sign ? sign.nextSibling.textContent.trim() : status));
    element.append(head);
    if (detail) element.append(made("p", "detail", detail));
    if (data.advices[advice]) element.append(made("p", "advice", data.advices[advice]));
    return element;
  }

  function close() {
    if (panel.hidden) return;
    panel.hidden = true;
    if (opener) opener.focus();
  }
  one(".close", panel).addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "/" && !event.target.matches("input")) {
      event.preventDefault();
      find.focus();
    }
  });

  // How old everything is

  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];
  function age(seconds) {
    const unit = UNITS.find(([size]) => seconds >= size);
    return unit ? `${Math.floor(seconds / unit[0])} ${unit[1]} ago` : "just now";
  }
  function tick() {
    for (const time of all("time")) {
      const moment = new Date(time.dateTime);
      const seconds = (Date.now() - moment) / 1000;
      if (Number.isNaN(seconds)) continue;
      time.title = moment.toLocaleString();
      time.textContent = age(seconds);
      time.classList.toggle("old", seconds >= 86400);
    }
  }

  bar.hidden = false;
  filter();
  tick();
  setInterval(tick, 30000);
})();
