// What three parsers from npm see in the junit.xml of each folder, one JSON object a line: consumer, folder, counts as the reader itself gives
// them, cases. compare.py knows what is right.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const resultsParser = require("test-results-parser");

const told = (consumer, folder, counts, cases) => console.log(JSON.stringify({ consumer, folder, counts, cases }));

function testResultsParser(folder, file) {
  const { total, passed, failed, errors, skipped, suites } = resultsParser.parse({ type: "junit", files: [file] });
  const status = { PASS: "passed", FAIL: "failed", SKIP: "skipped" };
  const cases = suites.flatMap((suite) =>
    suite.cases.map((it) => ({
      class: suite.name,
      name: it.name,
      status: status[it.status],
      message: it.failure || null,
      property: it.metadata.case,
    })),
  );
  // Its total leaves out what was skipped.
  told("test-results-parser", folder, { tests: total + skipped, passed, failed, errors, skipped }, cases);
}

async function junit2json(folder, text) {
  const { parse } = await import(require.resolve("junit2json"));
  const all = await parse(text);
  const cases = all.testsuite.flatMap((suite) =>
    suite.testcase.map((it) => {
      const [status, problem] =
        [["failed", it.failure], ["error", it.error], ["skipped", it.skipped]].find(([, found]) => found) ?? ["passed"];
      return {
        class: it.classname,
        name: it.name,
        status,
        message: problem?.[0]?.message ?? null,
        body: problem?.[0]?.inner ?? null,
        property: it.properties?.find(({ name }) => name === "case")?.value,
        flaky: it.flakyFailure !== undefined || it.flakyError !== undefined,
      };
    }),
  );
  const { tests, failures, errors, skipped } = all;
  told("junit2json", folder, { tests, failed: failures, errors, skipped }, cases);
}

async function junitToCtrf(folder, file) {
  const { convertJUnitToCTRFReport } = await import(require.resolve("junit-to-ctrf"));
  const { summary, tests } = (await convertJUnitToCTRFReport(file)).results;
  const cases = tests.map((it) => ({
    class: it.suite[0],
    name: it.name,
    status: it.status,
    message: it.message ?? null,
    flaky: it.flaky === true,
  }));
  const { passed, failed, skipped } = summary;
  told("junit-to-ctrf", folder, { tests: summary.tests, passed, failed_or_error: failed, skipped }, cases);
}

(async () => {
  for (const folder of process.argv.slice(2)) {
    const file = join(folder, "junit.xml");
    testResultsParser(folder, file);
    await junit2json(folder, readFileSync(file, "utf8"));
    await junitToCtrf(folder, file);
  }
})();
