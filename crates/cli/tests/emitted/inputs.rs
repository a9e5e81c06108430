//! Inputs of all kinds: what a program meets, and what it should never meet.

/// Rows of so many numbers: the edges first, then random numbers of many magnitudes, some with an edge among them.
pub fn inputs(rows: usize, width: usize) -> Vec<Vec<f32>> {
    let mut draw = Draw(1);
    (0..rows).map(|row| (0..width).map(|k| element(row, k, &mut draw)).collect()).collect()
}

fn element(row: usize, k: usize, draw: &mut Draw) -> f32 {
    let sign = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
    match row {
        0 => 0.0,
        1 => -0.0,
        2 => 1.0,
        3 => f32::MAX,
        4 => sign * f32::MAX,
        5 => f32::NAN,
        6 => f32::INFINITY,
        7 => sign * f32::INFINITY,
        8 => sign * f32::from_bits(1 + draw.bits() % 0x7f_ffff),
        9 => sign * f32::MIN_POSITIVE,
        10 => 0.5 + (draw.bits() % 16) as f32,
        11 => -1.0,
        // Whole numbers, as pixels and the positions of labels are.
        _ if row.is_multiple_of(3) => (draw.bits() % [2, 4, 17, 256][row / 3 % 4]) as f32,
        _ if row % 31 == 1 && draw.bits().is_multiple_of(16) => {
            [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, 1e-40][draw.bits() as usize % 6]
        }
        _ => (draw.uniform() * 2.0 - 1.0) * 2f32.powi(row as i32 % 14 - 4),
    }
}

/// The generator of Numerical Recipes (Press et al., section 7.1), whose high bits are good.
struct Draw(u64);

impl Draw {
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    fn uniform(&mut self) -> f32 {
        (self.bits() >> 7) as f32 / (1 << 24) as f32
    }
}
