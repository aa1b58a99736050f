// The bundler: `node bundle.mjs FOLDER` writes index.html and assets/<name>-<hash>.<ext>, each also as .br and .gz.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import { build } from "esbuild";

const ADDRESS = "/graphql/assets/";
const folder = path.resolve(process.argv[2]);
const assets = path.join(folder, "assets");
const here = import.meta.dirname;

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
  target: "es2022",
  jsx: "automatic",
  outdir: assets,
  publicPath: ADDRESS,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".ttf": "file", ".svg": "file" },
  define: { "process.env.NODE_ENV": '"production"' },
  alias: {
    "monaco-editor/esm/vs/editor/edcore.main.js": path.join(here, "page", "editor-features.js"),
    // GraphiQL imports these by their old paths, where esbuild finds CommonJS modules without `parsers`.
    "prettier/parser-babel": "prettier/plugins/babel",
    "prettier/parser-graphql": "prettier/plugins/graphql",
  },
  nodePaths: [path.join(here, "node_modules")],
};

/** Keeps the accessible names of GraphiQL's icons: it derives them from function names, which minification removes. */
const namedIcons = {
  name: "named-icons",
  setup({ onLoad }) {
    onLoad({ filter: /graphiql.react.dist.icons.index\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, "utf8");
      const contents = source
        .replace("function generateIcon(RawComponent)", "function generateIcon(RawComponent, name)")
        .replaceAll("RawComponent.name", "name")
        .replaceAll(/generateIcon\((Svg\w+)\)/g, 'generateIcon($1, "$1")');
      return contents.includes('"SvgPlay"') ? { contents } : { errors: [{ text: "icons are not what they were" }] };
    });
  },
};

await mkdir(assets, { recursive: true });
const workers = await build({
  ...common,
  format: "iife",
  entryPoints: {
    "editor-worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json-worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql-worker": "monaco-graphql/esm/graphql.worker.js",
  },
});
const page = await build({
  ...common,
  format: "esm",
  splitting: true,
  plugins: [namedIcons],
  entryPoints: ["main.tsx", "icon.svg"].map((name) => path.join(here, "page", name)),
  define: {
    ...common.define,
    EDITOR_WORKER: JSON.stringify(addressOf(workers, "editor-worker")),
    JSON_WORKER: JSON.stringify(addressOf(workers, "json-worker")),
    GRAPHQL_WORKER: JSON.stringify(addressOf(workers, "graphql-worker")),
  },
});
await removeChunkStyles(page);
await writeHtml(page);
await Promise.all((await readdir(assets)).map((name) => compress(path.join(assets, name))));

/** The output of an entry point. */
function outputOf(result, source) {
  const [file, output] = Object.entries(result.metafile.outputs).find(([, one]) => one.entryPoint?.endsWith(source));
  return { file, ...output };
}

function addressOf(result, name) {
  const file = Object.keys(result.metafile.outputs).find((output) => path.basename(output).startsWith(`${name}-`));
  return ADDRESS + path.basename(file);
}

/** Remove the style sheets of chunks, which the page's style sheet contains. */
async function removeChunkStyles(result) {
  const { cssBundle } = outputOf(result, "main.tsx");
  const styles = Object.keys(result.metafile.outputs).filter((file) => file.endsWith(".css"));
  await Promise.all(styles.filter((file) => file !== cssBundle).map((file) => rm(file)));
}

/** Write the page with preloads of the editor's chunks, so that they are fetched in parallel. */
async function writeHtml(result) {
  const main = outputOf(result, "main.tsx");
  const workbench = outputOf(result, "workbench.tsx");
  const chunks = workbench.imports.filter((one) => one.kind === "import-statement").map((one) => one.path);
  const head = [
    `<link rel="stylesheet" href="${address(main.cssBundle)}">`,
    ...[workbench.file, ...chunks].map((file) => `<link rel="modulepreload" href="${address(file)}">`),
    `<link rel="icon" type="image/svg+xml" href="${addressOf(result, "icon")}">`,
    `<script type="module" src="${address(main.file)}"></script>`,
  ];
  const template = await readFile(path.join(here, "page", "index.html"), "utf8");
  await writeFile(path.join(folder, "index.html"), template.replace("<!-- assets -->", head.join("\n    ")));
}

function address(file) {
  return ADDRESS + path.basename(file);
}

async function compress(file) {
  const bytes = await readFile(file);
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, brotli));
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
}
