// The matrix of case and (EUT, MTP). It is drawn once; filters hide rows, columns and cells of it.

const cells = new Map();
const rows = [];

function drawMatrix() {
  const table = el("table", { class: "matrix" }, header());
  for (const chapter of distinct(index.cases.map(kase => kase.chapter))) table.append(body(chapter));
  for (const result of results) place(result);
  for (const { cells: row } of rows) for (const cell of row) if (!cell.firstChild) cell.append(el("span", { class: "nothing", "aria-label": "no result" }, "·"));
  table.addEventListener("keydown", moveInMatrix);
  byId("matrix").append(el("h2", { id: "matrix-title" }, "All results"), el("div", { class: "scroller" }, table));
}

function header() {
  const columns = index.columns.map((column, at) => el("th", { scope: "col", data: { at } }, el("span", {}, column.mtp)));
  const head = el("thead", {});
  if (several) {
    const widths = counted(index.columns, column => column.eut);
    const groups = [...widths].map(([eut, width]) => el("th", { scope: "colgroup", colspan: width, class: "group", data: { eut } }, index.euts[eut]));
    head.append(el("tr", {}, el("th", { class: "corner" }), ...groups));
  }
  head.append(el("tr", {}, el("th", { scope: "col", class: "corner" }, "Case"), ...columns));
  return head;
}

function body(chapter) {
  const title = el("tr", { class: "chapter" }, el("th", { colspan: index.columns.length + 1, scope: "rowgroup" }, el("span", {}, chapter), el("span", { class: "tally" })));
  const part = el("tbody", { data: { chapter } }, title);
  index.cases.forEach((kase, number) => {
    if (kase.chapter !== chapter) return;
    const own = index.columns.map((column, at) => el("td", { data: { at } }));
    const marks = [kase.disputed ? el("abbr", { title: "plan and TR-369 disagree" }, "disputed") : null, kase.deprecated ? el("abbr", { title: kase.deprecated }, "withdrawn") : null];
    const row = el("tr", {}, el("th", { scope: "row" }, el("span", { class: "id" }, kase.id), " ", el("span", { class: "title" }, kase.title), ...marks), ...own);
    rows[number] = { row, cells: own, part };
    part.append(row);
  });
  return part;
}

/** What a cell says of a result beside its verdict. */
const CELL_MARKS = ["flaky", "repeated", "unclean"];

function place(result) {
  const marks = CELL_MARKS.filter(mark => MARKS[mark].is(result)).map(mark => MARKS[mark].title);
  const button = inner("", { class: `cell ${kindClass(result.word)}`, tabindex: "-1", "aria-label": `${result.kase.id}, ${where(result)}: ${[result.word, ...marks].join(", ")}`, title: `${result.kase.id} ${where(result)}: ${result.word}${result.reason ? `\n${result.reason}` : ""}` }, VERDICTS[result.word]?.short ?? result.word);
  if (result.earlier) button.append(el("span", { class: "again", title: "ran more than once" }, isFlaky(result) ? " flaky" : " again"));
  button.addEventListener("focus", () => rove(button));
  button.addEventListener("mousedown", () => { button.href = `#${fragment({ result: result.name, event: "" })}`; });
  button.addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({ result: result.name, event: "" });
  });
  cells.set(result, button);
  rows[result.case].cells[result.at].append(button);
}

/** Hides what the filters leave out. */
function showMatrix(shown) {
  const wanted = new Set(shown);
  const columns = new Set(shown.map(result => result.at));
  const cases = new Set(shown.map(result => result.case));
  for (const [result, button] of cells) button.classList.toggle("out", !wanted.has(result));
  rows.forEach(({ row, cells: own }, number) => {
    row.hidden = !cases.has(number);
    own.forEach((cell, at) => { cell.hidden = !columns.has(at); });
  });
  for (const column of document.querySelectorAll("#matrix thead th[data-at]")) column.hidden = !columns.has(Number(column.dataset.at));
  for (const group of document.querySelectorAll("#matrix thead th[data-eut]")) {
    const width = index.columns.filter((column, at) => column.eut === Number(group.dataset.eut) && columns.has(at)).length;
    group.hidden = width === 0;
    group.colSpan = Math.max(width, 1);
  }
  const perChapter = Map.groupBy(shown, result => result.kase.chapter);
  for (const part of document.querySelectorAll("#matrix tbody")) {
    const own = perChapter.get(part.dataset.chapter) ?? [];
    part.hidden = own.length === 0;
    const words = counted(own, result => result.word);
    const tally = ORDER.filter(word => words.has(word)).map(word => el("span", { class: kindClass(word) }, `${words.get(word)} ${word}`));
    part.querySelector(".tally").replaceChildren(...joined(tally));
  }
  const roving = document.querySelector("#matrix .cell[tabindex='0']");
  if (!roving || roving.classList.contains("out")) rove(cells.get(shown[0]));
}

/** One cell at a time can be reached by Tab; the arrow keys move from it. */
function rove(button) {
  document.querySelector("#matrix .cell[tabindex='0']")?.setAttribute("tabindex", "-1");
  button?.setAttribute("tabindex", "0");
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function moveInMatrix(event) {
  const [down, right] = STEPS[event.key] ?? [];
  const from = event.target.closest("td");
  if (down === undefined || !from || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const visible = rows.filter(({ row, part }) => !row.hidden && !part.hidden);
  let row = visible.findIndex(entry => entry.row === from.parentElement);
  let at = Number(from.dataset.at);
  for (;;) {
    row += down;
    at += right;
    const cell = visible[row]?.cells[at];
    if (!cell) return;
    const button = cell.hidden ? null : cell.querySelector(".cell:not(.out)");
    if (button) {
      button.focus();
      return;
    }
  }
}
