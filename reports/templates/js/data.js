// What the page holds: the index of all results, and one packed detail for each that ran.

const index = JSON.parse(byId("index").textContent);
const several = index.euts.length > 1;

/** The name of a result in fragments. */
const nameOf = (kase, column) => [kase.id, column.mtp, ...(several ? [index.euts[column.eut]] : [])].join("/");

const results = index.results.map((row, place) => {
  const kase = index.cases[row.case];
  const column = index.columns[row.column];
  return { ...row, place, kase, at: row.column, mtp: column.mtp, eut: index.euts[column.eut], name: nameOf(kase, column) };
});

const byName = new Map(results.map(result => [result.name, result]));

/** Where a result was judged, in words. */
const where = result => (several ? `${result.eut}, ${result.mtp}` : result.mtp);

/** No pass to rely on. */
function isFlaky(result) {
  return result.word === "pass" && result.earlier !== undefined;
}

const MARKS = {
  flaky: { title: "flaky", about: "passed only when it was repeated", is: isFlaky },
  repeated: { title: "repeated", about: "ran more than once", is: result => result.earlier && !isFlaky(result) },
  unclean: { title: "not clean", about: "clean-up left something or was not verified", is: result => result.unclean !== undefined },
  disputed: { title: "disputed", about: "plan and TR-369 disagree", is: result => result.kase.disputed && result.detail !== undefined },
  alternate: { title: "alternate used", about: "an element of the profile stood in for the plan's", is: result => result.alternates && result.detail !== undefined },
};

/** The requirements that a result is about: those of its case, and those of what weighed. */
function requirementsOf(result) {
  const weighed = (result.told ?? []).flatMap(told => [told.requirement, told.metric]).filter(id => REQUIREMENT.test(id ?? ""));
  return [...result.kase.requirements, ...weighed];
}

/** The ids of this page in lower case, each of which means itself alone where it is looked for. */
const caseIds = new Set(index.cases.map(kase => kase.id.toLowerCase()));
const requirements = new Set(results.flatMap(requirementsOf));
const requirementIds = new Set([...requirements].map(id => id.toLowerCase()));

/** What the text filter looks through. */
function haystack(result) {
  result.text ??= [
    result.kase.id, result.kase.title, result.eut, result.mtp, result.word, result.reason, result.unclean, ...result.kase.requirements,
    ...(result.told ?? []).flatMap(told => [told.requirement, told.expected, told.seen, told.path]),
    ...(result.earlier ?? []),
  ].join("\n").toLowerCase();
  return result.text;
}

/** How many unpacked details are kept. */
const KEPT = 24;
const unpacked = new Map();

/** The detail of a result that ran. */
async function detailOf(result) {
  const known = unpacked.get(result.detail);
  if (known) return known;
  const packed = Uint8Array.from(atob(byId(`detail-${result.detail}`).textContent), character => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const detail = await new Response(stream).json();
  unpacked.set(result.detail, detail);
  if (unpacked.size > KEPT) unpacked.delete(unpacked.keys().next().value);
  return detail;
}
