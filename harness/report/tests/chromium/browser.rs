//! Chromium without a window, driven over WebDriver. Driver, browser and profile end with the value.

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long anything of the page may take. Nothing is measured by it: it ends a test that would wait forever.
const LIMIT: Duration = Duration::from_secs(60);

/// Nothing that Chromium does by itself, and no network but what a page asks for. The sandbox cannot be had by root, as whom CI runs.
const ARGUMENTS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    // What it asks for all the same (the time, its start page) finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
];

pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    port: u16,
    profile: TempDir,
}

impl Browser {
    /// Starts one whose page is this wide and high.
    pub(crate) async fn start(width: u32, height: u32) -> Self {
        let profile = TempDir::new().unwrap();
        let mut driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let port = port(&mut driver);
        let mut arguments: Vec<_> = ARGUMENTS.iter().map(|it| (*it).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().join("profile").display()));
        arguments.push(format!("--log-net-log={}", profile.path().join("net.json").display()));
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        let browser = Self { client, driver, port, profile };
        browser.resize(width, height).await;
        browser
    }

    /// Gives the page this size: the window's is larger by what is around it.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.unwrap();
        let around = self.js("return [outerWidth - innerWidth, outerHeight - innerHeight]").await;
        let around: [u32; 2] = serde_json::from_value(around).unwrap();
        self.client.set_window_size(width + around[0], height + around[1]).await.unwrap();
        assert_eq!(self.js("return [innerWidth, innerHeight]").await, json!([width, height]));
    }

    /// Opens a page and waits until its script has done its work.
    pub(crate) async fn open(&self, page: &Path, fragment: &str) {
        let page = page.canonicalize().unwrap();
        // The same page with another fragment alone would not be loaded again.
        self.client.goto("about:blank").await.unwrap();
        self.client.goto(&format!("file://{}#{fragment}", page.display())).await.unwrap();
        self.find("html[data-ready]").await;
    }

    /// What a script in the page gives back.
    pub(crate) async fn js(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// The first element, once it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(LIMIT).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|cause| panic!("{css}: {cause}"))
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element.click().await.unwrap_or_else(|cause| panic!("{css}: {cause}"));
    }

    /// Keys to whatever has the focus.
    pub(crate) async fn keys(&self, text: &str) {
        self.client.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// The visible text of an element.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await;
        // In one breath: what was found may have been drawn anew since.
        let text = self.js(&format!("return document.querySelector({css:?})?.innerText ?? ''")).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The visible texts of all elements that are shown.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let script = format!(
            "return [...document.querySelectorAll({css:?})].filter(it => it.checkVisibility()).map(it => it.innerText.trim())"
        );
        serde_json::from_value(self.js(&script).await).unwrap()
    }

    /// The fragment of the address.
    pub(crate) async fn fragment(&self) -> String {
        self.client.current_url().await.unwrap().fragment().unwrap_or_default().to_owned()
    }

    /// Ends it; gives back every address that it asked for.
    pub(crate) async fn end(mut self) -> Vec<String> {
        self.client.clone().close().await.unwrap();
        self.shut_down();
        let log = std::fs::read_to_string(self.profile.path().join("net.json")).unwrap();
        assert!(log.contains("\"logEventTypes\"") && log.contains("\"events\""), "a log of Chromium's network");
        log.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }

    /// Ends the driver in order: killed at once, it would leave its browser behind.
    fn shut_down(&mut self) {
        let asked = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(LIMIT))?;
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())
        });
        if asked.is_err() {
            let _ = self.driver.kill();
        }
        let _ = self.driver.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// The port that the driver took.
fn port(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let said: Vec<_> = lines.map_while(Result::ok).take(20).filter_map(|line| told_port(&line)).take(1).collect();
    said.first().copied().unwrap_or_else(|| panic!("chromedriver named no port"))
}

fn told_port(line: &str) -> Option<u16> {
    line.split("started successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
}
