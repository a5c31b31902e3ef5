//! A window of a real browser (Chromium) over the pages of a service, driven as a reader would: by what is seen, pressed and typed.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headless_chrome::protocol::cdp::{Emulation, Input, Network, Page};
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde_json::Value;

use crate::support::Server;

/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the browser may be.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Flags of the browser: nothing of its own goes out, and it runs as root as well.
const FLAGS: [&str; 7] = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
];

/// A window.
pub struct Window {
    tab: Arc<Tab>,
    base: String,
    _browser: Browser,
}

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&folders).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    files.find(|file| file.is_file())
}

/// Says loudly that something was not tried; where a browser is required that is a failure.
fn not_run(why: &str) {
    assert!(std::env::var_os("PAPERKIN_REQUIRE_CHROMIUM").is_none(), "{why}");
    eprintln!("NOT RUN: {why}");
}

impl Window {
    /// One of 1,280 by 900. None where there is no browser, which is said loudly; with `PAPERKIN_REQUIRE_CHROMIUM` that is a failure.
    pub fn open(server: &Server) -> Option<Self> {
        let Some(path) = browser() else {
            not_run("there is no Chromium on this machine, so the pages were not tried in a browser");
            return None;
        };
        let options = LaunchOptions::default_builder()
            .path(Some(path))
            .sandbox(false)
            .window_size(Some((1280, 900)))
            .idle_browser_timeout(Duration::from_secs(300))
            .args(FLAGS.map(OsStr::new).to_vec())
            .build()
            .expect("options");
        let browser = Browser::new(options).expect("a browser starts");
        let tab = browser.new_tab().expect("a tab");
        tab.set_default_timeout(PATIENCE);
        let window = Window { tab, base: server.url.trim_end_matches('/').to_string(), _browser: browser };
        window.size(1280, 900);
        Some(window)
    }

