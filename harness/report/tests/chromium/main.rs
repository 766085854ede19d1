//! The page in headless Chromium, as a person uses it. `ci/check` runs these where Debian's chromium and chromium-driver are installed; elsewhere
//! they are shown as ignored. `SNAPSHOTS=overwrite` writes the screenshots of `reports/samples/campaign` anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may stop on the first surprise

mod browser;
mod pixels;
#[path = "../sample/mod.rs"]
mod sample;

use browser::Browser;
use fantoccini::{key::Key, wd::PrintConfigurationBuilder};
use pixels::{Picture, difference};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Instant,
};
use uspec_report::html;
use uspec_testplan::{
    run_report::{CaseOutcome, CaseResult, MtpInfo, RunReport},
    verdict::CleanUp,
};

/// Size of the screenshots.
const SIZE: (u32, u32) = (1480, 1340);

/// The page of the sample `campaign`, written anew for this test.
fn campaign() -> PathBuf {
    let test = std::thread::current().name().unwrap_or_default().replace(':', "-");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.html"));
    fs::write(&path, html::render(&[&sample::campaign()], &sample::Traces).unwrap()).unwrap();
    path
}

/// A page of its own for a test.
fn written(reports: &[&RunReport]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    fs::write(&path, html::render(reports, &sample::Traces).unwrap()).unwrap();
    (folder, path)
}

