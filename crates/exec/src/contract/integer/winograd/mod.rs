//! Convolutions of 3×3 pixels by Winograd's transforms, in integers and exact: [`transforms`] says how.
//!
//! Tiles of 4×4 results read 6×6 pixels. Their transforms have 36 points; each is a product of tiles and channels by channels
//! and lanes, 36 multiplications for 16 results that would take 144. A group of tiles small enough for the first cache goes
//! through all steps before the next one.

mod plan;
pub(super) mod products;
pub(super) mod transforms;

pub(super) use plan::WinogradPlan;