    /// Its size in pixels; one narrower than 500 is a phone's.
    pub fn size(&self, width: u32, height: u32) {
        let metrics = Emulation::SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: width < 500,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        };
        self.tab.call_method(metrics).expect("a size");
    }

    /// Whether the system wants it dark.
    pub fn dark(&self, dark: bool) {
        let feature = |name: &str, value: &str| Emulation::MediaFeature { name: name.into(), value: value.into() };
        let scheme = feature("prefers-color-scheme", if dark { "dark" } else { "light" });
        let still = feature("prefers-reduced-motion", "reduce");
        let media = Emulation::SetEmulatedMedia { media: None, features: Some(vec![scheme, still]) };
        self.tab.call_method(media).expect("a scheme");
    }

    /// Whether scripts of pages run, from the next page on.
    pub fn scripts(&self, run: bool) {
        self.tab.call_method(Emulation::SetScriptExecutionDisabled { value: !run }).expect("scripts");
    }

    /// Reads as somebody, from the next page on.
    pub fn read_as(&self, reader: &str) {
        let port = self.base.rsplit(':').next().expect("a port");
        let cookie = Network::CookieParam {
            name: format!("paperkin-choices-{port}"),
            value: format!("reader={reader}"),
            url: Some(self.base.clone()),
            domain: None,
            path: None,
            secure: None,
            http_only: None,
            same_site: None,
            expires: None,
            priority: None,
            same_party: None,
            source_scheme: None,
            source_port: None,
            partition_key: None,
        };
        self.tab.set_cookies(vec![cookie]).expect("a cookie");
    }

    /// Goes to an address of the service, as one that was typed.
    pub fn go(&self, path: &str) -> &Self {
        self.tab.navigate_to(&format!("{}{path}", self.base)).expect("an address");
        self.tab.wait_until_navigated().expect("a page");
        self
    }

    /// The address, from the root of the service.
    pub fn path(&self) -> String {
        let url: String = self.text_of("location.href");
        url.strip_prefix(&self.base).unwrap_or(&url).to_string()
    }

    /// What an expression comes to in the page; of a promise what it is kept with.
    pub fn js(&self, expression: &str) -> Value {
        let wrapped = format!("(async () => JSON.stringify((await ({expression})) ?? null))()");
        let found = self.tab.evaluate(&wrapped, true).unwrap_or_else(|e| panic!("{expression}: {e}"));
        let text = found.value.clone().unwrap_or_else(|| panic!("{expression}: {found:?}"));
        serde_json::from_str(text.as_str().expect("JSON")).expect("JSON")
    }

    /// The same, which is a text.
    pub fn text_of(&self, expression: &str) -> String {
        self.js(expression).as_str().unwrap_or_else(|| panic!("{expression} is no text")).to_string()
    }

    /// The texts of all elements that a selector names.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let all =
            self.js(&format!("[...document.querySelectorAll({})].map((n) => n.textContent.trim())", quoted(selector)));
        serde_json::from_value(all).expect("texts")
    }

    /// How many elements a selector names.
    pub fn count(&self, selector: &str) -> u64 {
        self.js(&format!("document.querySelectorAll({}).length", quoted(selector))).as_u64().expect("a number")
    }

    /// Waits until something is so; of a promise, until it is kept with what is so.
    pub fn wait(&self, condition: &str) -> &Self {
        let until = Instant::now() + PATIENCE;
        while self.js(&format!("Boolean(await ({condition}))")) != Value::Bool(true) {
            assert!(
                Instant::now() < until,
                "this did not come: {condition}\nat {}\n{}",
                self.path(),
                self.text_of("document.getElementById('main')?.innerText ?? ''")
            );
            std::thread::sleep(Duration::from_millis(30));
        }
        self
    }

    /// Waits for an element.
    pub fn wait_for(&self, selector: &str) -> &Self {
        self.wait(&format!("document.querySelector({})", quoted(selector)))
    }

    /// Presses the first element that a selector names, where it is seen.
    pub fn click(&self, selector: &str) -> &Self {
        self.wait_for(selector);
        let selector = quoted(selector);
        self.js(&format!("document.querySelector({selector}).scrollIntoView({{ block: 'center' }})"));
        let place = self.js(&format!(
            "(() => {{ const b = document.querySelector({selector}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        ));
        let [x, y] = [0, 1].map(|k| place[k].as_f64().expect("a place"));
        self.tab.click_point(headless_chrome::browser::tab::point::Point { x, y }).expect("a click");
        self
    }

    /// Moves the pointer.
    pub fn point(&self, x: f64, y: f64) -> &Self {
        self.tab.move_mouse_to_point(headless_chrome::browser::tab::point::Point { x, y }).expect("a move");
        self
    }

    /// Draws with the pointer pressed, through some places; with the Shift key or without.
    pub fn draw(&self, places: &[(f64, f64)], shift: bool) -> &Self {
        let event =
            |kind: Input::DispatchMouseEventTypeOption, (x, y): (f64, f64), pressed: bool| Input::DispatchMouseEvent {
                Type: kind,
                x,
                y,
                modifiers: Some(if shift { 8 } else { 0 }),
                timestamp: None,
                button: Some(if pressed { Input::MouseButton::Left } else { Input::MouseButton::None }),
                buttons: Some(u32::from(pressed)),
                click_count: Some(1),
                force: None,
                tangential_pressure: None,
                tilt_x: None,
                tilt_y: None,
                twist: None,
                delta_x: None,
                delta_y: None,
                pointer_Type: None,
            };
        let send = |kind, place, pressed| {
            self.tab.call_method(event(kind, place, pressed)).expect("a pointer");
        };
        send(Input::DispatchMouseEventTypeOption::MouseMoved, places[0], false);
        send(Input::DispatchMouseEventTypeOption::MousePressed, places[0], true);
        places.iter().for_each(|place| send(Input::DispatchMouseEventTypeOption::MouseMoved, *place, true));
        send(Input::DispatchMouseEventTypeOption::MouseReleased, places[places.len() - 1], true);
        self
    }

    /// Presses a key.
    pub fn key(&self, key: &str) -> &Self {
        self.tab.press_key(key).unwrap_or_else(|e| panic!("{key}: {e}"));
        self
    }

    /// Types a text where the focus is.
    pub fn types(&self, text: &str) -> &Self {
        self.tab.type_str(text).expect("typing");
        self
    }

    /// A picture of what is seen.
    pub fn picture(&self) -> Vec<u8> {
        self.tab.capture_screenshot(Page::CaptureScreenshotFormatOption::Png, None, None, true).expect("a picture")
    }

    /// What axe-core finds against the rules for accessible pages; nothing where there is no axe (`PAPERKIN_AXE` is the path of
    /// `axe.min.js`), which is said loudly; with `PAPERKIN_REQUIRE_CHROMIUM` that is a failure.
    pub fn faults(&self) -> Vec<String> {
        let Some(file) = std::env::var_os("PAPERKIN_AXE") else {
            not_run("PAPERKIN_AXE names no axe.min.js, so no page was looked at for who cannot see or point");
            return Vec::new();
        };
        let axe = std::fs::read_to_string(&file).expect("axe");
        self.tab.evaluate(&axe, false).expect("axe is read");
        let found = self.js(
            "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => \
             r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`))",
        );
        serde_json::from_value(found).expect("texts")
    }
}

/// A text as a script writes it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}
