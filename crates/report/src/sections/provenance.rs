//! Where the program comes from, in full.

use maud::html;
use serde::{Deserialize, Serialize};

use crate::element::{Section, data};

/// What it takes to build the program again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The name of the manifest: `Tacit.toml`.
    pub manifest_file: String,
    /// Its text.
    pub manifest: String,
    /// The versions of all that decides the result.
    pub versions: Vec<Version>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    pub of: String,
    pub version: String,
}

pub(crate) fn draw(provenance: &Provenance) -> Option<Section> {
    let Provenance { manifest_file, manifest, versions } = provenance;
    if manifest.is_empty() && versions.is_empty() {
        return None;
    }
    let body = html! {
        @if !versions.is_empty() {
            dl class="provenance-facts" {
                @for Version { of, version } in versions {
                    dt { (data(of)) }
                    dd { (data(version)) }
                }
            }
        }
        @if !manifest.is_empty() {
            details class="manifest" {
                summary { @if manifest_file.is_empty() { "The manifest" } @else { (data(manifest_file)) } }
                pre tabindex="0" { code { (manifest) } }
            }
        }
    };
    let lead = "The same data, manifest and versions give the same program, byte for byte.";
    Some(Section::new("provenance", "Provenance", lead, body))
}
