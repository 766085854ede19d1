// The ladder of a result: drawn when the result is opened, from the rows that stand beside it. Everything from the EUT becomes text, never markup.
const SVG = "http://www.w3.org/2000/svg";
const AT = { time: 70, us: 190, second: 330, eut: 900, width: 1010, line: 26 };

function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

async function unpack(base64) {
  const octets = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([octets]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

const seconds = (us) => `${(us / 1e6).toFixed(3)} s`;
const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function lifelines(drawing, second, height) {
  const ends = [[AT.us, "uspec"], [AT.eut, "EUT"]];
  if (second) ends.push([AT.second, "second Controller"]);
  for (const [x, name] of ends) {
    drawing.append(svg("text", { x, y: 18, class: "end" }, name), svg("line", { x1: x, x2: x, y1: 26, y2: height, class: "life" }));
  }
}

function arrow(row, y, finds) {
  const group = svg("g", { class: `row ${row.k}${finds ? ` found ${finds}` : ""}`, "data-event": row.n, tabindex: 0, role: "button" });
  group.append(svg("title", {}, row.s), svg("rect", { x: 0, y: y - 17, width: AT.width, height: AT.line, class: "hit" }));
  group.append(svg("text", { x: AT.time, y, class: "time" }, seconds(row.t)));
  const us = row.second ? AT.second : AT.us;
  if (row.d) {
    const [from, to] = row.d === "sent" ? [us, AT.eut] : [AT.eut, us];
    const tip = to > from ? -8 : 8;
    group.append(svg("line", { x1: from, x2: to, y1: y + 5, y2: y + 5, class: "arrow" }),
      svg("path", { d: `M${to} ${y + 5} l${tip} -4 v8 z`, class: "tip" }),
      svg("text", { x: us + 10, y, class: "label" }, shorten(row.s, row.second ? 84 : 106)));
  } else {
    group.append(svg("text", { x: us + 10, y, class: "label" }, shorten(row.s, 106)));
  }
  if (finds) group.append(svg("text", { x: AT.eut + 12, y: y + 4, class: "mark" }, finds === "unmet" ? "✗ finding" : "? finding"));
  return group;
}

function inspect(panel, row, findings) {
  panel.replaceChildren();
  const heading = document.createElement("h4");
  heading.textContent = `Event ${row.n} at ${seconds(row.t)}${row.d ? `, ${row.d}` : ""}: ${row.s}`;
  panel.append(heading);
  for (const finding of findings) {
    const link = document.createElement("p");
    link.className = finding.dataset.outcome;
    link.textContent = `${finding.dataset.metric}: ${finding.dataset.outcome}: expected ${finding.dataset.expected}`;
    panel.append(link);
  }
  for (const [name, text] of row.x) {
    const part = document.createElement("details");
    part.open = panel.childElementCount < 3;
    const summary = document.createElement("summary");
    summary.textContent = name;
    const body = document.createElement("pre");
    body.textContent = /^[0-9a-f]+$/.test(text) ? text.replace(/(..)/g, "$1 ").replace(/((?:.. ){16})/g, "$1\n") : text;
    part.append(summary, body);
    panel.append(part);
  }
  panel.hidden = false;
}

// The arrows of every ladder that is drawn.
const drawn = new Map();

// Opens the event that the address names.
function openWanted(place) {
  const group = place && drawn.has(place) && drawn.get(place).get(place.closest("tr").dataset.event);
  if (!group) return;
  group.dispatchEvent(new Event("click"));
  group.scrollIntoView({ block: "center" });
}

async function drawLadder(place) {
  const rows = await unpack(place.dataset.rows);
  delete place.dataset.rows;
  const cell = place.closest("td");
  const findings = [...cell.querySelectorAll("[data-events]")];
  const at = (row) => findings.filter((finding) => finding.dataset.events.split(" ").includes(String(row.n)));
  const panel = document.createElement("div");
  panel.className = "inspector";
  panel.hidden = true;
  const drawing = svg("svg", { role: "group", "aria-label": "Exchange" });
  const groups = new Map();
  let y = 50, before = 0, second = false;
  const lines = document.createDocumentFragment();
  for (const row of rows) {
    if (row.t - before > 1e6) {
      lines.append(svg("text", { x: AT.time, y, class: "gap" }, `⋮ ${seconds(row.t - before)} later`));
      y += AT.line;
    }
    before = row.t;
    second ||= row.second;
    const found = at(row).map((finding) => finding.dataset.outcome);
    const worst = found.includes("unmet") ? "unmet" : found.includes("unknown") ? "unknown" : "";
    const group = arrow(row, y, worst);
    const open = () => {
      for (const other of groups.values()) other.classList.toggle("open", other === group);
      inspect(panel, row, at(row));
    };
    group.addEventListener("click", open);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open();
    });
    groups.set(String(row.n), group);
    lines.append(group);
    y += AT.line;
  }
  drawing.setAttribute("viewBox", `0 0 ${AT.width} ${y}`);
  lifelines(drawing, second, y - 10);
  drawing.append(lines);
  place.append(drawing, panel);
  drawn.set(place, groups);
  openWanted(place);
  for (const finding of findings) {
    for (const event of finding.dataset.events.split(" ").filter((event) => groups.has(event))) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `show event ${event}`;
      button.addEventListener("click", () => {
        const group = groups.get(event);
        group.dispatchEvent(new Event("click"));
        group.scrollIntoView({ block: "center" });
      });
      finding.append(button);
    }
  }
}

// Only what comes into view is drawn: a report has thousands of them.
const coming = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    coming.unobserve(target);
    drawLadder(target).catch((error) => { target.textContent = `The ladder cannot be drawn: ${error}`; });
  }
}, { rootMargin: "400px" });
for (const place of document.querySelectorAll(".ladder[data-rows]")) coming.observe(place);
addEventListener("hashchange", readAddress);
readAddress();
