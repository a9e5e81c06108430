//! What the plan keeps in memory and what it computes again where it is read.

use tacit_ir::passes::plan::{Fate, plan};
use tacit_ir::text;

/// The fates of the values of a program, by number.
fn fates(lines: &[&str]) -> Vec<Fate> {
    let source = format!("tacit-ir 1\n{}\n", lines.join("\n"));
    let graph = text::parse(&source).unwrap_or_else(|error| panic!("{error}"));
    plan(&graph).fates
}

fn is_stored(fate: &Fate) -> bool {
    matches!(fate, Fate::Stored(_))
}

/// Sums along both axes, so that two kernels read `%3`.
const BOTH_SUMS: &str = "%4 = reduce sum \"ij->i\" i=32 j=32 (%3) -> f32[32]
%5 = reduce sum \"ij->j\" i=32 j=32 (%3) -> f32[32]
output \"rows\" = %4
output \"columns\" = %5";

#[test]
fn a_stored_value_times_a_scalar_is_computed_again_by_each_kernel_that_reads_it() {
    let fates = fates(&[
        "%0 = input \"x\" -> f32[32,32]",
        "%1 = constant 0.5 -> f32[]",
        "%2 = map erf (%0) -> f32[32,32]",
        "%3 = map mul (%2, %1) -> f32[32,32]",
        BOTH_SUMS,
    ]);
    assert!(is_stored(&fates[2]) && fates[3] == Fate::Inline, "{fates:?}");
}

#[test]
fn a_stored_value_over_a_vector_of_its_columns_is_computed_again() {
    let fates = fates(&[
        "%0 = input \"x\" -> f32[32,32]",
        "%1 = input \"scale\" -> f32[32]",
        "%2 = map erf (%0) -> f32[32,32]",
        "%3 = map div \"ij,j->ij\" i=32 j=32 (%2, %1) -> f32[32,32]",
        BOTH_SUMS,
    ]);
    assert!(is_stored(&fates[2]) && fates[3] == Fate::Inline, "{fates:?}");
}

#[test]
fn a_product_of_two_tensors_is_kept_since_computing_it_again_would_keep_both() {
    let fates = fates(&[
        "%0 = input \"x\" -> f32[32,32]",
        "%1 = input \"y\" -> f32[32,32]",
        "%2 = map erf (%0) -> f32[32,32]",
        "%3 = map mul (%2, %1) -> f32[32,32]",
        BOTH_SUMS,
    ]);
    assert!(fates[2] == Fate::Inline && is_stored(&fates[3]), "{fates:?}");
}

#[test]
fn a_function_of_many_operations_is_kept() {
    let fates = fates(&[
        "%0 = input \"x\" -> f32[32,32]",
        "%1 = constant 0.5 -> f32[]",
        "%2 = map erf (%0) -> f32[32,32]",
        "%3 = map exp (%2) -> f32[32,32]",
        BOTH_SUMS,
    ]);
    assert!(fates[2] == Fate::Inline && is_stored(&fates[3]), "{fates:?}");
}

#[test]
fn a_contraction_finds_its_operand_in_memory() {
    let fates = fates(&[
        "%0 = input \"x\" -> f32[32,32]",
        "%1 = constant 0.5 -> f32[]",
        "%2 = map erf (%0) -> f32[32,32]",
        "%3 = map mul (%2, %1) -> f32[32,32]",
        BOTH_SUMS,
        "%6 = contract \"ij,jk->ik\" i=32 k=32 j=32 (%3, %3) -> f32[32,32]",
        "output \"square\" = %6",
    ]);
    assert!(is_stored(&fates[3]), "{fates:?}");
}

#[test]
fn a_parameter_is_written_over_because_what_is_read_after_that_was_kept() {
    let fates = fates(&[
        "%0 = param \"w\" -> f32[32,32]",
        "%1 = constant 0.5 -> f32[]",
        "%2 = map sub (%0, %1) -> f32[32,32]",
        "%3 = map sub (%0, %2) -> f32[32,32]",
        "%4 = reduce sum \"ij->i\" i=32 j=32 (%2) -> f32[32]",
        "%5 = reduce sum \"ij->j\" i=32 j=32 (%2) -> f32[32]",
        "output \"rows\" = %4",
        "output \"columns\" = %5",
        "update %0 = %3",
    ]);
    assert!(is_stored(&fates[2]) && matches!(fates[3], Fate::InPlace(_)), "{fates:?}");
}

#[test]
fn sums_that_become_bytes_have_no_memory_and_end_their_kernel() {
    let fates = fates(&[
        "%0 = input \"x\" -> i8[32,16]",
        "%1 = param \"w\" -> i8[16,8]",
        "%2 = input \"y\" -> i8[32,8]",
        "%3 = constant 1073741824 -> i32[]",
        "%4 = constant -7 -> i32[]",
        "%5 = contract \"ik,kj->ij\" i=32 j=8 k=16 (%0, %1) -> i32[32,8]",
        "%6 = map mulshift (%5, %3, %4) -> i32[32,8]",
        "%7 = map cast (%6) -> i8[32,8]",
        "%8 = map max (%7, %2) -> i8[32,8]",
        "output \"y\" = %8",
    ]);
    assert!(matches!(fates[5], Fate::Merged(root) if root.index() == 7), "{fates:?}");
    assert!(fates[6] == Fate::Inline && is_stored(&fates[7]) && is_stored(&fates[8]), "{fates:?}");
}
