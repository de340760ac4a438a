//! The page in a real browser: nothing fails, nothing is fetched, and the sliders move what they should.
//!
//! The browser is the one that `CHROME` names, else the first of the usual names on the path; without one the test says so and
//! passes. A script that the test puts into the page drives it and writes its verdict into the page, which the browser prints.

#[path = "../examples/fixture/fake.rs"]
mod fake;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// Runs before the page's own scripts: collects what goes wrong.
const WATCH: &str = r#"<script>
window.faults = [];
addEventListener("error", (e) => faults.push(`error: ${e.message}`));
addEventListener("unhandledrejection", (e) => faults.push(`rejection: ${e.reason}`));
addEventListener("securitypolicyviolation", (e) => faults.push(`refused: ${e.blockedURI}`));
for (const level of ["error", "warn"]) console[level] = (...what) => faults.push(`${level}: ${what.join(" ")}`);
</script>"#;

/// Runs after them: moves every slider to its ends and notes what changed.
const DRIVE: &str = r#"<script>
addEventListener("load", async () => {
  const verdict = { sections: [...document.querySelectorAll("main > section")].map((s) => s.id), sets: [] };
  const pause = () => new Promise((done) => setTimeout(done, 50));
  for (const root of document.querySelectorAll(".maps[data-maps]")) {
    const first = root.querySelector(".topo");
    const slider = root.querySelector("input[type=range]");
    const state = () => first.innerHTML;
    const set = { id: root.dataset.maps, slider: Boolean(slider), maps: root.querySelectorAll(".topo").length };
    set.followed = Boolean(root.querySelector("[data-follows]"));
    if (slider) {
      first.scrollIntoView();
      await pause();
      const to = async (value) => {
        slider.value = value;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await pause();
        const cursor = root.querySelector("[data-follows] .cursor.on");
        return [state(), root.querySelector("output").textContent, cursor && cursor.getAttribute("transform")];
      };
      const [start, end, again] = [await to(slider.min), await to(slider.max), await to(slider.min)];
      set.changed = start.map((s, i) => s !== end[i]);
      set.back = start.every((s, i) => s === again[i]);
    }
    verdict.sets.push(set);
  }
  const lines = [...document.querySelectorAll("[data-butterfly]")];
  for (let tries = 0; tries < 100 && lines.some((line) => !line.getAttribute("d")); tries++) await pause();
  verdict.butterflies = lines.length;
  verdict.drawn = lines.filter((line) => line.getAttribute("d")).length;
  const key = document.querySelector(".key[data-model]");
  if (key) {
    key.click();
    verdict.hidden = document.querySelectorAll(".topo.of-model.m0:not(.hidden)").length === 0;
    key.click();
  }
  verdict.requests = performance.getEntriesByType("resource").map((r) => r.name).filter((n) => !n.startsWith("data:"));
  verdict.faults = faults;
  document.body.replaceChildren(Object.assign(document.createElement("pre"), { id: "verdict", textContent: JSON.stringify(verdict) }));
});
</script>"#;

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROME") {
        return Some(named.into());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |f| f.join(name))).find(|path| path.is_file())
}

/// What the script found on the page of `variant`.
fn verdict(browser: &PathBuf, variant: &str) -> Value {
    let html = dre_report::write_html(&fake::variant(variant)).expect("the fixture renders");
    let html = html.replacen("<body>", &format!("<body>{WATCH}"), 1).replacen("</body>", &format!("{DRIVE}</body>"), 1);
    let folder = tempfile::tempdir().expect("there is room for a page");
    let page = folder.path().join("page.html");
    std::fs::write(&page, html).expect("the page is written");
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
    command.args(["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,900"]);
    command.args(["--virtual-time-budget=60000", "--dump-dom", &profile]).arg(format!("file://{}", page.display()));
    let output = command.output().unwrap_or_else(|e| panic!("{} does not start: {e}", browser.display()));
    let text = String::from_utf8_lossy(&output.stdout);
    let opening = "<pre id=\"verdict\">";
    let start = text
        .find(opening)
        .unwrap_or_else(|| panic!("{variant}: no verdict, {}", String::from_utf8_lossy(&output.stderr)));
    let json = &text[start + opening.len()..start + text[start..].find("</pre>").expect("it ends")];
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&json).unwrap_or_else(|e| panic!("{variant}: {e}: {json}"))
}

#[test]
#[expect(clippy::print_stderr, reason = "a check that was skipped is said")]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium or Chrome found; name one in CHROME");
        return;
    };
    // Few electrodes, every analysis, pairs of gradiometers with missing values, names that are markup, nothing at all.
    for (variant, sets) in [("p300", 3), ("words", 8), ("neuromag", 3), ("hostile", 0), ("empty", 0)] {
        let found = verdict(&browser, variant);
        assert_eq!(found["faults"], serde_json::json!([]), "{variant}");
        assert_eq!(found["requests"], serde_json::json!([]), "{variant}");
        let mut wanted = vec!["scores", "time", "channels", "evoked", "training", "data", "provenance"];
        if variant == "words" {
            wanted.extend(["stimulus", "statistics", "importance", "state", "decoding", "adaptation"]);
        }
        for section in wanted {
            assert!(
                found["sections"].as_array().is_some_and(|s| s.iter().any(|s| s == section)),
                "{variant}: {section}"
            );
        }
        let all = found["sets"].as_array().expect("sets");
        assert_eq!(all.len(), sets, "{variant}: {all:?}");
        for set in all.iter().filter(|set| set["slider"] == true) {
            // The map, the time beside the slider, the cursor on the plots where there are any.
            assert_eq!(set["changed"], serde_json::json!([true, true, set["followed"]]), "{variant}: {set}");
            assert_eq!(set["back"], true, "{variant}: {set}");
        }
        assert_eq!(all.iter().any(|set| set["slider"] == true), sets > 0, "{variant}");
        assert_eq!(found["drawn"], found["butterflies"], "{variant}");
        if sets > 0 {
            assert_eq!(found["hidden"], true, "{variant}");
        }
    }
}
