//! `tacit test`.

use tacit_spec::Exit;
use tacit_train::files::folder_of;
use tacit_train::{Artifact, remeasure};

use crate::latency::decided;
use crate::output::{Result, exec_options, message, print};
use crate::{Format, TestArguments, table};

pub fn test(arguments: &TestArguments) -> Result<Exit> {
    let artifact = Artifact::load(&arguments.program)?;
    let folder = folder_of(&arguments.program);
    let exec = exec_options()?;
    let measured = remeasure(&artifact, folder, arguments.data.as_deref(), &arguments.program, &exec)?;
    let contract = decided(&measured.contract, &artifact, &exec)?;
    message(&format!("measured on {} rows of {}", measured.rows, measured.file.display()));
    match measured.dataset.rejected_rows {
        0 => {}
        1 => message("1 row cannot be used, and was left out"),
        rows => message(&format!("{rows} rows cannot be used, and were left out")),
    }
    print(&match arguments.format {
        Format::Text => table::contract(&contract),
        Format::Json => format!("{}\n", table::contract_json(&contract)),
    })?;
    Ok(if contract.is_met() { Exit::Ok } else { Exit::ContractNotMet })
}
