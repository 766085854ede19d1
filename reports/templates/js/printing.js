// Printing: of the overview, every shown result that is no pass is printed with its findings; of a result, its metrics are opened.

const closed = new Set();

function beforePrint() {
  if (state.result) {
    for (const part of document.querySelectorAll("#result .metric:not([open])")) {
      closed.add(part);
      part.open = true;
    }
    return;
  }
  const bad = groups(matching()).flat();
  const heading = bad.length > 0 ? [el("h2", {}, "Needs attention")] : [];
  byId("printed").replaceChildren(...heading, ...bad.map(printed));
}

function afterPrint() {
  byId("printed").replaceChildren();
  for (const part of closed) part.open = false;
  closed.clear();
}

function printed(result) {
  const findings = (result.told ?? []).map(told => findingItem({ ...told, events: [] }, {}));
  return el("article", {}, resultFacts(result), el("ul", {}, findings));
}

window.addEventListener("beforeprint", beforePrint);
window.addEventListener("afterprint", afterPrint);
