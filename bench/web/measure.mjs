// How long one run of an emitted program takes in Node.js, and the same network in ONNX Runtime Web where a model is given.
//
//   node bench/web/measure.mjs FOLDER NAME [MODEL.onnx]
//
// FOLDER is what `tacit emit wasm` wrote, NAME what its files are called. A model has one input `x` of a batch of one and one
// output `y`; `npm install onnxruntime-web` puts the runtime where it is found from the current folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const SECONDS = 2;
const [folder, name, model] = process.argv.slice(2);
const { load, inputs, outputs } = await import(pathToFileURL(resolve(folder, `${name}.js`)));
const bytes = readFileSync(resolve(folder, `${name}.wasm`));
const program = await load(bytes);
const [input] = inputs;
const elements = input.shape.reduce((product, extent) => product * extent, 1);
const values = Float32Array.from({ length: elements }, (_, k) => ((k * 7919) % 17) * ((input.scale ?? 16) / 16));

/** The median and the least time of ten runs at a time, in microseconds a run. */
async function measured(run) {
  for (let k = 0; k < 300; k++) await run();
  const times = [];
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; ) {
    const begin = performance.now();
    for (let k = 0; k < 10; k++) {
      const pending = run();
      // Waiting costs time that a program without promises does not take.
      if (pending instanceof Promise) await pending;
    }
    times.push((performance.now() - begin) * 100);
  }
  times.sort((a, b) => a - b);
  return `median ${times[times.length >> 1].toFixed(1)} µs, least ${times[0].toFixed(1)} µs`;
}

const run = () => program.run({ [input.name]: values });
console.log(`${name}: ${bytes.length} bytes, ${await measured(run)}`);
console.log([...run()[outputs[0].name]].slice(0, 5).join(" "));
if (model) {
  const ort = createRequire(resolve("package.json"))("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ["wasm"] });
  const x = new ort.Tensor("float32", values, [1, ...input.shape]);
  const other = () => session.run({ x });
  console.log(`onnxruntime-web ${ort.env.versions.web}: ${await measured(other)}`);
  console.log([...(await other()).y.data].slice(0, 5).join(" "));
}
