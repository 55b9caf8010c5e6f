// The page of `zabcheck explore`. The address after # is the path; the server says what it leads to.
"use strict";

const at = (id) => document.getElementById(id);
let model = null;
let shown = null; // the answer that is shown
let chosen = 0; // which of the next steps is chosen

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

async function ask(address) {
  const answer = await fetch(address);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

const path = () => decodeURIComponent(location.hash.replace(/^#\/?/, "")) || "0";
const go = (where) => { location.hash = "#" + where; };
const parent = () => shown.path.split("/").slice(0, -1).join("/");

async function show() {
  const wanted = path();
  try {
    const answer = await ask("/api/state?path=" + encodeURIComponent(wanted));
    if (wanted !== path()) return; // somebody has gone on since
    shown = answer;
    at("problem").hidden = true;
    draw();
  } catch (problem) {
    at("problem").textContent = problem.message;
    at("problem").hidden = false;
  }
}

function draw() {
  chosen = 0;
  drawRun();
  drawState();
  drawChanges();
  drawProperties();
  at("look").textContent = shown.look;
  at("exports").replaceChildren(...["svg", "mmd", "itf.json", "json"].map((extension) => {
    const link = element("a", "run." + extension);
    link.href = "/api/run." + extension + "?path=" + encodeURIComponent(shown.path);
    link.download = "run." + extension;
    return link;
  }));
  const diagram = at("diagram");
  diagram.innerHTML = shown.svg; // our own drawing; its words are escaped
  fit(diagram);
}

// As large as there is room for, within what can be read; its end and its lanes are in view.
function fit(diagram) {
  const svg = diagram.querySelector("svg");
  const own = svg.viewBox.baseVal.width;
  const style = getComputedStyle(diagram);
  const room = diagram.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  svg.style.width = own * Math.max(0.7, Math.min(1, room / own)) + "px";
  svg.style.height = "auto";
  diagram.scrollTop = diagram.scrollHeight;
  diagram.scrollLeft = diagram.scrollWidth;
}

function drawRun() {
  const count = shown.steps.length;
  at("length").textContent = count === 1 ? "of 1 step" : `of ${count} steps`;
  const begin = shown.path.split("/")[0];
  at("start").value = begin;
  const steps = [{ action: "start", path: begin, rules: [], shows: shown.start_shows }, ...shown.steps];
  at("steps").replaceChildren(...steps.map((step, number) => {
    const item = element("li");
    const button = element("button", number === 0 ? "start" : `${number}  ${step.action}`);
    const violated = step.shows.filter((one) => one.violated).map((one) => one.name);
    if (violated.length > 0) button.append(element("span", "  violates " + violated.join(", "), "violated"));
    if (number === count) button.setAttribute("aria-current", "step");
    button.onclick = () => go(step.path);
    item.append(button);
    return item;
  }));
  at("next").replaceChildren(...shown.next.map((choice) => {
    const item = element("li");
    const button = element("button", choice.action);
    if (choice.rules.length > 0) button.append(element("span", "  " + choice.rules.join(", "), "rules"));
    button.dataset.number = choice.number;
    button.onclick = () => go(shown.path + "/" + choice.number);
    item.append(button);
    return item;
  }));
  if (shown.next.length === 0) at("next").append(element("li", "Nothing more can happen."));
  choose(0);
  // Only now is it known how high the list of steps is.
  at("steps").scrollTop = at("steps").scrollHeight;
}

function choose(number) {
  const buttons = [...at("next").querySelectorAll("button")];
  chosen = Math.max(0, Math.min(number, buttons.length - 1));
  buttons.forEach((button, place) => button.classList.toggle("chosen", place === chosen));
  if (buttons[chosen]) buttons[chosen].scrollIntoView({ block: "nearest" });
}

function drawState() {
  const columns = shown.columns;
  const value = (server, name) => (server && server[name]) || "-";
  const table = element("table");
  const head = table.createTHead().insertRow();
  head.append(element("th", "server"), ...columns.map((name) => element("th", name)));
  const body = table.createTBody();
  shown.state.servers.forEach((server, index) => {
    const before = shown.before && shown.before.servers[index];
    const differs = (name) => before && value(before, name) !== value(server, name);
    const row = body.insertRow();
    row.append(element("th", String(server.id)));
    for (const name of columns) row.append(element("td", value(server, name), differs(name) ? "changed" : ""));
    const more = Object.keys(server).filter((name) => name !== "id" && !columns.includes(name));
    for (const name of more) {
      const row = body.insertRow();
      row.className = "more";
      const cell = element("td", `${name}: ${server[name]}`, differs(name) ? "changed" : "");
      cell.colSpan = columns.length;
      row.append(element("td"), cell);
    }
  });
  at("servers").replaceChildren(table);
  at("system").replaceChildren(...Object.entries(shown.state.system).flatMap(([name, text]) => {
    const changed = shown.before && shown.before.system[name] !== text;
    return [element("dt", name), element("dd", text, changed ? "changed" : "")];
  }));
}

function drawChanges() {
  const none = shown.steps.length === 0 ? "This is the first state." : "Nothing that is shown.";
  const lines = shown.changes.length > 0 ? shown.changes : [none];
  at("changes").replaceChildren(...lines.map((line) => element("li", line)));
}

function drawProperties() {
  const here = shown.shown.filter((one) => one.here && one.violated);
  at("verdict").replaceChildren(...here.map((one) => element("p", `This state violates ${one.name}.`, "violated")));
  at("properties").replaceChildren(...model.properties.map((property) => {
    const found = shown.shown.find((one) => one.name === property.name);
    const item = element("li");
    item.append(element("strong", property.name), " ");
    item.append(element("span", words(property, found), !found ? "" : found.violated ? "violated" : "reached"));
    item.append(element("span", property.says, "says"));
    return item;
  }));
}

function words(property, found) {
  if (!found) return property.kind === "always" ? "holds on this run" : "not reached on this run";
  const what = found.violated ? "violated" : "reached";
  const when = found.first === 0 ? "at the start" : `after step ${found.first}`;
  return found.here ? `${what} here, first ${when}` : `${what} ${when}`;
}

document.addEventListener("keydown", (event) => {
  if (!shown || event.target.tagName === "SELECT" || event.ctrlKey || event.altKey || event.metaKey) return;
  const onButton = event.target.tagName === "BUTTON" || event.target.tagName === "A";
  const actions = {
    ArrowDown: () => choose(chosen + 1),
    ArrowUp: () => choose(chosen - 1),
    Backspace: () => { if (shown.steps.length > 0) go(parent()); },
    Home: () => go(shown.path.split("/")[0]),
    Enter: () => { if (shown.next[chosen]) go(shown.path + "/" + shown.next[chosen].number); },
  };
  if (!(event.key in actions) || (event.key === "Enter" && onButton)) return;
  event.preventDefault();
  actions[event.key]();
});

async function begin() {
  try {
    model = await ask("/api/model");
  } catch (problem) {
    at("problem").textContent = problem.message;
    at("problem").hidden = false;
    return;
  }
  document.title = `zabcheck explore: ${model.title}`;
  at("model").textContent = model.title;
  at("bounds").textContent = model.bounds;
  for (let number = 0; number < model.starts; number += 1) {
    at("start").append(new Option(`${number + 1} of ${model.starts}`, String(number)));
  }
  at("starts").hidden = model.starts < 2;
  at("start").onchange = () => go(at("start").value);
  window.addEventListener("hashchange", show);
  window.addEventListener("resize", () => { if (shown) fit(at("diagram")); });
  await show();
}

begin();
