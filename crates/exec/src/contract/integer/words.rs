//! What the kernels need of vectors of integers.

/// Vectors of a panel of `b`.
pub const PANEL_VECTORS: usize = 2;

/// Lanes of the widest panel.
pub const LANES_MAX: usize = 32;

/// A vector of i32 in some instruction set.
///
/// Its functions are only ever inlined into functions compiled for that set.
pub trait Words: Copy {
    const WIDTH: usize;
    unsafe fn splat(value: i32) -> Self;
    unsafe fn load(from: *const i32) -> Self;
    unsafe fn store(self, to: *mut i32);
    /// Stores the lanes saturated to i8.
    unsafe fn store_narrow(self, to: *mut i8);
    /// Two i16 in every lane.
    unsafe fn load_pairs(from: *const i16) -> Self;
    /// The same two i16 in all lanes.
    unsafe fn splat_pair(from: *const i16) -> Self;
    /// The numbers of `low` and `high` in pairs, for two vectors of lanes as [`Words::turned`] has them.
    unsafe fn pair_up(low: *const i8, high: *const i8) -> [Self; PANEL_VECTORS];
    /// Two vectors of lanes in the order in which it costs least to make pairs of numbers and to store results, or back in
    /// their own:
    /// [`super::kernel::KernelTable::turned_lane`] says where each lane is.
    unsafe fn turned(vectors: [Self; PANEL_VECTORS]) -> [Self; PANEL_VECTORS];
    /// Stores lanes that were turned and then crossed in their own order, saturated to i8.
    unsafe fn store_narrow_turned(vectors: [Self; PANEL_VECTORS], to: *mut i8);
    /// Lanes in the order in which [`Words::high_of_sums`] gives them, or back in their own.
    unsafe fn crossed(self) -> Self;
    /// Adds both products of every lane's pairs.
    unsafe fn add_products(self, a: Self, b: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// The lower halves of the products.
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn shift_left<const PLACES: i32>(self) -> Self;
    /// Copies of the sign come in.
    unsafe fn shift_right<const PLACES: i32>(self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    unsafe fn shift_left_by(self, places: Self) -> Self;
    unsafe fn shift_right_by(self, places: Self) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    /// −1 or 0.
    unsafe fn equal(self, other: Self) -> Self;
    unsafe fn greater(self, other: Self) -> Self;
    /// Whether every lane is at least `low` and at most `high`.
    unsafe fn are_within(self, low: i32, high: i32) -> bool;
    /// Whatever [`Words::high_of_double_product`] needs of the odd lanes of a factor.
    unsafe fn odd_lanes(self) -> Self;
    /// ⌊(x·factor + 2³⁰) / 2³¹⌋, wrapped.
    unsafe fn high_of_double_product(self, factor: Self, odd_factor: Self) -> Self;
    /// For every lane a number of 64 bits with this lower half: those of the even lanes, and those of the odd ones.
    unsafe fn wide(low: u32, high: Self) -> [Self; 2];
    /// ⌊(x·factor + addend) / 2³²⌋, which wraps nowhere, as crossed lanes; addends are [`Words::wide`].
    unsafe fn high_of_sums(self, factor: Self, odd_factor: Self, addends: [Self; 2]) -> Self;
}
