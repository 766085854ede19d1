// Printing. Of the overview: which filters are set, every shown result that is no pass with its findings, the matrix in pieces that fit on paper, and
// why cases did not run. Of a result: all of its metrics. What is folded is opened, and folded again afterwards.

const folded = new Set();

/** What is folded on the screen and read on paper. */
const FOLDED = ["details.more", "#result .universal", "#result .metric"];

function beforePrint() {
  for (const part of document.querySelectorAll(FOLDED.map(css => `${css}:not([open])`))) {
    folded.add(part);
    part.open = true;
  }
  byId("printed").replaceChildren(...(state.result ? [] : overviewOnPaper(matching())));
}

function afterPrint() {
  byId("printed").replaceChildren();
  for (const part of folded) part.open = false;
  folded.clear();
}

function overviewOnPaper(shown) {
  const bad = groups(shown).flat();
  const filters = filterWords();
  return [
    filters ? el("p", { class: "filtered" }, el("strong", {}, "Filtered by "), filters) : "",
    ...(bad.length > 0 ? [el("h2", {}, "Needs attention"), ...bad.map(printed)] : []),
    ...(shown.length > 0 ? [el("h2", {}, "All results"), ...piecesOf(shown)] : []),
    ...notRun(shown),
  ];
}

/** A result with what it came to and the findings that weighed. */
function printed(result) {
  const facts = resultFacts(result);
  for (const line of why(result)) if (line !== result.reason) facts.append(el("p", { class: "reason" }, line));
  if (result.earlier && !isFlaky(result)) facts.append(el("p", { class: "reason" }, `Ran ${result.earlier.length + 1} times; before, ${result.earlier.join("; ")}`));
  const findings = (result.told ?? []).map(told => findingItem({ ...told }, { select: () => {}, about: () => "" }));
  return el("article", {}, facts, el("ul", {}, findings));
}

/** How many columns of the matrix fit beside each other on A4 or Letter, upright. */
const COLUMNS = 8;

/** The matrix as tables of one EUT each, with as many columns as fit. */
function piecesOf(shown) {
  const columns = distinct(shown.map(result => result.at)).sort((one, other) => one - other);
  const perColumn = Map.groupBy(shown, result => result.at);
  const pieces = [];
  for (const [eut, own] of Map.groupBy(columns, at => index.columns[at].eut)) {
    for (let from = 0; from < own.length; from += COLUMNS) {
      const part = own.slice(from, from + COLUMNS);
      const place = own.length > COLUMNS ? `MTPs ${from + 1} to ${from + part.length} of ${own.length}` : "";
      pieces.push(piece([several ? index.euts[eut] : "", place].filter(Boolean).join(", "), part, perColumn));
    }
  }
  return pieces;
}

/** Some columns of the matrix, with the cases that have a result in one of them. */
function piece(caption, columns, perColumn) {
  const perCase = Map.groupBy(columns.flatMap(at => perColumn.get(at)), result => result.case);
  const row = number => el("tr", {}, el("th", { scope: "row" }, el("span", { class: "id" }, index.cases[number].id), " ", index.cases[number].title),
    columns.map(at => el("td", {}, wordOf(perCase.get(number).find(result => result.at === at)))));
  const numbers = [...perCase.keys()].sort((one, other) => one - other);
  const chapters = [...Map.groupBy(numbers, number => index.cases[number].chapter)];
  return el("table", { class: "matrix piece" }, caption ? el("caption", {}, caption) : "",
    el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "corner" }, "Case"), columns.map(at => el("th", { scope: "col" }, index.columns[at].mtp)))),
    chapters.map(([chapter, own]) => el("tbody", {}, el("tr", { class: "chapter" }, el("th", { colspan: columns.length + 1, scope: "rowgroup" }, chapter)), own.map(row))));
}

const wordOf = result => (result
  ? el("span", { class: `cell ${kindClass(result.word)}` }, VERDICTS[result.word]?.short ?? result.word, CELL_MARKS.filter(mark => MARKS[mark].is(result)).map(mark => ` ${MARKS[mark].title}`))
  : "·");

/** From so many columns on, the matrix says over which of them a case did not run. */
const FEW = 6;

/** Why cases did not run, each reason once. */
function notRun(shown) {
  const idle = shown.filter(result => result.detail === undefined);
  if (idle.length === 0) return [];
  const all = new Set(shown.map(result => result.at)).size;
  const grouped = [...Map.groupBy(idle, result => JSON.stringify([result.word, result.reason])).values()];
  grouped.sort((one, other) => ORDER.indexOf(one[0].word) - ORDER.indexOf(other[0].word));
  const reasons = grouped.map(group => el("li", {}, badge(group[0].word), ` ${group[0].reason || "no reason recorded"}: `, casesOf(group, all)));
  return [el("h2", {}, "Did not run"), el("ul", { class: "idle" }, reasons)];
}

/** The cases of these results, those over the same columns together. */
function casesOf(group, all) {
  const overs = Map.groupBy(Map.groupBy(group, result => result.case).values(), own => {
    if (own.length === all) return "";
    return own.length > FEW ? ` over ${own.length} of ${all} columns of the matrix` : ` over ${own.map(where).join("; ")}`;
  });
  return [...overs].map(([over, cases]) => `${cases.map(([first]) => first.kase.id).join(", ")}${over}`).join("; ");
}

window.addEventListener("beforeprint", beforePrint);
window.addEventListener("afterprint", afterPrint);