/// The cells of the matrix that pass the filters.
const CELLS: &str = "#matrix tr:not([hidden]) td:not([hidden]) .cell:not(.out)";

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn filters_narrow_the_matrix_and_stand_in_the_address() {
    let browser = Browser::start(1400, 1000).await;
    browser.open(&campaign(), "").await;
    let report = sample::campaign();
    assert_eq!(browser.texts(CELLS).await.len(), report.results.len(), "every result has a cell");

    browser.click("[data-key=verdict][data-value=fail]").await;
    let failed =
        report.results.iter().filter(|result| result.verdict() == Some(uspec_testplan::verdict::Verdict::Fail));
    let cells = browser.texts(CELLS).await;
    assert_eq!(cells.len(), failed.count());
    assert!(cells.iter().all(|cell| cell == "FAIL"), "{cells:?}");
    browser.click("#filter-mtp option[value=stomp]").await;
    browser.find("#filter-text").await.send_keys("retry 120.000").await.unwrap();
    assert_eq!(browser.texts("#matrix tbody th[scope=row] .id").await, ["6.3"], "text is looked for in findings too");
    assert_eq!(browser.fragment().await, "verdict=fail&mtp=stomp&text=retry+120.000");
    assert_eq!(browser.text("#shown").await, format!("1 of {} results", report.results.len()));

    // Who opens the link sees the same; Reset shows all again, and the browser's own Back works.
    browser.open(&campaign(), "verdict=fail&mtp=stomp&text=retry+120.000").await;
    assert_eq!(browser.texts("#matrix tbody th[scope=row] .id").await, ["6.3"]);
    assert_eq!(browser.find("#filter-mtp").await.prop("value").await.unwrap().as_deref(), Some("stomp"));
    browser.click("#filter-reset").await;
    assert_eq!(browser.texts(CELLS).await.len(), report.results.len());
    browser.client.back().await.unwrap();
    assert_eq!(browser.texts(CELLS).await.len(), 1);

    for (fragment, expected) in [
        ("requirement=R-DEL.1", vec!["1.26"]),
        ("chapter=tp469.7", vec!["7.8"]),
        ("mark=flaky", vec!["1.9"]),
        ("mark=unclean", vec!["1.20", "2.24"]),
        ("verdict=error&verdict=inconclusive", vec!["1.20", "1.34"]),
        ("text=no+such+thing", vec![]),
        ("text=1.2", vec!["1.2"]), // an id means itself alone
        ("text=r-del.1&mtp=uds", vec!["1.26"]),
        ("verdict=not+reached", vec![]),
    ] {
        browser.open(&campaign(), fragment).await;
        let cases = browser.texts("#matrix tbody th[scope=row] .id").await;
        if fragment.starts_with("requirement") {
            assert!(cases.contains(&expected[0].to_owned()) && cases.len() < 8, "{fragment}: {cases:?}");
        } else {
            assert_eq!(cases, expected, "{fragment}");
        }
    }
    assert_eq!(browser.text("#ignored").await, "No result of this page is “not reached”.");
    // A link from another page: what this one does not know is left out, and told.
    let link = "verdict=bad&mark=toString&mark=flaky&chapter=x&mtp=__proto__&eut=y&requirement=R-X.1";
    browser.open(&campaign(), link).await;
    assert_eq!(browser.texts("#matrix tbody th[scope=row] .id").await, ["1.9"], "what is known holds");
    let told = browser.text("#ignored").await;
    for part in "verdict “bad”|mark “toString”|chapter “x”|MTP “__proto__”|EUT “y”|requirement “R-X.1”".split('|')
    {
        assert!(told.contains(&format!("This page has no {part}: that filter is left out.")), "{part}: {told}");
    }
    browser.open(&campaign(), &format!("{link}&result=1.9%2Fstomp")).await;
    assert_eq!(browser.text("#ignored").await, told, "beside a result too");
    browser.open(&campaign(), "mark=flaky").await;
    assert_eq!(browser.texts("#ignored").await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn an_arrow_opens_message_record_and_frame() {
    let browser = Browser::start(1400, 1000).await;
    for (mtp, frame, wire) in [
        ("mqtt5-tls", "MTP frame PUBLISH", "usp/"),
        ("websocket", "MTP frame binary", "82 "),
        ("stomp", "MTP frame SEND", "SEND"),
    ] {
        browser.open(&campaign(), &format!("result=1.3%2F{mtp}")).await;
        browser.find(".row.arrow").await;
        assert!(browser.js("return document.querySelector('.inspector').hidden").await.as_bool().unwrap());
        // By mouse, on the Error that the EUT sent.
        let seq = browser.js("return [...document.querySelectorAll('.row.arrow')].find(it => it.querySelector('.name').textContent === 'Error').dataset.seq").await;
        let seq = seq.as_str().unwrap();
        browser.js(&format!("document.querySelector('.row[data-seq=\"{seq}\"]').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")).await;
        let text = browser.text(".inspector").await;
        for part in ["Error", "err_code", "7021", "Message", "Record", "to_id", frame, "On the wire", wire] {
            assert!(text.contains(part), "{mtp}: {part} is missing in {text}");
        }
        assert!(browser.fragment().await.ends_with(&format!("&event={seq}")), "a link to the arrow");
        // The octets of the frame are those of the Trace.
        let name = format!("campaign/traces/1.3-{mtp}.jsonl");
        let trace = fs::read_to_string(sample::samples().join(name)).unwrap();
        let dumped = browser.js("return [...document.querySelectorAll('.inspector .part')].find(it => it.querySelector('summary').textContent.startsWith('MTP frame')).querySelector('.hex:last-of-type').textContent").await;
        assert!(trace.contains(&format!("\"bytes\":\"{}\"", octets(dumped.as_str().unwrap()))), "{mtp}: {dumped}");
        // By keyboard: one arrow further, opened by Enter; Esc shuts it.
        browser.js(&format!("document.querySelector('.row[data-seq=\"{seq}\"]').focus()")).await;
        browser.keys(&Key::Down.to_string()).await;
        browser.keys(&Key::Enter.to_string()).await;
        assert!(!browser.fragment().await.ends_with(&format!("&event={seq}")), "another arrow is open");
        assert_eq!(browser.js(FOCUS).await, json!("inspector-title"), "a keyboard is led to what opened");
        let row = browser.js("return document.querySelector('.row.selected').dataset.seq").await;
        browser.keys(&Key::Escape.to_string()).await;
        assert!(!browser.fragment().await.contains("event="), "it is shut");
        assert_eq!(browser.js(FOCUS).await, row, "back to the row");
        browser.keys(&Key::Enter.to_string()).await;
        browser.click(".inspector-head button").await;
        assert_eq!(browser.js(FOCUS).await, row, "back to the row");
        browser.keys(&Key::Enter.to_string()).await;
        // The next result begins without what was open.
        assert_eq!(browser.js("return document.body.className").await, json!("one-result inspecting"));
        browser.keys("p").await;
        assert_eq!(browser.js("return document.body.className").await, json!("one-result"));
        assert_eq!(browser.js(FOCUS).await, json!("result-title"));
    }
}

/// What has the focus: its id, or the number of its event.
const FOCUS: &str = "return document.activeElement.id || document.activeElement.dataset.seq";

/// The octets of a dump, as hex.
fn octets(dump: &str) -> String {
    let hex = |line: &str| line.get(6..55).unwrap_or_default().split_whitespace().collect::<String>();
    dump.lines().map(hex).collect()
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn a_finding_leads_to_its_arrow_and_back() {
    let browser = Browser::start(1400, 700).await;
    browser.open(&campaign(), "verdict=fail").await;
    browser.click("#attention .place").await;
    browser.click(".finding.is-unmet .pointer").await;
    let selected = browser.js("const row = document.querySelector('.row.selected'); const box = row.getBoundingClientRect(); return {name: row.querySelector('.name').textContent, seen: box.top >= 0 && box.bottom <= innerHeight, marked: row.querySelectorAll('.mark-of .is-unmet').length}").await;
    assert_eq!(selected, json!({"name": "Error", "seen": true, "marked": 1}));
    // Back from the arrow: the finding that was unmet has the focus.
    browser.click(".found .is-unmet").await;
    let focused = browser.js("return document.activeElement.className + ': ' + document.activeElement.innerText").await;
    let focused = focused.as_str().unwrap();
    assert!(focused.starts_with("finding is-unmet") && focused.contains("0 items: []"), "{focused}");
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn the_matrix_is_at_hand_for_a_keyboard() {
    let browser = Browser::start(1400, 1000).await;
    browser.open(&campaign(), "verdict=fail").await;
    browser.js("document.querySelector('#matrix .cell[tabindex=\"0\"]').focus()").await;
    let focus = "return document.activeElement.getAttribute('aria-label')";
    assert_eq!(browser.js(focus).await, json!("1.3, websocket: fail"));
    for (key, expected) in [
        (Key::Down, "1.4, websocket: fail"),
        (Key::Right, "1.4, mqtt5-tls: fail"),
        (Key::Up, "1.3, mqtt5-tls: fail"),
        (Key::Up, "1.3, mqtt5-tls: fail"),
    ] {
        browser.keys(&key.to_string()).await;
        assert_eq!(browser.js(focus).await, json!(expected));
    }
    browser.keys(&Key::Enter.to_string()).await;
    browser.find(".row.arrow").await;
    assert!(browser.text("#result-title").await.starts_with("fail 1.3"));
    assert_eq!(browser.js(FOCUS).await, json!("result-title"));
    browser.keys("n").await;
    assert_eq!(browser.fragment().await, "verdict=fail&result=1.3%2Fstomp", "the next of those that are filtered");
    assert_eq!(browser.js(FOCUS).await, json!("result-title"));
    browser.keys(&Key::Escape.to_string()).await;
    assert_eq!(browser.fragment().await, "verdict=fail");
    assert_eq!(browser.js(focus).await, json!("1.3, stomp: fail"), "one is where one was");
    browser.keys("/").await;
    assert_eq!(browser.js("return document.activeElement.id").await, json!("filter-text"));
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn nothing_of_the_eut_runs_and_nothing_is_loaded() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut report = sample::hostile();
    let link = format!(
        "\"><img src=http://127.0.0.1:{port}/a onerror=alert(1)><script src=http://127.0.0.1:{port}/b></script>"
    );
    report.eut.name.push_str(&link);
    report.run.warnings.push(link.clone());
    if let CaseOutcome::Judged(judged) = &mut report.results[0].outcome {
        judged.judgement.reason = Some(link.clone());
        judged.trace = Some("traces/hostile.jsonl".to_owned());
    }
    let (_folder, path) = written(&[&report]);
    let browser = Browser::start(1400, 1000).await;
    browser.open(&path, "").await;
    assert!(browser.text("h1").await.contains("<script>alert(1)</script>"), "it is shown as text");
    browser.open(&path, "result=1.1%2Fwebsocket").await;
    browser.find(".row.arrow").await;
    browser.click(".toggle input").await;
    let items = browser.js("return [...document.querySelectorAll('.row')].map(it => it.dataset.seq)").await;
    for seq in items.as_array().unwrap() {
        browser.js(&format!("document.querySelector('.row[data-seq={seq}]').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")).await;
        assert!(!browser.text(".inspector").await.is_empty(), "{seq}");
    }
    assert!(items.as_array().unwrap().len() >= 11, "{items}");
    let shown = browser.js("return document.body.innerText").await;
    let control =
        shown.as_str().unwrap().chars().find(|c| (c.is_control() && !"\n\t".contains(*c)) || *c == '\u{202e}');
    assert_eq!(control, None, "everything that acts on a reader is escaped");
    let own = browser.js("return [document.scripts.length, document.images.length, document.querySelectorAll('iframe, object, embed, link, base, form[action]').length]").await;
    assert_eq!(own, json!([3, 0, 0]), "index, one detail and the page's own script");
    assert_eq!(browser.js("return performance.getEntriesByType('resource').map(it => it.name)").await, json!([]));
    // And if markup did get in: the policy of the page stops it.
    browser
        .js(&format!(
            "window.violations = []; addEventListener('securitypolicyviolation', event => violations.push(event.effectiveDirective)); \
             const script = document.createElement('script'); script.textContent = 'window.owned = 1'; document.body.append(script); \
             const image = document.createElement('img'); image.src = 'http://127.0.0.1:{port}/c'; document.body.append(image); \
             const button = document.createElement('button'); button.setAttribute('onclick', 'window.owned = 2'); document.body.append(button); button.click();"
        ))
        .await;
    browser.js("return new Promise(done => setTimeout(done, 300))").await;
    assert_eq!(browser.js("return window.owned ?? 'nobody'").await, json!("nobody"));
    assert_eq!(
        browser.js("return [...new Set(violations)].sort()").await,
        json!(["img-src", "script-src-attr", "script-src-elem"])
    );
    let asked = browser.end().await;
    // Chromium's own questions, which find nobody, are in the log too.
    let ours = format!("127.0.0.1:{port}");
    assert!(!asked.iter().any(|url| url.contains(&ours) || url.contains("usp.technology")), "{asked:?}");
    assert!(listener.accept().is_err(), "somebody connected");
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn several_euts_stand_beside_each_other() {
    let mut other = sample::mixed();
    other.eut.name = "Repeater, Y2".to_owned();
    let (_folder, path) = written(&[&sample::mixed(), &other, &sample::interrupted()]);
    let browser = Browser::start(1400, 1000).await;
    browser.open(&path, "").await;
    assert!(
        browser.text("header").await.contains("The run of Sample gateway ended early: interrupted from the terminal")
    );
    assert_eq!(browser.texts("#matrix thead .group").await.len(), 3);
    browser.open(&path, "eut=Repeater%2C+Y2&verdict=error").await;
    assert_eq!(browser.texts(CELLS).await, ["error"]);
    browser.click(CELLS).await;
    assert_eq!(browser.fragment().await, "verdict=error&eut=Repeater%2C+Y2&result=1.5%2Fwebsocket%2FRepeater%2C+Y2");
    let text = browser.text("#result").await;
    assert!(
        text.contains("is not there") && text.contains("-> Add"),
        "no Trace: why not, and the exchange as text: {text}"
    );
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn failures_are_printed_open_and_controls_are_not() {
    let browser = Browser::start(1400, 1000).await;
    browser.open(&campaign(), "").await;
    let printed = on_paper(&browser, "return document.body.innerText").await;
    let printed = printed.as_str().unwrap();
    // What weighed, what is folded on the screen, what makes a pass doubtful, and why cases did not run, those of one reason together.
    let parts = "0 items: []|relay 4 does not answer|was not reached|after 120.000 s|the EUT showed urn:bbf|sha256:47ac5f|Flaky: passed in run 2|\
                 the EUT is not as found:|Did not run|arguments): 1.63|needs TLS: 9.2 over websocket; stomp; uds";
    for part in parts.split('|') {
        assert!(printed.contains(part), "{part} is missing in {printed}");
    }
    let seen = "return [...document.querySelectorAll('#filters, #attention, #matrix, footer, summary, input, .toggle')].filter(it => it.checkVisibility()).length";
    assert_eq!(on_paper(&browser, seen).await, json!(0), "no controls");
    assert_eq!(browser.js("return [document.getElementById('printed').childNodes.length, document.querySelectorAll('details[open]').length]").await, json!([0, 0]));
    assert!(!printed.contains("Filtered by"));
    browser.open(&campaign(), "verdict=fail&mark=unclean&mtp=stomp").await;
    let printed = on_paper(&browser, "return document.body.innerText").await;
    assert!(printed.as_str().unwrap().contains("Filtered by verdict fail; mark not clean; MTP stomp\n"), "{printed}");

    // One result: a finding names its event, and so does the row of that event.
    browser.open(&campaign(), "result=1.3%2Fmqtt5-tls").await;
    browser.find(".row.arrow").await;
    let seen = "const seen = css => [...document.querySelectorAll(css)].filter(it => it.checkVisibility()).map(it => it.textContent); return [seen('.finding.is-unmet .events'), seen('.row[data-seq=\"21\"] .number'), seen('.metric ul').length, seen('.result-bar, .toggle'), document.querySelectorAll('.metric').length]";
    let seen = on_paper(&browser, seen).await;
    assert_eq!(seen, json!([["#21 Error"], ["#21"], seen[4], [], seen[4]]), "all metrics are open");
    let open = "return document.querySelectorAll('details.universal[open], .metric.is-met[open]').length";
    assert_eq!(browser.js(open).await, json!(0), "and folded again");
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn a_matrix_wider_than_paper_is_printed_in_pieces() {
    let reports: Vec<_> = (1..=5).map(wide).collect();
    let (_folder, path) = written(&reports.iter().collect::<Vec<_>>());
    let browser = Browser::start(1400, 1000).await;
    browser.open(&path, "").await;
    let seen = on_paper(&browser, "const paper = document.documentElement.getBoundingClientRect().width; const all = css => [...document.querySelectorAll(css)].filter(it => it.checkVisibility()); const ends = css => Math.max(...all(css).map(it => it.getBoundingClientRect().right)); return {paper, cells: all('.cell').length, end: ends('.cell, .piece, .piece span, th'), names: all('.piece caption').map(it => it.innerText), heads: all('.piece thead th').map(it => it.innerText)}").await;
    assert_eq!(seen["cells"], json!(5 * 12 * 9), "each result once: {seen}");
    let length = |name: &str| seen[name].as_f64().unwrap();
    assert!(length("end") <= length("paper") + 1.0 && length("paper") < 800.0, "{seen}");
    assert_eq!(seen["names"][0], json!("EUT 1, MTPs 1 to 8 of 12"));
    assert_eq!(seen["names"][9], json!("EUT 5, MTPs 9 to 12 of 12"));
    let heads = seen["heads"].as_array().unwrap();
    assert_eq!(heads.iter().filter(|it| **it == json!("websocket-tls-12")).count(), 5, "{heads:?}");
}

/// A report over twelve MTPs.
fn wide(number: usize) -> RunReport {
    let mut report = sample::mixed();
    report.eut.name = format!("EUT {number}");
    let (mtp, results) = (report.mtps[0].clone(), report.results.clone());
    (report.mtps, report.results) = (Vec::new(), Vec::new());
    for name in (1..=12).map(|mtp| format!("websocket-tls-{mtp}")) {
        report.mtps.push(MtpInfo { name: name.clone(), ..mtp.clone() });
        report.results.extend(results.iter().cloned().map(|it| CaseResult { mtp: name.clone(), ..it }));
    }
    report
}

/// What a script sees while the page is on its way to paper: the styles are those of print, and what is asked for is laid out.
async fn on_paper(browser: &Browser, script: &str) -> Value {
    browser.js(&format!("window.onPaper = 'never printed'; matchMedia('print').addEventListener('change', event => {{ if (event.matches) window.onPaper = (() => {{ {script} }})(); }}, {{ once: true }})")).await;
    let pdf = browser.client.print(PrintConfigurationBuilder::default().build().unwrap()).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"), "it can be printed");
    browser.js("return window.onPaper").await
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn what_reads_alike_is_one_entry_that_tells_each_wording() {
    let mut report = wide(1);
    report.results.retain(|it| it.case.to_string() == "1.3");
    for (place, result) in report.results.iter_mut().enumerate() {
        let CaseOutcome::Judged(judged) = &mut result.outcome else { panic!("{}", result.case) };
        judged.duration_ms = 179_600;
        // The names that were made for one run do not make another wording.
        let made = format!("no IPv{}Address for k0a9595x{place}, ", 4 + place.min(4));
        judged.judgement.reason = Some(made + &"in a very long list ".repeat(40));
        if place == 0 {
            judged.judgement.clean_up = CleanUp::Unverified("no answer".to_owned());
        }
    }
    let (_folder, path) = written(&[&report]);
    let browser = Browser::start(1400, 1000).await;
    browser.open(&path, "text=1.3").await;
    assert_eq!(browser.texts("#attention li .badge").await.len(), 2, "one is not clean besides");
    let last = "document.querySelector('#attention li:last-child')";
    let seen = browser.js(&format!("const it = {last}; return [[...it.querySelectorAll('.why')].map(why => why.innerText.slice(0, 14)), it.querySelector('.note').innerText, it.querySelector('.place').title.slice(0, 14)]")).await;
    let told = ["no IPv5Address", "no IPv6Address", "no IPv7Address"];
    assert_eq!(seen, json!([told, "and 1 other wording", told[0]]));
    let why = browser.js(&format!("const why = {last}.querySelector('.why'); return [why.scrollHeight > why.clientHeight, getComputedStyle(why).webkitLineClamp]")).await;
    assert_eq!(why, json!([true, "3"]), "it is cut where a line ends, with an ellipsis");
    assert_eq!(browser.js("return [...document.querySelectorAll('#matrix .cell')].slice(0, 2).map(it => it.getAttribute('aria-label'))").await, json!(["1.3, websocket-tls-1: fail, not clean", "1.3, websocket-tls-2: fail"]));
    browser.click("#matrix .cell").await;
    assert!(browser.text("#result .facts").await.contains("took\n3 min 0 s"));
}

/// Opens 1.3 over MQTT after a script changed its `detail`.
async fn open_changed(browser: &Browser, change: &str) {
    browser.open(&campaign(), "").await;
    let script = format!(
        "const tell = arguments[0]; const index = JSON.parse(document.getElementById('index').textContent); \
         const row = index.results.find(it => index.cases[it.case].id === '1.3' && index.columns[it.column].mtp === 'mqtt5-tls'); \
         const node = document.getElementById(`detail-${{row.detail}}`); const packed = Uint8Array.from(atob(node.textContent), it => it.charCodeAt(0)); \
         const through = (body, by) => new Response(new Blob([body]).stream().pipeThrough(by)); const pack = new CompressionStream('deflate-raw'); \
         const changed = detail => {{ const items = detail.ladder.items; const arrow = items.find(it => it.seq === 21); {change}; return JSON.stringify(detail); }}; \
         through(packed, new DecompressionStream('deflate-raw')).json().then(detail => through(changed(detail), pack).bytes()) \
         .then(bytes => {{ node.textContent = btoa(String.fromCharCode(...bytes)); location.hash = 'result=1.3%2Fmqtt5-tls&event=21'; tell('done'); }}, cause => tell(String(cause)))"
    );
    assert_eq!(browser.client.execute_async(&script, Vec::new()).await.unwrap(), json!("done"));
    browser.find("#inspector-title").await;
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn who_stands_at_the_ends_of_an_arrow_is_who_is_named() {
    let browser = Browser::start(1400, 1000).await;
    for table in [
        "beside|from the EUT to us, through the broker of the lab|from the broker of the lab to us|between the broker of the lab and us",
        "built_in|from the EUT to us, through our broker|from the EUT to our broker|between the EUT and our broker",
        "|from the EUT to us|from the EUT to us|between the EUT and us",
    ] {
        let [broker, record, bare, connection] = table.split('|').collect::<Vec<_>>().try_into().unwrap();
        let change = "const bare = items.find(it => it.quiet); bare.seq = 9001; bare.direction = 'received'; const link = items.find(it => it.type === 'connection') ?? items[0]; Object.assign(link, {seq: 9002, type: 'connection', state: 'open', connection: 1, name: 'open', said: '', octets: [{seq: 9003, direction: 'received', bytes: {hex: '00'}}]})";
        open_changed(&browser, &format!("detail.ladder.broker = '{broker}' || null; {change}")).await;
        browser.click(".toggle input").await;
        for (seq, words) in [(21, record), (9001, bare), (9002, connection)] {
            browser.js(&format!("document.querySelector('.row[data-seq=\"{seq}\"]').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")).await;
            let spoken = browser.js("return document.querySelector('.row.selected').getAttribute('aria-label')").await;
            assert!(spoken.as_str().unwrap().contains(&format!("{words}: ")), "{broker}: {words}: {spoken}");
            let told = browser.text(".inspector").await;
            assert!(told.contains(&format!("\n{words}\n")), "{broker}: {words}: {told}");
            assert!(seq != 9002 || told.contains(&format!("Octets {bare}, 1 byte")), "{bare}: {told}");
        }
    }
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn what_is_kept_back_or_left_out_is_said() {
    let browser = Browser::start(1400, 1000).await;
    let record = "arrow.parts = []; arrow.record = {hex: '61626364', masked: [[1, 2]]}";
    let frame = "seq: 20, kind: 'PUBLISH', fields: {id: '9007199254740993'}";
    let hidden = "{among: [{seq: 19, direction: 'received', hidden: true, bytes: {hex: '', of: 9}}]}";
    let around = "{around: {head: {hex: '30ff', masked: [[1, 1]]}, tail: {hex: '00'}, masked: false}}";
    let dumped = "4 bytes payload|The payload is the Record.|30 ** 61 ** ** 64 00|0*a**d·|3 bytes are masked: a secret is in them.";
    let kept = "0 bytes payload|Octets of event 19|Its octets are left out: a secret may be in them.";
    for (payload, wire, told) in [
        ("{same: true}", around, dumped),
        ("{hex: '61626364'}", "{around: {head: {hex: '30'}, tail: {hex: ''}}}", "30 61 62 63 64|Payload"),
        ("{same: true}", "'before'", "It came in the octets of a frame before it."),
        ("{same: true}", "'unknown'", "The Trace has no octets of it."),
        ("{hex: '', masked: []}", hidden, kept),
        ("undefined", "undefined", "The Trace has no octets of it."),
    ] {
        let change = format!("{record}; arrow.frames = [{{{frame}, payload: {payload}, wire: {wire}}}]");
        open_changed(&browser, &change).await;
        let parts = "return [...document.querySelectorAll('.inspector .part')].at(-1).innerText.replaceAll(/ +/g, ' ')";
        let parts = browser.js(parts).await;
        let parts = parts.as_str().unwrap();
        assert!(told.split('|').all(|it| parts.contains(it)), "{told:?}: {parts}");
        assert_eq!(parts.contains("is the Record"), payload == "{same: true}", "{parts}");
    }
    assert_eq!(browser.texts(".inspector .hex .masked").await.len(), 0, "what is folded is not seen");

    // A long ladder: what is left out is a break, and a link to something in it says so.
    open_changed(&browser, "items.splice(3, 0, {type: 'gap', count: 1234}); items.at(-1).at = 239_700_000").await;
    let drawing = browser.text(".drawing").await;
    assert!(drawing.contains("1234 items are left out here: the Trace has them"), "{drawing}");
    assert!(drawing.contains("4 min 0 s pass"), "rounded before it is parted: {drawing}");
    assert_eq!(browser.texts(".banner.missing").await, Vec::<String>::new());
    browser.js("location.hash = 'result=1.3%2Fmqtt5-tls&event=7777'").await;
    browser.find(".inspector[hidden]").await;
    assert_eq!(browser.texts(".banner.missing").await, ["Event #7777 is not drawn here; the Trace has it."]);
    assert_eq!(browser.fragment().await, "result=1.3%2Fmqtt5-tls&event=7777");
    browser.js("document.querySelector('.finding.is-unmet .pointer').focus()").await;
    browser.keys(&Key::Enter.to_string()).await;
    assert_eq!(browser.texts(".banner.missing, #inspector-title").await, ["Error"]);
    assert_eq!(browser.js(FOCUS).await, json!("inspector-title"), "opened by keyboard");
}

/// What the fonts and the browser of this computer are: pictures are the same only where these are.
async fn surroundings(browser: &Browser) -> String {
    let version = browser.client.capabilities().and_then(|it| it.get("browserVersion").cloned()).unwrap_or_default();
    let widths = browser
        .js("return ['system-ui', 'monospace', 'ui-monospace', '\"DejaVu Sans Mono\"'].map(font => { const pen = document.createElement('canvas').getContext('2d'); pen.font = `16px ${font}`; return pen.measureText('The quick brown fox 0123456789 ‹›←✕').width; })")
        .await;
    let mut text = String::new();
    writeln!(text, "Chromium {}", version.as_str().unwrap_or_default()).unwrap();
    writeln!(text, "widths of a text in four fonts: {widths}").unwrap();
    text
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn the_page_looks_as_its_pictures() {
    let folder = sample::samples().join("campaign");
    let overwrite = std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
    let browser = Browser::start(SIZE.0, SIZE.1).await;
    let mut wrong = Vec::new();
    let mut same = false;
    for (name, fragment) in [("overview.png", ""), ("ladder.png", "result=1.3%2Fmqtt5-tls&event=21")] {
        browser.open(&campaign(), fragment).await;
        if !fragment.is_empty() {
            browser.find(".inspector:not([hidden])").await;
            browser.js("scrollTo(0, 0)").await;
        }
        let png = browser.client.screenshot().await.unwrap();
        let here = surroundings(&browser).await;
        if overwrite {
            fs::write(folder.join(name), &png).unwrap();
            fs::write(folder.join("pictures.txt"), here).unwrap();
            continue;
        }
        same = fs::read_to_string(folder.join("pictures.txt")).unwrap() == here;
        let seen = Picture::decode(&png);
        if let Some(why) = difference(&seen, &Picture::read(&folder.join(name)), same) {
            let kept = std::env::temp_dir().join(format!("uspec-{name}"));
            fs::write(&kept, &png).unwrap();
            wrong.push(format!("{name}: {why}; what was seen is kept as {}", kept.display()));
        }
    }
    assert!(wrong.is_empty(), "same browser and fonts: {same}; {wrong:#?}");
}

/// 3,000 results that ran, each with a Trace: of a real run, over and over.
fn three_thousand() -> RunReport {
    let mut report = sample::campaign();
    let traced = |judged: &uspec_testplan::run_report::Judged| judged.trace.is_some();
    let ran: Vec<_> = report
        .results
        .iter()
        .filter(|it| matches!(&it.outcome, CaseOutcome::Judged(it) if traced(it)))
        .cloned()
        .collect();
    let mut results = Vec::new();
    for number in 1..=250_u16 {
        for column in 0..12 {
            let mut result = ran[(usize::from(number) + column) % ran.len()].clone();
            result.case = format!("{}.{number}", 1 + number / 50).parse().unwrap();
            result.mtp = format!("mtp{column}");
            if (usize::from(number) + column) % 8 != 0
                && let CaseOutcome::Judged(judged) = &mut result.outcome
            {
                judged.judgement.verdict = uspec_testplan::verdict::Verdict::Pass;
                judged.judgement.reason = None;
            }
            results.push(result);
        }
    }
    report.mtps.clear();
    report.results = results;
    report
}

#[tokio::test]
#[ignore = "needs Chromium (Debian's packages chromium and chromium-driver); ci/check runs it"]
async fn three_thousand_results_stay_usable() {
    let begun = Instant::now();
    let (_folder, path) = written(&[&three_thousand()]);
    let rendered = begun.elapsed();
    let size = fs::metadata(&path).unwrap().len();
    let browser = Browser::start(1600, 1000).await;
    browser.open(&path, "").await;
    let timing = browser
        .js("const it = performance.getEntriesByType('navigation')[0]; return [it.domInteractive, it.loadEventEnd]")
        .await;
    assert_eq!(browser.js("return document.querySelectorAll('.cell').length").await, json!(3000));
    let ladders = "return document.querySelectorAll('.ladder').length";
    assert_eq!(browser.js(ladders).await, json!(0), "no ladder is drawn unasked");
    let filtered =
        timed(&browser, "document.querySelector('[data-value=fail]').click(); document.body.offsetHeight; done()")
            .await;
    let typed = timed(&browser, "const it = document.getElementById('filter-text'); it.value = 'param_errs'; it.dispatchEvent(new Event('input')); document.body.offsetHeight; done()").await;
    let opened = timed(&browser, "location.hash = 'result=3.120%2Fmtp7'; const look = () => document.querySelector('.ladder .row') ? done() : setTimeout(look, 1); look()").await;
    assert_eq!(browser.js(ladders).await, json!(1), "one, that which is open");
    println!(
        "3,000 results: {:.1} MB, rendered in {rendered:.1?}; in Chromium interactive and loaded after {timing} ms, a verdict filtered in {filtered} ms, \
         a text searched in {typed} ms, a result opened in {opened} ms",
        f64::from(u32::try_from(size).unwrap()) / 1e6
    );
    assert!(size < 60_000_000, "{size} bytes");
}

/// How long it takes in the page until the script calls `done`, in milliseconds.
async fn timed(browser: &Browser, script: &str) -> Value {
    let timed = format!(
        "const tell = arguments[0]; const begun = performance.now(); const done = () => tell(Math.round(performance.now() - begun)); {script}"
    );
    browser.client.execute_async(&timed, Vec::new()).await.unwrap()
}
