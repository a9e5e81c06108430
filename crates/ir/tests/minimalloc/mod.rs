//! Instances of static allocation from the data kept beside the project.

use tacit_ir::passes::plan::Life;

/// The instances by their names, if the data has them.
pub fn instances() -> Option<Vec<(String, Vec<Life>)>> {
    let folder = std::path::PathBuf::from(std::env::var_os("TACIT_DATA")?).join("minimalloc");
    let mut instances = vec![];
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let name = path.file_name()?.to_string_lossy().split('.').next()?.to_owned();
            instances.push((name, lives(&std::fs::read_to_string(&path).ok()?)));
        }
    }
    instances.sort_by(|a, b| a.0.cmp(&b.0));
    Some(instances)
}

/// One life a line, `id,lower,upper,size`; `upper` is the first time at which the memory is free.
fn lives(text: &str) -> Vec<Life> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,lower,upper,size"));
    lines
        .map(|line| {
            let numbers: Vec<usize> = line.split(',').map(|cell| cell.parse().expect("cells are numbers")).collect();
            let [_, lower, upper, size] = numbers[..] else { panic!("a line has four cells: {line}") };
            Life { bytes: size, first: lower, last: upper - 1 }
        })
        .collect()
}

/// The height when the largest comes first, each at the lowest gap that fits: what the searched placement is compared with.
pub fn greedy_by_size(lives: &[Life]) -> usize {
    let mut order: Vec<&Life> = lives.iter().collect();
    order.sort_by_key(|life| (std::cmp::Reverse(life.bytes), life.first));
    let mut placed: Vec<(usize, &Life)> = vec![];
    for life in order {
        let mut offset = 0;
        placed.sort_by_key(|(offset, _)| *offset);
        for (start, other) in &placed {
            if other.first <= life.last && life.first <= other.last {
                if offset + life.bytes <= *start {
                    break;
                }
                offset = offset.max(start + other.bytes);
            }
        }
        placed.push((offset, life));
    }
    placed.iter().map(|(offset, life)| offset + life.bytes).max().unwrap_or(0)
}
