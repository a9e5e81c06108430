use std::time::Instant;
use tacit_exec::contract::*;
use tacit_exec::kernels::KernelSet;
use tacit_exec::team::Team;

fn product(m: usize, n: usize, k: usize, ta: bool, tb: bool) -> Contraction {
    let (mi, ni, ki) = (m as i32, n as i32, k as i32);
    let (ar, at) = if ta { (1, mi) } else { (ki, 1) };
    let (bt, bl) = if tb { (1, ki) } else { (ni, 1) };
    Contraction {
        batches: vec![Base::default()],
        rows: (0..mi).map(|i| Row { a: i * ar, c: i * ni }).collect(),
        groups: vec![Group {
            rows: m,
            runs: (0..k)
                .step_by(512)
                .map(|s| Run {
                    a: s as i32 * at,
                    b: s as i32 * bt,
                    len: 512.min(k - s) as u32,
                    a_stride: at,
                    b_stride: bt,
                    ends_chunk: true,
                })
                .collect(),
        }],
        lanes: n,
        a_lane_stride: 0,
        b_lane_stride: bl,
        c_lane_stride: 1,
        bias: false,
        relu: false,
    }
}

fn main() {
    let mut teams = [Team::new(1)];
    for (m, n, k) in [
        (14, 32, 512),
        (14, 512, 512),
        (512, 512, 512),
        (1024, 1024, 1024),
        (128, 512, 784),
        (128, 10, 512),
        (1, 1024, 1024),
    ] {
        for (ta, tb) in [(false, false), (false, true), (true, false)] {
            let spec = product(m, n, k, ta, tb);
            print!("{m}x{n}x{k} {ta} {tb}:");
            for kernels in [KernelSet::Avx512] {
                for team in &mut teams {
                    for (pa, pb) in [
                        (None, None),
                        (Some(false), Some(false)),
                        (Some(false), Some(true)),
                        (Some(true), Some(false)),
                        (Some(true), Some(true)),
                    ] {
                        let plan = ContractPlan::new(
                            &spec,
                            PlanOptions { pack_a: pa, pack_b: pb, ..PlanOptions::new(kernels, team.size()) },
                        )
                        .unwrap();
                        let l = plan.lengths();
                        let (a, b, mut c, mut w) = (
                            vec![1.0f32; l.a],
                            vec![1.0f32; l.b],
                            vec![0.0f32; l.c],
                            vec![0.0f32; plan.workspace_len()],
                        );
                        let ops = Operands {
                            a: &a,
                            b: &b,
                            bias: None,
                            c: SharedSlice::new(&mut c),
                            workspace: SharedSlice::new(&mut w),
                        };
                        let flops = 2.0 * (m * n * k) as f64;
                        let mut best = f64::MAX;
                        let start = Instant::now();
                        let mut reps = 0;
                        while reps < 5 || start.elapsed().as_secs_f64() < 0.4 {
                            let t = Instant::now();
                            plan.run(team, &ops, &no_epilogue);
                            best = best.min(t.elapsed().as_secs_f64());
                            reps += 1;
                        }
                        print!(" {:.0}", flops / best / 1e9);
                    }
                    print!(" |");
                }
            }
            println!();
        }
    }
}
