//! The page as a whole.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::element::Section;
use crate::palette;
use crate::report::Report;
use crate::sections::{
    answers, baselines, contract, cost, curves, data, effects, head, importance, learning, memory, provenance, slices,
    worst,
};
use crate::text;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What the page may do: nothing but show itself and run its own script, which is named by its SHA-256 so that no other
/// could run even if it came in with data.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      script-src 'sha256-U+RpbG04oEwBzOF6bIgVlbFzz+VGS0r9SyUPwbQxglk='";

/// Draws a report as one page of HTML that loads nothing.
pub fn html(report: &Report) -> String {
    let sections = sections(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="Tacit";
                title { (report.head.program) " – build report" }
                style { (PreEscaped(palette::rules())) (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#content" { "Skip to the report" }
                (navigation(&sections))
                main id="content" {
                    (head::draw(&report.head, report.contract.as_ref()))
                    @for section in &sections { (section) }
                    footer { "Made by Tacit. This file is complete in itself and loads nothing from elsewhere." }
                }
                div id="tip" role="status" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    text::visible(page.into_string())
}

/// The sections that have something in them, in the order of the page.
fn sections(report: &Report) -> Vec<Section> {
    let Report {
        head: _,
        contract,
        baselines,
        outputs,
        slices,
        worst,
        importance,
        effects,
        learning_curve,
        curves,
        data,
        cost,
        memory,
        provenance,
    } = report;
    let mut sections = vec![contract.as_ref().and_then(contract::draw), baselines.as_ref().and_then(baselines::draw)];
    sections.extend(outputs.iter().enumerate().map(|(number, output)| answers::draw(output, number)));
    sections.extend([
        slices.as_ref().and_then(slices::draw),
        worst.as_ref().and_then(worst::draw),
        importance.as_ref().and_then(importance::draw),
        effects::draw(effects),
        learning_curve.as_ref().and_then(learning::draw),
        curves.as_ref().and_then(curves::draw),
        data.as_ref().and_then(data::draw),
        cost.as_ref().and_then(cost::draw),
        memory.as_ref().and_then(memory::draw),
        provenance.as_ref().and_then(provenance::draw),
    ]);
    sections.into_iter().flatten().collect()
}

fn navigation(sections: &[Section]) -> Markup {
    html! {
        nav class="contents" aria-label="Sections" {
            div class="contents-head" {
                a class="brand" href="#content" { "Tacit" }
                // Without a script there is nothing to press, so the script shows it.
                button id="theme" type="button" hidden aria-label="Switch between light and dark" {
                    svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
                        circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5" {}
                        path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" {}
                    }
                }
            }
            ul {
                @for section in sections {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn the_policy_names_the_script() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(SCRIPT));
        assert!(POLICY.contains(&format!("script-src 'sha256-{hash}'")), "the hash of the script is {hash}");
    }

    #[test]
    fn the_style_sheet_and_the_script_have_nothing_that_ends_them() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !palette::rules().contains("</"));
    }
}
