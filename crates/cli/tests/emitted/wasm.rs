//! Emitted WebAssembly in an interpreter of it, whose relaxed multiply-add rounds once.

use std::fs;

use super::case::Case;

/// The answers of the module that these options give, to the first rows.
pub fn answers(case: &Case, options: &[&str], rows: usize) -> Vec<Vec<f32>> {
    let folder = case.emit("wasm", options);
    let mut files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let module = files.find(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    let bytes = fs::read(module.expect("a module is written")).unwrap();
    let mut config = wasmi::Config::default();
    config.wasm_relaxed_simd(true);
    let engine = wasmi::Engine::new(&config);
    let module = wasmi::Module::new(&engine, &bytes).expect("the module is valid");
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &module).unwrap();
    let memory = instance.get_memory(&store, "memory").expect("the memory is exported");
    let run = instance.get_typed_func::<(), ()>(&store, "run").expect("the function is exported");
    let addresses = |store: &wasmi::Store<()>, kind: &str, tensors: &[(String, usize)]| -> Vec<usize> {
        let address = |(name, _): &(String, usize)| {
            let global =
                instance.get_global(store, &format!("{kind}_{}", plain(name))).expect("addresses are exported");
            let wasmi::Val::I32(address) = global.get(store) else { panic!("an address is an i32") };
            address as u32 as usize
        };
        tensors.iter().map(address).collect()
    };
    let (inputs, outputs) = (addresses(&store, "input", &case.inputs), addresses(&store, "output", &case.outputs));
    let mut found = vec![];
    for row in &case.rows[..rows] {
        let mut rest = &row[..];
        for (address, (_, elements)) in inputs.iter().zip(&case.inputs) {
            let (values, others) = rest.split_at(*elements);
            rest = others;
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            memory.write(&mut store, *address, &bytes).unwrap();
        }
        run.call(&mut store, ()).expect("a program does not trap");
        let mut answer = vec![];
        for (address, (_, elements)) in outputs.iter().zip(&case.outputs) {
            let mut bytes = vec![0; elements * 4];
            memory.read(&store, *address, &mut bytes).unwrap();
            answer.extend(bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)));
        }
        found.push(answer);
    }
    found
}

fn plain(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}
