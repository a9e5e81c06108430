// How far an emitted program's answers to rows of numbers are from those of `tacit run`.
//
//   tacit run NAME.tacit ROWS.csv > said.jsonl
//   node bench/web/compare.mjs FOLDER NAME ROWS.csv said.jsonl
//
// It is for programs with one input, whose columns come first in each row, and one category.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, name, rows, said] = process.argv.slice(2);
const { load, inputs, outputs } = await import(pathToFileURL(resolve(folder, `${name}.js`)));
const program = await load(readFileSync(resolve(folder, `${name}.wasm`)));
const lines = (file) => readFileSync(file, "utf8").trim().split("\n");
const elements = inputs[0].shape.reduce((product, extent) => product * extent, 1);
const [, ...examples] = lines(rows);
const answers = lines(said).map((line) => JSON.parse(line).probabilities);
let greatest = 0;
let different = 0;
examples.forEach((example, row) => {
  const found = program.run({ [inputs[0].name]: example.split(",").slice(0, elements).map(Number) })[outputs[0].name];
  const differences = outputs[0].labels.map((label, k) => Math.abs(found[k] - Math.fround(answers[row][label])));
  greatest = Math.max(greatest, ...differences);
  different += differences.some((difference) => difference > 0);
});
console.log(`${different} of ${examples.length} rows differ, by ${greatest} at most`);
