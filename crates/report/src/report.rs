//! All that a page can show.

use serde::{Deserialize, Serialize};

use crate::sections::answers::Output;
use crate::sections::baselines::Baselines;
use crate::sections::contract::Contract;
use crate::sections::cost::Cost;
use crate::sections::curves::Curves;
use crate::sections::data::DataNotes;
use crate::sections::effects::Effects;
use crate::sections::head::Head;
use crate::sections::importance::Importance;
use crate::sections::learning::LearningCurve;
use crate::sections::memory::MemoryMap;
use crate::sections::provenance::Provenance;
use crate::sections::slices::Slices;
use crate::sections::worst::WorstExamples;

/// The report of a build, in the order of the page. What is none or empty is absent from the page and from JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub head: Head,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baselines: Option<Baselines>,
    /// One for each output of the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<Slices>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<WorstExamples>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<Importance>,
    /// One for each answer whose effects are shown, such as one class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effects>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_curve: Option<LearningCurve>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<Curves>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataNotes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryMap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}
