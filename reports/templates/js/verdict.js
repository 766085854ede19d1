// Verdicts and outcomes: each has a word, a shape and a colour, so that none of them rests on the colour.

const SHAPES = {
  check: ["M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z", "M4.8 8.3l2.2 2.2 4.3-4.6"],
  cross: ["M5 1h6l4 4v6l-4 4H5l-4-4V5Z", "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"],
  question: ["M8 .6 15.4 8 8 15.4.6 8Z", "M6.2 6.4c.2-2.2 3.7-2 3.6 0 0 1.3-1.8 1.3-1.8 2.7M8 11.2v.2"],
  bang: ["M8 1.2 15.4 14.6H.6Z", "M8 5.8v4M8 12v.2"],
  dash: ["M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z", "M4.8 8h6.4"],
};

const VERDICTS = {
  "fail": { shape: "cross", short: "FAIL" },
  "error": { shape: "bang", short: "error" },
  "inconclusive": { shape: "question", short: "incon." },
  "pass": { shape: "check", short: "pass" },
  "not applicable": { shape: "dash", short: "n/a" },
  "not selected": { shape: "dash", short: "–" },
  "not reached": { shape: "dash", short: "not r." },
  "not automated": { shape: "dash", short: "–" },
  "deprecated": { shape: "dash", short: "depr." },
};

const OUTCOMES = { unmet: "cross", unknown: "question", met: "check" };

/** Verdicts by how much they ask for a person. */
const ORDER = Object.keys(VERDICTS);

const NEED_ATTENTION = new Set(["fail", "error", "inconclusive"]);

/** The class of a verdict or outcome, which has its colour. */
const kindClass = word => `is-${word.replaceAll(" ", "-")}`;

/** The shape of a verdict or outcome. */
function icon(word) {
  const [outline, mark] = SHAPES[VERDICTS[word]?.shape ?? OUTCOMES[word] ?? "dash"];
  const paths = [svg("path", { d: outline, class: "outline" }), svg("path", { d: mark, class: "mark" })];
  return svg("svg", { viewBox: "0 0 16 16", class: `icon ${kindClass(word)}`, "aria-hidden": "true" }, ...paths);
}

/** Shape and word. */
const badge = word => el("span", { class: `badge ${kindClass(word)}` }, icon(word), word);
