// Case by MTP, one cell a result: a letter and a colour, and the way to the result.
const LETTERS = { pass: "P", fail: "F", inconclusive: "?", error: "E", "not-run": "·" };

function drawMatrix(table) {
  const mtps = [...new Set(results.map((row) => row.dataset.mtp))];
  const cases = new Map();
  for (const row of results) {
    if (!cases.has(row.dataset.case)) cases.set(row.dataset.case, new Map());
    cases.get(row.dataset.case).set(row.dataset.mtp, row);
  }
  const head = table.createTHead().insertRow();
  for (const word of ["Case", ...mtps]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = word;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const [id, cells] of cases) {
    const line = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = id;
    line.append(name);
    for (const mtp of mtps) {
      const cell = line.insertCell();
      const row = cells.get(mtp);
      if (!row) continue;
      const link = document.createElement("a");
      link.href = `#${encodeURIComponent(row.id)}`;
      link.className = row.dataset.verdict;
      link.textContent = LETTERS[row.dataset.verdict];
      link.title = `${id} over ${mtp}: ${row.dataset.verdict}`;
      cell.append(link);
    }
  }
}

const matrix = document.getElementById("matrix");
matrix.addEventListener("toggle", () => {
  const table = matrix.querySelector("table");
  if (matrix.open && !table.rows.length) drawMatrix(table);
});
