//! Counter-based random numbers: element e of a stream is a function of its coordinate alone.

/// The ten-round Philox-4×32 bijection of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
/// (SC 2011), section 3.3: four random words for every 128-bit counter under a 64-bit key.
#[inline(always)]
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
    const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let low = c0 as u64 * MULTIPLIERS[0] as u64;
        let high = c2 as u64 * MULTIPLIERS[1] as u64;
        (c0, c1, c2, c3) = ((high >> 32) as u32 ^ c1 ^ k0, high as u32, (low >> 32) as u32 ^ c3 ^ k1, low as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// The upper 24 bits times 2⁻²⁴: uniform on the multiples of 2⁻²⁴ in [0, 1), and exact.
#[inline(always)]
pub fn uniform(bits: u32) -> f32 {
    (bits >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

/// Fills `out` with the elements `first..first + out.len()` of a stream of uniform numbers in [0, 1). Element e is word
/// e mod 4 of the block with the counter (low and high half of ⌊e/4⌋, `stream`, 0); coordinates wrap at 2⁶⁴.
#[inline(always)]
pub fn philox_fill_uniform(out: &mut [f32], first: u64, stream: u32, key: [u32; 2]) {
    let until_block = (first.wrapping_neg() % 4) as usize;
    let (head, rest) = out.split_at_mut(until_block.min(out.len()));
    fill_part(head, first, stream, key);
    let (blocks, tail) = rest.as_chunks_mut::<4>();
    let first = first.wrapping_add(head.len() as u64);
    for (i, four) in blocks.iter_mut().enumerate() {
        *four = uniform_block(first.wrapping_add(4 * i as u64) / 4, stream, key);
    }
    fill_part(tail, first.wrapping_add(4 * blocks.len() as u64), stream, key);
}

/// At most three elements of one block.
#[inline(always)]
fn fill_part(out: &mut [f32], first: u64, stream: u32, key: [u32; 2]) {
    let block = uniform_block(first / 4, stream, key);
    for (o, value) in out.iter_mut().zip(&block[(first % 4) as usize..]) {
        *o = *value;
    }
}

#[inline(always)]
fn uniform_block(block: u64, stream: u32, key: [u32; 2]) -> [f32; 4] {
    let [a, b, c, d] = philox4x32_10([block as u32, (block >> 32) as u32, stream, 0], key);
    [uniform(a), uniform(b), uniform(c), uniform(d)]
}
